package command_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"oms/modules"
	"oms/modules/system"
	"oms/modules/systemtest"

	"github.com/rogpeppe/go-internal/testscript"
)

// deployment is how the modules are put into processes, and how those prove themselves to each other.
type deployment struct {
	processes []string // each by the modules that it hosts
	profile   string
}

// groupings are the ways to put the modules into several processes, each process as --modules takes it.
func groupings() (all [][]string) {
	for _, g := range systemtest.Groupings(modules.All) {
		all = append(all, g.Processes())
	}
	return all
}

// profiles are the trust profiles with which each of them runs, the default first.
func profiles() (names []string) {
	for _, p := range system.Profiles {
		names = append(names, p.Name)
	}
	return names
}

// deployments are all of them, by name. Every answer in each of them is the same as in one process.
func deployments() map[string]deployment {
	all := map[string]deployment{"one": {processes: []string{"all"}, profile: profiles()[0]}}
	for _, processes := range groupings() {
		for _, profile := range profiles() {
			all[strings.Join(processes, "-")+"-"+profile] = deployment{processes, profile}
		}
	}
	return all
}

// Whoever calls cannot tell how the system is deployed.
func TestEveryDeploymentAnswersTheSame(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/everywhere/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var told transcripts
	t.Run("in", func(t *testing.T) {
		for name, deployment := range deployments() {
			p := params(deployment)
			p.Files, p.Cmds["the-same"] = scripts, told.keep(name)
			t.Run(name, func(t *testing.T) { testscript.Run(t, p) })
		}
	})
	told.compare(t)
}

// Each trust profile keeps what all of them promise, where every module is a process. Scripts say with [profile:NAME] where
// profiles differ.
func TestEveryProfile(t *testing.T) {
	t.Parallel()
	for _, profile := range profiles() {
		p := params(deployment{groupings()[0], profile})
		p.Dir = "testdata/everyprofile"
		p.Condition = func(condition string) (bool, error) {
			name, is := strings.CutPrefix(condition, "profile:")
			if !is || !slices.Contains(profiles(), name) {
				return false, fmt.Errorf("there is no condition %s", condition)
			}
			return name == profile, nil
		}
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, p)
		})
	}
}

// deploy starts the processes of this run.
func deploy(ts *testscript.TestScript, _ bool, _ []string) {
	p := of(ts)
	for _, modules := range p.deployment.processes {
		p.start(ts, modules, []string{"--modules", modules}, nil)
	}
	ready(ts, false, p.deployment.processes)
}

// transcripts are those of all runs, by script.
type transcripts struct {
	mu   sync.Mutex
	list map[string][]told
}

type told struct{ by, text string }

// keep is the command that keeps a transcript of a script until all of them are there.
func (all *transcripts) keep(by string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		ts.Check(err)
		all.mu.Lock()
		defer all.mu.Unlock()
		if all.list == nil {
			all.list = map[string][]told{}
		}
		all.list[ts.Name()] = append(all.list[ts.Name()], told{by, string(text)})
	}
}

// compare compares the transcripts, answer by answer.
func (all *transcripts) compare(t *testing.T) {
	t.Helper()
	for script, list := range all.list {
		for _, other := range list[1:] {
			if list[0].text != other.text {
				t.Errorf("%s: %s", script, difference(list[0], other))
			}
		}
		t.Logf("%s: %d answers, the same in %d deployments", script, strings.Count(list[0].text, "\n> ")+1, len(list))
	}
}

// difference shows the first answer that is not the same.
func difference(a, b told) string {
	first, second := strings.Split(a.text, "\n> "), strings.Split(b.text, "\n> ")
	for i := range min(len(first), len(second)) {
		if first[i] != second[i] {
			return "as " + a.by + ":\n" + first[i] + "\nas " + b.by + ":\n" + second[i]
		}
	}
	return "one is longer: " + a.by + " or " + b.by
}
