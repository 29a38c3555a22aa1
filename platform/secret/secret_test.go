package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"oms/platform/secret"
)

const password = "correct horse"

// account is how a request holds a secret.
type account struct {
	Name     string      `json:"name" yaml:"name"`
	Password secret.Text `json:"password" yaml:"password"`
}

func TestEveryVerbIsRedacted(t *testing.T) {
	text := secret.Text(password)
	values := map[string]any{
		"text":    text,
		"pointer": &text,
		"struct":  account{Name: "alice", Password: text},
		"list":    []secret.Text{text},
		"map":     map[secret.Text]secret.Text{text: text},
		"error":   fmt.Errorf("sign in with %s: %w", text, errors.New("refused")),
	}
	for name, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%U", "%b", "%o", "%e", "%t", "%20s", "%.3s", "%-5v", "%# x", "%z"} {
			if name == "error" && strings.Contains(verb, "#") {
				continue // the fields of fmt's own error, whose text is already redacted
			}
			shown := fmt.Sprintf(verb, value)
			if reveals(shown) {
				t.Errorf("%s with %s shows %s", name, verb, shown)
			}
		}
	}
	for _, shown := range []string{text.String(), text.GoString(), fmt.Sprint(text), fmt.Sprintf("%s", text), fmt.Sprintf("%x", text)} {
		if shown != secret.Redacted {
			t.Errorf("got %s, want %s", shown, secret.Redacted)
		}
	}
}

func TestTheEmptySecretLooksLikeAnyOther(t *testing.T) {
	if shown := fmt.Sprint(secret.Text("")); shown != secret.Redacted {
		t.Errorf("got %q", shown)
	}
}

func TestLogsAreRedacted(t *testing.T) {
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var out bytes.Buffer
		log := slog.New(handler(&out)).With("with", secret.Text(password))
		log.Info("signed in", "password", secret.Text(password), slog.Group("in", "any", secret.Text(password)))
		if reveals(out.String()) || strings.Count(out.String(), secret.Redacted) != 3 {
			t.Errorf("%s: %s", name, out.String())
		}
	}
}

func TestItTravelsAsItself(t *testing.T) {
	want := account{Name: "alice", Password: password}
	var fromJSON, fromYAML account

	text, err := json.Marshal(want)
	if err != nil || string(text) != `{"name":"alice","password":"correct horse"}` {
		t.Fatalf("%s, %v", text, err)
	}
	if err := json.Unmarshal(text, &fromJSON); err != nil || fromJSON != want {
		t.Errorf("JSON gave %q, %v", fromJSON.Password.Reveal(), err)
	}
	text, err = yaml.Marshal(want)
	if err != nil || string(text) != "name: alice\npassword: correct horse\n" {
		t.Fatalf("%s, %v", text, err)
	}
	if err := yaml.Unmarshal(text, &fromYAML); err != nil || fromYAML != want {
		t.Errorf("YAML gave %q, %v", fromYAML.Password.Reveal(), err)
	}
	if fromJSON.Password.Reveal() != password {
		t.Error("Reveal does not give the secret")
	}
}

// reveals finds the password as a text and as the bytes that some verbs print.
func reveals(shown string) bool {
	for _, form := range []string{password, "correct", fmt.Sprintf("%x", "correct"), fmt.Sprintf("%X", "correct"), "99 111 114", "63 6f 72", "U+0063"} {
		if strings.Contains(shown, form) {
			return true
		}
	}
	return false
}
