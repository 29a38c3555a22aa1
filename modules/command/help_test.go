package command

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// everyCommand gives all that people can call, but for what cobra brings.
func everyCommand(root *cobra.Command) (all []*cobra.Command) {
	for _, each := range root.Commands() {
		if each.Name() != "completion" && each.Name() != "help" {
			all = append(append(all, each), everyCommand(each)...)
		}
	}
	return all
}

// Every command's help has an example, which is good usage of it.
func TestEveryHelpHasAnExample(t *testing.T) {
	const floor = 20
	examples := 0
	for _, c := range everyCommand((&app{}).root()) {
		if c.HasSubCommands() {
			continue
		}
		if c.Example == "" {
			t.Errorf("%s has no example", c.CommandPath())
		}
		for _, example := range strings.Split(c.Example, "\n") {
			examples++
			command, _, _ := strings.Cut(example, " <")
			command, _, _ = strings.Cut(command, " >")
			words := strings.Fields(strings.ReplaceAll(command, "'", ""))
			fresh := (&app{}).root()
			found, rest, err := fresh.Find(words[1:])
			if err != nil || words[0] != "app" || found.CommandPath() != c.CommandPath() {
				t.Errorf("%q is no example of %s: %v", example, c.CommandPath(), err)
				continue
			}
			if strings.Contains(command, "'") { // words of a shell that are more than one here
				continue
			}
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("%q: %v", example, err)
			}
			if err := found.ValidateArgs(found.Flags().Args()); err != nil {
				t.Errorf("%q: %v", example, err)
			}
			if err := found.ValidateRequiredFlags(); err != nil {
				t.Errorf("%q: %v", example, err)
			}
		}
	}
	if examples < floor {
		t.Errorf("%d examples were judged, fewer than %d", examples, floor)
	}
}

// Every list can be had by programs.
func TestEveryListHasJSON(t *testing.T) {
	lists := []string{}
	for _, c := range everyCommand((&app{}).root()) {
		if c.Name() == "list" {
			lists = append(lists, c.CommandPath())
			if c.Flags().Lookup("json") == nil {
				t.Errorf("%s has no --json", c.CommandPath())
			}
		}
	}
	for _, want := range []string{"app users list", "app keys list", "app certs list"} {
		if !slices.Contains(lists, want) {
			t.Errorf("%s is not there", want)
		}
	}
}

// What takes a name completes it.
func TestEveryNameIsCompleted(t *testing.T) {
	for _, c := range everyCommand((&app{}).root()) {
		takes := strings.ContainsAny(strings.TrimPrefix(c.Use, c.Name()), "ABCDEFGHIJKLMNOPQRSTUVWXYZ[")
		if takes && c.ValidArgsFunction == nil && c.Name() != "add" && c.CommandPath() != "app token" {
			t.Errorf("%s does not complete what it takes", c.Use)
		}
	}
}
