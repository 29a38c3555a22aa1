// Package membership keeps this process a member of the trust domain: it gets and renews the certificates of the modules
// that the process hosts, and follows what the STS announces about everybody else's.
//
// It promises that a process which was a member before needs no STS to start: its certificates and the last announcement
// are kept. It decides nothing about calls; that is the business of the profile and of the rows.
package membership

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"oms/modules/sts"
	"oms/platform/pki"
	"oms/platform/secret"
	"oms/platform/trust"
)

// Options are what a membership needs.
type Options struct {
	Domain    string
	Dir       string   // where certificates and the last announcement are kept
	Workloads []string // the modules of this process that others meet; none where all are in one process
	Public    []string // the names of the public listener's certificate, which is the gateway's alone; none where it is not kept here
	As        string   // the workload that follows the feed

	FeedMaxAge time.Duration // how old the announcement may become, see [trust.NewRevocations]

	STS       func(workload string) sts.Service    // the STS as a workload of this process reaches it
	Hosted    bool                                 // the STS is in this process, and needs no join token
	Enrolment func(fingerprint string) sts.Service // the STS as an anonymous caller reaches it, who knows only its root
	JoinFile  func(workload string) string         // where the workload's join token is, or will be

	Keys        *trust.Keys
	Revocations *trust.Revocations
	Peers       *pki.Peers
	Now         func() time.Time
	Log         *slog.Logger
}

// Membership is that of one process. It is safe for concurrent use.
type Membership struct {
	Options
	certificates map[string]*certificate // of the workloads
	public       *certificate            // nil where there is no public listener of ours
	started      atomic.Bool

	// What follows belongs to Start, and afterwards to Run.
	feed      sts.Feed          // the last announcement
	published bool              // this process has found or written the files that others read
	saved     time.Time         // of when the announcement is that was kept last
	logged    map[string]string // what was logged last, by subject: the same trouble is told once
}

// certificate is one that is kept renewed: that of a workload, or that of the public listener.
type certificate struct {
	*pki.KeyPair
	workload string
	rejected atomic.Bool // the STS did not accept it last
	tried    secret.Text // the join token that was tried last
	next     time.Time   // when it may be tried again to renew it
}

// Open opens what an earlier process has left.
func Open(o Options) (*Membership, error) {
	m := &Membership{Options: o, certificates: map[string]*certificate{}, logged: map[string]string{}}
	for _, workload := range o.Workloads {
		pair, err := pki.OpenKeyPair(filepath.Join(o.Dir, workload+".pem"))
		if err != nil {
			return nil, err
		}
		if made := pair.Domain(); made != "" && made != o.Domain {
			return nil, m.ofAnotherDomain(made)
		}
		m.certificates[workload] = &certificate{KeyPair: pair, workload: workload}
	}
	if len(o.Public) > 0 {
		pair, err := pki.OpenKeyPair(filepath.Join(o.Dir, "public.pem"))
		if err != nil {
			return nil, err
		}
		m.public = &certificate{KeyPair: pair, workload: "gateway"}
	}
	return m, m.loadFeed()
}

// ofAnotherDomain says that what is kept was made for another trust domain than the configured one.
func (m *Membership) ofAnotherDomain(made string) error {
	return fmt.Errorf("trust.domain is %s, and what is kept in %s was made for the trust domain %s: set trust.domain back, or begin in another data directory", m.Domain, m.Dir, made)
}

// KeyPair is that of a workload of this process; nil where all modules are in one process.
func (m *Membership) KeyPair(workload string) *pki.KeyPair {
	if c := m.certificates[workload]; c != nil {
		return c.KeyPair
	}
	return nil
}

// Public is the certificate of the public listener, where [Options] ask for one.
func (m *Membership) Public() *pki.KeyPair { return m.public.KeyPair }

// interval is how often the feed is read: a change is known everywhere a moment later.
const interval = time.Second

const (
	// hurry is how often the STS is asked as long as something is missing without which nobody, or no user, can be let in.
	hurry = interval / 4
	// patience is how often it is asked at the start for newer news than what is kept, which is too old: five seconds in all, in
	// which an STS that starts at the same time is there.
	patience = 20
)

// Start returns when this process is a member: every certificate is there, and what others are judged by. It waits for the STS, and
// for a join token, for as long as it takes; where all is there but what is kept of the news is too old, for a moment.
func (m *Membership) Start(ctx context.Context) error {
	for asked := 1; ; asked++ {
		err := m.join(ctx, asked >= patience)
		m.logOnce(ctx, "join", "not a member of the trust domain yet", err)
		if err == nil {
			m.started.Store(true)
			return nil
		}
		if err := wait(ctx, hurry); err != nil {
			return err
		}
	}
}

// join gets what is missing; with old news, where there are no newer ones.
func (m *Membership) join(ctx context.Context, withOldNews bool) error {
	for _, workload := range m.Workloads {
		if c := m.certificates[workload]; !c.Usable(m.Now()) {
			if err := m.replace(ctx, c); err != nil {
				return err
			}
		}
	}
	renamed := m.publicRenamed()
	if m.Hosted || renamed || m.Revocations.TooOld() != nil { // whoever hosts the STS has the news of this start
		if err := m.readFeed(ctx); err != nil && (m.Hosted || m.feed.Version == "" || !withOldNews) {
			return err
		}
	}
	if m.public == nil {
		return nil
	}
	usable := m.public.Usable(m.Now())
	if usable && !renamed && (!m.Hosted || !m.publicReplaced()) {
		return nil
	}
	err := m.renewPublic(ctx)
	if usable && withOldNews { // for some of its names it is good
		return nil
	}
	return err
}

// Run keeps up with the feed and renews certificates, until ctx ends.
func (m *Membership) Run(ctx context.Context) error {
	for {
		m.logOnce(ctx, "feed", "what the STS announces cannot be read; what was known stays in force", m.keepUp(ctx))
		pause := interval
		if m.Revocations.TooOld() != nil {
			pause = hurry
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
}

// keepUp makes one round.
func (m *Membership) keepUp(ctx context.Context) error {
	err := m.readFeed(ctx)
	if c := m.certificates[m.As]; c != nil && err == nil {
		c.rejected.Store(false)
	}
	for _, workload := range m.Workloads {
		c := m.certificates[workload]
		m.maintain(ctx, c, c.rejected.Load(), func() error { return m.replace(ctx, c) })
	}
	if m.public != nil {
		m.maintain(ctx, m.public, m.publicReplaced(), func() error { return m.renewPublic(ctx) })
	}
	return err
}

// renewAgain is how long after a failure it is tried again to renew a certificate, which has half its life left.
const renewAgain = 5 * time.Second

// maintain renews a certificate that is due: past half of its life, or told to by the feed, or at once for another reason.
func (m *Membership) maintain(ctx context.Context, c *certificate, atOnce bool, renew func() error) {
	now := m.Now()
	before := m.feed.RenewBefore[c.workload].Truncate(time.Second) // as precise as the times in a certificate
	if now.Before(c.next) || !atOnce && !c.Due(now) && !c.Issued().Before(before) {
		return
	}
	err := renew()
	c.next = time.Time{}
	if err != nil {
		c.next = now.Add(renewAgain)
	}
	m.logOnce(ctx, fmt.Sprintf("certificate %p", c), "a certificate cannot be renewed yet; it is used until "+c.until(), err)
}

func (c *certificate) until() string {
	if current := c.Current(); current != nil {
		return current.Leaf.NotAfter.UTC().Format(time.RFC3339)
	}
	return "it is there"
}

// Ready says why this process cannot prove who it is, or nil.
func (m *Membership) Ready(context.Context) error {
	if !m.started.Load() {
		return errors.New("it has no certificate yet; it waits for the STS")
	}
	for workload, c := range m.certificates {
		if !c.Usable(m.Now()) {
			return fmt.Errorf("the certificate of %s has expired; it is renewed when the STS is there", workload)
		}
		if c.rejected.Load() {
			return fmt.Errorf("the STS does not accept the certificate of %s; `app certs join-token %s` lets it in again", workload, workload)
		}
	}
	return nil
}

// logOnce logs a trouble once, and once that it is over.
func (m *Membership) logOnce(ctx context.Context, subject, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	before := m.logged[subject]
	m.logged[subject] = text
	switch text {
	case before:
	case "":
		m.Log.InfoContext(ctx, "over: "+what)
	default:
		m.Log.WarnContext(ctx, what, "cause", text)
	}
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
