package attacktest

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"sync"
)

// honest is the process of the honest clients, and afterwards what they have found.
type honest struct {
	found

	d       *deployment
	command *exec.Cmd
	orders  io.WriteCloser
	answers *json.Decoder
	talking sync.Mutex
}

// beginHonest has honest clients go on until end is called.
func (d *deployment) beginHonest() *honest {
	d.t.Helper()
	self, err := os.Executable()
	if err != nil {
		d.t.Fatal(err)
	}
	h := &honest{d: d, command: firstInLine(self)}
	h.command.Env, h.command.Stderr = append(os.Environ(), areClients+"=1"), os.Stderr
	if h.orders, err = h.command.StdinPipe(); err != nil {
		d.t.Fatal(err)
	}
	answers, err := h.command.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	h.answers = json.NewDecoder(answers)
	if err := h.command.Start(); err != nil {
		d.t.Fatal(err)
	}
	needs := given{URL: d.url(), Dials: d.loopback("gateway"), Roots: d.rootsPEM, Tokens: d.tokens, Admins: map[string]string{}}
	for _, p := range d.processes {
		needs.Admins[p.name] = p.admin
	}
	if err := json.NewEncoder(h.orders).Encode(needs); err != nil {
		d.t.Fatal(err)
	}
	return h
}

// goOn waits until every client has got through so many more rounds.
func (h *honest) goOn(rounds int64) {
	h.talking.Lock()
	defer h.talking.Unlock()
	if err := json.NewEncoder(h.orders).Encode(rounds); err != nil {
		h.d.t.Error("the honest clients:", err)
		return
	}
	if err := h.answers.Decode(&rounds); err != nil {
		h.d.t.Error("the honest clients:", err)
	}
}

// end waits for the last answers, and what was found is there.
func (h *honest) end() {
	_ = h.orders.Close()
	if err := h.answers.Decode(&h.found); err != nil {
		h.d.t.Error("the honest clients:", err)
	}
	if err := h.command.Wait(); err != nil {
		h.d.t.Error("the honest clients:", err)
	}
}
