// Package systemtest is what tests of the whole system share: how modules can be put into processes, ports for them,
// clients that look at answers, and waiting. Its own tests look at the system from outside, in one process and in several;
// those of package command run it as a program.
//
// It is for tests only.
package systemtest

import (
	"slices"
	"strings"

	"oms/platform/module"
)

// Grouping is how the modules are put into processes: a process each, by the names of the modules that it hosts.
type Grouping [][]string

// Processes are the processes as `app serve --modules` takes them.
func (g Grouping) Processes() (names []string) {
	for _, modules := range g {
		names = append(names, strings.Join(modules, ","))
	}
	return names
}

// Groupings are ways to put the modules into several processes: each alone first, then two halves, the public one before all
// others, and the public one together with one of the others.
func Groupings(list []module.Module) []Grouping {
	names := module.Names(list) // the public one first
	separate := make(Grouping, len(names))
	for i, name := range names {
		separate[i] = []string{name}
	}
	half := len(names) / 2
	across := slices.Concat(Grouping{{names[0], names[half]}}, separate[1:half], separate[half+1:])
	return []Grouping{separate, {names[:half], names[half:]}, {names[:1], names[1:]}, across}
}
