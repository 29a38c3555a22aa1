package module

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"oms/platform/rpc"
)

// Check says what is wrong with a list of modules before any of them is opened: names that stand twice, and rows whose
// callers do not exist, so that nobody could ever call them.
func Check(list []Module) error {
	var problems []error
	names := Names(list)
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			problems = append(problems, fmt.Errorf("there are two modules %q; give one of them another name", name))
		}
	}
	for _, m := range Sorted(list) {
		for _, op := range m.Operations() {
			for _, caller := range op.Row().Callers {
				if !slices.Contains(names, caller) && !slices.Contains(noModules, caller) {
					problems = append(problems, fmt.Errorf("operation %q lists the caller %q, and there is no such module; they are %s", op.Row().Name, caller, strings.Join(names, ", ")))
				}
			}
		}
	}
	return errors.Join(problems...)
}

// noModules are what a row can list that is no module.
var noModules = []string{rpc.Anonymous, rpc.Operator, rpc.EveryWorkload, rpc.EveryCaller}

// CheckCall says why caller cannot call callee, or nil.
func CheckCall(list []Module, caller, callee string) error {
	at := slices.IndexFunc(list, func(m Module) bool { return m.Name == callee })
	switch {
	case at < 0:
		return fmt.Errorf("module %s calls %q, and there is no such module; they are %s", caller, callee, strings.Join(Names(list), ", "))
	case !list[at].Lists(list, caller):
		return fmt.Errorf("module %s calls %s, and no operation there lists it as a caller; add it to the Callers of a row", caller, callee)
	}
	return nil
}
