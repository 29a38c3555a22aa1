package database_test

func beside(args []string) error  { return nil }
func refused(args []string) error { return nil }
