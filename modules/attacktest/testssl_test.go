package attacktest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"oms/modules/systemtest"
)

// testssl.sh knows the weaknesses of TLS that have names. At the public listener it finds nothing of more than low severity,
// but that a private root has nobody who publishes revocations. At a module's listener its certificate is not for browsers: it
// names a workload, for a day, so that all but the certificate is judged.
func TestNothingIsFoundInTLS(t *testing.T) {
	t.Parallel()
	program := systemtest.RequireInstalled(t, "testssl", "testssl.sh")
	d := start(t, apart)
	weaknesses := []string{"--protocols", "--std", "--fs", "--vulnerable"}
	judged := map[string][]string{"gateway": slices.Concat(weaknesses, []string{"--server-defaults", "--headers"}), "sts": weaknesses}
	if long { // all that it knows, also which cipher each of many clients would get
		judged["gateway"] = nil
	}
	for module, what := range judged {
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			report := filepath.Join(t.TempDir(), "report.json")
			judge := exec.Command(program, slices.Concat([]string{ // #nosec G204 -- which is installed
				"--quiet", "--warnings", "batch", "--color", "0", "--ip", "127.0.0.1",
				"--add-ca", filepath.Join(d.dir, "data", "pki", "root.pem"), "--jsonfile", report,
			}, what, []string{d.address(module)})...)
			said, _ := judge.CombinedOutput() // whose status is the number of its complaints
			text, err := os.ReadFile(report)
			if err != nil {
				t.Fatalf("testssl.sh wrote no report: %v\n%s", err, said)
			}
			var findings []struct{ ID, Severity, Finding string }
			if err := json.Unmarshal(text, &findings); err != nil {
				t.Fatal(err)
			}
			counts := map[string]int{}
			for _, one := range findings {
				counts[one.Severity]++
				switch one.Severity {
				case "OK", "INFO", "LOW", "WARN":
				default:
					if !slices.Contains(ofAPrivateRoot, one.ID) {
						t.Errorf("%s: %s: %s", one.Severity, one.ID, one.Finding)
					}
				}
			}
			t.Logf("%d findings: %v", len(findings), counts)
			if counts["OK"] < 25 {
				t.Errorf("only %d were found to be well; testssl.sh said\n%s", counts["OK"], said)
			}
		})
	}
}

// ofAPrivateRoot is what testssl.sh would not say of a public authority.
var ofAPrivateRoot = []string{"cert_revocation"}
