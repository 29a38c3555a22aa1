package limits

import "runtime"

// processors is what the process found: GOMAXPROCS of its environment, or what the machine or its container has.
var processors = runtime.GOMAXPROCS(0)

// Processors is how many processors there are for this process. What computes for long is bounded by it.
func Processors() int { return processors }

// more is how many threads run Go code at once beside one for each processor. Where as many as there are processors have always
// something to run, none of them looks whether a connection can be read until ten milliseconds are over (the system monitor of
// Go's runtime); one that has nothing to run is told by the kernel at once.
const more = 6

// AddThreads has the process run more threads at once than there are processors, unless GOMAXPROCS is set in its environment.
func AddThreads(environment string) {
	if environment == "" {
		runtime.GOMAXPROCS(processors + more)
	}
}
