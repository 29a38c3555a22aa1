package shell_test

import (
	"os/exec"
	"testing"

	"oms/platform/shell"
)

// What is printed is one word to a real shell, and the same one.
func TestAShellReadsWhatWasMeant(t *testing.T) {
	for _, text := range []string{
		"", "data", "/srv/oms/data", "a b", "it's", `"quoted"`, "$HOME", "`id`", "$(id)", "a;b", "a&b", "a|b", "a>b", "a\\b", "*", "?", "[a]", "~", "~root", "#a", "!a", "{a,b}",
		"-rf", "a=b", "ä ö", "'", "''", "a'b'c", "\\", "https://localhost:9090/order/a%20b?c=d&e",
	} {
		got, err := exec.Command("sh", "-c", "printf %s "+shell.Quote(text)).Output()
		if err != nil || string(got) != text {
			t.Errorf("%q is written %s, which a shell reads as %q, %v", text, shell.Quote(text), got, err)
		}
	}
}

func TestWhatNeedsNoQuotesHasNone(t *testing.T) {
	for _, text := range []string{"data", "/srv/oms-1/data_2", "https://localhost:9090/order/1", "alice@example.com"} {
		if got := shell.Quote(text); got != text {
			t.Errorf("%s is written %s", text, got)
		}
	}
}

// Whoever copies it sees all of it.
func TestWhatCannotBeSeenIsLeftOut(t *testing.T) {
	if got := shell.Quote("a\nrm -r\x1b[2K\u0085\x00b"); got != "'arm -r[2Kb'" {
		t.Error(got)
	}
}
