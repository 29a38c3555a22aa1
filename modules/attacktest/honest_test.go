package attacktest

import "sync"

// honest is the process of the honest clients, and afterwards what they have found.
type honest struct {
	found

	*child
	talking sync.Mutex
}

// beginHonest has honest clients go on until end is called.
func (d *deployment) beginHonest() *honest {
	d.t.Helper()
	needs := given{URL: d.url(), Dials: d.loopback("gateway"), Roots: d.rootsPEM, Tokens: d.tokens, Admins: map[string]string{}}
	for _, p := range d.processes {
		needs.Admins[p.name] = p.admin
	}
	return &honest{child: d.begin(areClients, "the honest clients", needs)}
}

// goOn waits until every client has got through so many more rounds.
func (h *honest) goOn(rounds int64) {
	h.talking.Lock()
	defer h.talking.Unlock()
	h.order(rounds)
	h.answer(&rounds)
}

// end waits for the last answers, and what was found is there.
func (h *honest) end() { h.child.end(&h.found) }
