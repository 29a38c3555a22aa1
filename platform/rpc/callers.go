package rpc

import "slices"

// What a row lists in the place of workloads that its module cannot know: they follow from the modules that there are. A
// host is made of resolved rows alone; see [Table.Resolve].
const (
	EveryWorkload = "every workload" // of the installation
	EveryCaller   = "every caller"   // every workload that some table lists as a caller which proves itself by the trust profile
)

func unresolved(caller string) bool { return caller == EveryWorkload || caller == EveryCaller }

// Resolve is the table with these workloads in the place of [EveryWorkload], and these callers in that of [EveryCaller].
func (t Table[S]) Resolve(workloads, callers []string) Table[S] {
	resolved := make(Table[S], len(t))
	for i, entry := range t {
		var listed []string
		for _, caller := range entry.Row().Callers {
			switch caller {
			case EveryWorkload:
				listed = append(listed, workloads...)
			case EveryCaller:
				listed = append(listed, callers...)
			default:
				listed = append(listed, caller)
			}
		}
		slices.Sort(listed)
		resolved[i] = entry.calledBy(slices.Compact(listed))
	}
	return resolved
}

// OperationsFor are the operations of the resolved table.
func (t Table[S]) OperationsFor(workloads, callers []string) []Operation {
	return t.Resolve(workloads, callers).Operations()
}

// calledBy is the operation with other callers.
func (o *Op[S, Req, Resp]) calledBy(callers []string) Entry[S] {
	other := *o
	other.row.Callers = callers
	if other.broken == nil {
		other.broken = other.row.check()
	}
	return &other
}
