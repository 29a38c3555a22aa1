package attacktest

import (
	"crypto/x509"
	"net/http"
	"strings"
	"time"
)

// What an attack takes of the machine it takes from everybody on it, whatever the program does: connections are the kernel's
// work, and there are two processors for the attackers, the honest clients and the server. So in the long form an attack that
// slows honest clients is sent to a bare server too, which gives the same answers over the same TLS with nothing of ours in
// the way, and the factors are compared.

// bare is a bare server that gives this installation's answers, until the test ends.
func (d *deployment) bare() *deployment {
	d.t.Helper()
	if d.beside == nil {
		d.beside = d.startBare()
	}
	return d.beside
}

func (d *deployment) startBare() *deployment {
	d.t.Helper()
	port, release, err := ports.Block()
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(release)
	beside := &deployment{t: d.t, port: port, tokens: d.tokens}
	beside.processes = []*process{{name: "bare", admin: beside.admin("gateway")}}
	needs := bareNeeds{Admin: strings.TrimPrefix(beside.admin("gateway"), "http://"), Answers: map[string]bareAnswer{}}
	for _, module := range modulePorts {
		needs.Addresses = append(needs.Addresses, beside.loopback(module))
	}
	client := d.client(honestAddress, true)
	defer client.CloseIdleConnections()
	for _, habit := range append(habits(), habit{user: "bob", method: http.MethodGet, path: "/order?limit=100"}) {
		body := ""
		if habit.body != nil {
			body = habit.body(0)
		}
		answer, err := d.fetch(client, habit.user, habit.method, habit.path, body)
		if err != nil {
			d.t.Fatal(err)
		}
		needs.Answers[habit.method+" "+habit.path] = bareAnswer{answer.Status, answer.Header.Get("Content-Type"), []byte(answer.Body)}
	}
	server := d.begin(isBare, "the bare server", needs)
	d.t.Cleanup(func() { server.end(nil) })
	server.answer(&beside.rootsPEM)
	beside.roots = x509.NewCertPool()
	beside.roots.AppendCertsFromPEM(beside.rootsPEM)
	return beside
}

// slowed is in what time 99 of 100 honest answers of a bare server come without and beside an attack.
func (d *deployment) slowed(attack attack) (calm, beside time.Duration) {
	d.t.Helper()
	a := &assault{deployment: d}
	calm = d.usual()
	a.honest = d.beginHonest()
	a.honest.goOn(2)
	attack.send(a)
	a.honest.end()
	for _, undo := range a.undo {
		undo()
	}
	return calm, a.honest.P99
}
