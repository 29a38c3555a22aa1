package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"app": main})
}

// Away from its sources the program still has its configuration: no key falls back to a default.
func TestTheProgramCarriesItsConfiguration(t *testing.T) {
	t.Parallel()
	program := exec.Command("app", "config", "print")
	program.Dir = t.TempDir()
	program.Env = []string{}
	output, err := program.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	settings := strings.Split(strings.TrimSpace(string(output)), "\n")
	if len(settings) < 10 {
		t.Errorf("only %d settings:\n%s", len(settings), output)
	}
	for _, setting := range settings {
		if !strings.HasSuffix(setting, "# embedded config.yaml") {
			t.Errorf("config.yaml does not have this key: %s", setting)
		}
	}
}
