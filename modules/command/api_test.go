package command_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"oms/modules"
	"oms/modules/systemtest"
	"oms/platform/fault"
)

// apiDocument is what people read who write a client.
const apiDocument = "../../docs/api.md"

// example is a command of the document, and what it says that the command prints.
type example struct {
	command string
	prints  []string
}

// blocks are the lines of the document's blocks in a language.
func blocks(t testing.TB, language string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(apiDocument)
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```"+language
		case inside:
			lines = append(lines, line)
		}
	}
	return lines
}

func examples(t testing.TB) (all []example) {
	t.Helper()
	for _, line := range blocks(t, "console") {
		if command, is := strings.CutPrefix(line, "$ "); is {
			all = append(all, example{command: command})
		} else {
			last := &all[len(all)-1]
			last.prints = append(last.prints, line)
		}
	}
	return all
}

// Every example of the document does what stands there, one after the other against one fresh installation.
func TestTheExamplesOfTheAPIDocumentAreTrue(t *testing.T) {
	t.Parallel()
	systemtest.RequireInstalled(t, "curl", "curl")
	all := examples(t)
	p := params(deployment{})
	p.Files = []string{"testdata/document/api.txtar"}
	p.Cmds["examples"] = func(ts *testscript.TestScript, _ bool, _ []string) { runExamples(ts, all) }
	testscript.Run(t, p)
	t.Logf("%d examples", len(all))
	if len(all) < 40 {
		t.Error("that is too few to be all of them")
	}
}

// between stands before what the next command prints.
const between = "=== next ==="

// runExamples runs the commands in one shell, since later ones need what earlier ones have set.
func runExamples(ts *testscript.TestScript, all []example) {
	var script strings.Builder
	for _, e := range all {
		command := strings.ReplaceAll(e.command, "https://localhost:9090", ts.Getenv("APP_SERVER__PUBLIC_URL"))
		fmt.Fprintf(&script, "echo '%s'\n%s\necho\n", between, strings.ReplaceAll(command, "./app ", "app "))
	}
	shell := exec.Command("bash", "-s")
	shell.Dir, shell.Env, shell.Stdin = ts.MkAbs("."), environ(ts), strings.NewReader(script.String())
	var printed bytes.Buffer
	shell.Stdout, shell.Stderr = &printed, &printed
	ts.Check(shell.Run())
	outputs := strings.Split(strings.ReplaceAll(printed.String(), "\r", ""), between+"\n")[1:]
	wrong := 0
	for i, e := range all {
		got := strings.TrimRight(outputs[i], "\n")
		want := strings.Join(e.prints, "\n")
		if !regexp.MustCompile(`(?s)\A` + strings.ReplaceAll(regexp.QuoteMeta(want), "…", `[^\n]*`) + `\z`).MatchString(got) {
			ts.Logf("$ %s\nprinted\n%s\nand not\n%s\n", e.command, got, want)
			wrong++
		}
	}
	if wrong > 0 {
		ts.Fatalf("%d of %d examples are not true", wrong, len(all))
	}
}

// answeredByNobody are the codes for which no client can be shown an answer of its own making.
var answeredByNobody = []fault.Code{fault.Canceled, fault.Unimplemented}

// The document leaves nothing out: every request has an example, and so has every code, every type and every header.
func TestTheAPIDocumentIsComplete(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(apiDocument)
	if err != nil {
		t.Fatal(err)
	}
	has := func(what string) {
		t.Helper()
		if !strings.Contains(string(text), what) {
			t.Errorf("no word of %s", what)
		}
	}
	shown := append(blocks(t, "console"), blocks(t, "json")...)
	shows := func(what string) {
		t.Helper()
		if !slices.ContainsFunc(shown, func(line string) bool { return strings.Contains(line, what) }) {
			t.Errorf("no example shows %s", what)
		}
	}
	for _, m := range modules.All {
		for _, table := range m.Tables {
			for _, operation := range table.Operations() {
				row := operation.Row()
				if row.Edge.Bound() {
					mustBeTried(t, row.Edge.Method, row.Edge.Path)
				}
				for _, kind := range row.Conflicts {
					if row.Edge.Bound() {
						shows(fault.Explanations + kind.Name)
					}
				}
			}
		}
	}
	for _, code := range fault.Codes() {
		has(fmt.Sprintf("| %d | %s |", code.Status(), code))
		switch code {
		case fault.Unauthenticated, fault.PermissionDenied:
			shows(fmt.Sprintf("HTTP/2 %d", code.Status()))
		default:
			if !slices.Contains(answeredByNobody, code) {
				shows(fmt.Sprintf("%q:%q", "code", code))
			}
		}
	}
	for _, code := range fault.FieldCodes() {
		has(fmt.Sprintf("\n| %s |", code))
		shows(fmt.Sprintf("%q:%q", "code", code))
	}
	for _, header := range []string{
		"Allow", "Cache-Control", "Content-Length", "Content-Type", "ETag", "Location", "Preference-Applied", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate", "X-Trace-Id",
	} {
		shows(strings.ToLower(header) + ": ")
	}
	for _, header := range []string{"Authorization", "Idempotency-Key", "If-None-Match", "Prefer", "Origin", "Access-Control-Request-Method"} {
		shows(header + ": ")
	}
}

// mustBeTried fails the test unless an example sends such a request.
func mustBeTried(t *testing.T, method, path string) {
	t.Helper()
	members := regexp.MustCompile(`\{[a-z_]+\}`)
	pattern := regexp.MustCompile(`\$API` + members.ReplaceAllString(path, `[^/ "?]+`) + `([?" ]|$)`)
	for _, e := range examples(t) {
		sends := "GET"
		if named := regexp.MustCompile(` -X ([A-Z]+)`).FindStringSubmatch(e.command); named != nil {
			sends = named[1]
		} else if strings.Contains(e.command, "--json ") {
			sends = "POST"
		}
		if sends == method && pattern.MatchString(e.command) {
			return
		}
	}
	t.Errorf("no example sends %s %s", method, path)
}

// What is shown without a command is as the program would write it.
func TestProblemsInTheAPIDocumentAreWellFormed(t *testing.T) {
	t.Parallel()
	lines := blocks(t, "json")
	for _, line := range lines {
		var p fault.Problem
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatal(err)
		}
		p.Type = strings.TrimPrefix(p.Type, fault.Explanations)
		failure, known := p.Fault()
		written, err := json.Marshal(failure.Problem(p.Instance, p.TraceID).Explained())
		if err != nil || !known || string(written) != line {
			t.Errorf("%s would be %s, %v", line, written, err)
		}
	}
	if len(lines) < 4 {
		t.Errorf("there are only %d", len(lines))
	}
}
