package attacktest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"oms/modules/systemtest"
)

// The bounds that every attack is judged by.
const (
	// maxResident is what a process may take, whatever is sent to it.
	maxResident = 256_000_000
	// maxLines a second are what strangers can have written into a log, and maxBurst what a log may hold at once.
	maxLines = 10
	maxBurst = 100
	// settles is within how much time everything is as before. The long form wants it within a second, and a scrape's time.
	settles     = 20 * time.Second
	settlesLong = 1500 * time.Millisecond
)

// slower is by which factor 99 of 100 honest answers may take longer beside an attack, in the long form, where a bare server is
// not slowed by more (see [deployment.bare]).
const slower = 2

// attack is what is sent, and what it may leave behind.
type attack struct {
	name string
	// send sends it, and has it last until the honest clients have gone on for a while. It gives what it has sent, for people.
	send func(a *assault) (sent string)
	// users says that it comes from users, whose requests are written down one by one: all that strangers send is not.
	users bool
	// disk is how many bytes it may add; 0 is what the honest clients need.
	disk int64
	// sheds says that honest clients may be asked to come back, because there is more to do than can be done.
	sheds bool
}

// assault is an attack under way.
type assault struct {
	mu sync.Mutex
	*deployment
	honest *honest
	undo   []func()

	handshakes atomic.Int64 // that have succeeded
}

// until has something undone when the attack ends, as a connection closed.
func (a *assault) until(undo func()) { a.undo = append(a.undo, undo) }

// lasts is for how many rounds of the honest clients an attack that only holds on goes on.
func (a *assault) lasts() { a.honest.goOn(int64(either(6, 100))) }

// honestDisk is what the honest clients and the write-ahead logs of the databases may add meanwhile.
const honestDisk = 16 << 20

// figures are those of every process now.
func (d *deployment) figures() []figures {
	now := make([]figures, len(d.processes))
	for i, p := range d.processes {
		now[i] = p.figures()
	}
	return now
}

// suffers runs an attack against the installation and judges it.
func (d *deployment) suffers(t *testing.T, attack attack) {
	t.Helper()
	usual := d.usual()
	for _, p := range d.processes {
		p.forgetPeak()
	}
	before := d.figures()
	diskBefore, begun := d.disk(), time.Now()
	stop := d.watch()
	a := &assault{deployment: d, honest: d.beginHonest()}
	a.honest.goOn(2)
	sent := attack.send(a)
	a.honest.end()
	for _, undo := range a.undo {
		undo()
	}
	descriptors, took := stop(), time.Since(begun)

	t.Logf("sent: %s", sent)
	for i, p := range d.processes {
		after := p.figures()
		lines, bytes := after.lines-before[i].lines, after.log-before[i].log
		if i == 0 { // which has the gateway, and a line for each of theirs
			lines -= a.honest.Asked
		}
		t.Logf("%-10s peak %s, %d descriptors; log %d lines beside those of the honest, %d bytes in all, in %v", p.name, megabytes(after.resident), descriptors[i], lines, bytes, took.Round(time.Millisecond))
		if p.hasEnded() {
			t.Fatalf("%s has ended:\n%.3000s", p.name, p.said())
		}
		if after.resident >= maxResident {
			t.Errorf("%s took %s, more than %s", p.name, megabytes(after.resident), megabytes(maxResident))
		}
		if most := maxBurst + int(took.Seconds()*maxLines); lines > most && !attack.users {
			t.Errorf("%s wrote %d lines, more than %d, such as\n%s", p.name, lines, most, lastLines(p.said(), 3))
		}
	}
	added := d.disk() - diskBefore
	t.Logf("%-10s %s of disk; honest: %d answers, put off %v, 99 of 100 within %v, before within %v", "", megabytes(added), a.honest.Asked, a.honest.Shed, a.honest.P99.Round(100*time.Microsecond), usual.Round(100*time.Microsecond))
	if most := attack.disk + honestDisk; added > most {
		t.Errorf("the disk holds %s more, allowed are %s", megabytes(added), megabytes(most))
	}
	for _, wrong := range a.honest.Wrong {
		t.Errorf("an honest client: %s", wrong)
	}
	if len(a.honest.Shed) > 0 && !attack.sheds {
		t.Errorf("of %d honest requests were put off %v", a.honest.Asked, a.honest.Shed)
	}
	if long {
		d.recovers(t, before)
	}
	if factor := ratio(a.honest.P99, usual); long && factor > slower {
		d.compares(t, attack, factor)
	}
}

// compares expects that an attack which has slowed honest clients by this factor slows those of a bare server as much.
func (d *deployment) compares(t *testing.T, attack attack, factor float64) {
	t.Helper()
	calm, beside := d.bare().slowed(attack)
	bare := ratio(beside, calm)
	t.Logf("%-10s slowed by %.1f; a bare server by %.1f, from %v to %v", "", factor, bare, calm.Round(100*time.Microsecond), beside.Round(100*time.Microsecond))
	if factor > max(slower, bare) {
		t.Errorf("honest clients were slowed by %.1f, those of a bare server by %.1f", factor, bare)
	}
}

func ratio(beside, calm time.Duration) float64 { return float64(beside) / float64(calm) }

// usual is the time in which 99 of 100 honest answers come while nobody attacks, in the long form.
func (d *deployment) usual() time.Duration {
	if long && d.calm == 0 {
		h := d.beginHonest()
		h.goOn(400)
		h.end()
		d.calm = h.P99
	}
	return d.calm
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// recovers expects that nothing of the attack is left.
func (d *deployment) recovers(t *testing.T, before []figures) {
	t.Helper()
	within, begun := settles, time.Now()
	if long {
		within = settlesLong
	}
	left := ""
	if !systemtest.Eventually(within, func() bool {
		left = ""
		for i, p := range d.processes {
			if kept := p.unchanged(before[i]); kept != "" {
				left = kept
			}
		}
		return left == ""
	}) {
		t.Errorf("not as before: %s", left)
	}
	again := d.beginHonest()
	again.goOn(2)
	again.end()
	for _, wrong := range again.Wrong {
		t.Errorf("afterwards: an honest client: %s", wrong)
	}
	t.Logf("%-10s as before after %v", "", time.Since(begun).Round(100*time.Millisecond))
}

// shape is in which processes an installation runs.
type shape struct {
	name      string
	processes []string
	settings  string // its config.yaml
	ulimit    int    // how many descriptors a process may have; 0 is as many as this test
}

var (
	together = shape{name: "one process", processes: oneProcess}
	apart    = shape{name: "several processes", processes: split}
)

// run runs attacks one after the other against both shapes; in several processes the first alone, unless it is the long form.
func run(t *testing.T, attacks []attack) {
	t.Helper()
	t.Parallel()
	runIn(t, together, attacks)
	runIn(t, apart, attacks[:either(1, len(attacks))])
}

// runIn runs attacks one after the other against an installation of this shape; for none there is no installation.
func runIn(t *testing.T, in shape, attacks []attack) {
	t.Helper()
	if len(attacks) == 0 {
		return
	}
	t.Run(in.name, func(t *testing.T) {
		d := start(t, in)
		d.stock(t)
		before := d.figures()
		for _, attack := range attacks {
			t.Run(attack.name, func(t *testing.T) { d.suffers(t, attack) })
		}
		d.recovers(t, before)
	})
}

// stock puts so much into the inventory that honest clients do not run out of it.
func (d *deployment) stock(t *testing.T) {
	t.Helper()
	status, body := d.ask(attackersAddress, "admin", "POST", "/inventory/electronics/SOWH1000XM4/adjustments", `{"delta":1000000,"reason":"For the test"}`)
	if status != 200 {
		t.Fatal(fmt.Sprint(status, body))
	}
}
