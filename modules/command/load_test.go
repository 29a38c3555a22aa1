package command_test

import "github.com/rogpeppe/go-internal/testscript"

func ordersUntilTerminated(ts *testscript.TestScript, _ bool, args []string) {}
func ordersAreThere(ts *testscript.TestScript, _ bool, args []string)        {}
