// Package module says what a module is: a value from the module's own package, which a process is assembled from. It
// knows no module, and what it takes to run one is in the value.
package module

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
)

// Module is a part of the system that can run in a process of its own.
type Module struct {
	// Name is what it is called in the configuration, in certificates and by those who call it.
	Name string

	// URL is where other processes find it when nothing is configured: https://localhost:PORT.
	URL string

	// Public is set for the one module behind server.address; the others are found under modules.NAME.
	Public bool

	// Settings makes its configuration, a pointer to a struct that holds the defaults ([config.Section]). Its keys lie
	// under Name. Nil: it has none.
	Settings func() any
}

// Sorted is the list in the order in which modules are told and listen: the public one first, then by the port of their
// URL from the highest down (9445, 9092, 9091). The order of the list itself means nothing.
func Sorted(list []Module) []Module {
	return slices.SortedFunc(slices.Values(list), func(a, b Module) int {
		if a.Public != b.Public {
			return map[bool]int{true: -1, false: 1}[a.Public]
		}
		return cmp.Or(cmp.Compare(b.port(), a.port()), cmp.Compare(a.Name, b.Name))
	})
}

// Names are the names of all modules, in the order of [Sorted].
func Names(list []Module) (names []string) {
	for _, m := range Sorted(list) {
		names = append(names, m.Name)
	}
	return names
}

// port is that of URL, 0 where it has none.
func (m Module) port() int {
	u, err := url.Parse(m.URL)
	if err != nil {
		return 0
	}
	port, _ := strconv.Atoi(u.Port()) // none is 0
	return port
}
