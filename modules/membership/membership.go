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
	"sync"
	"sync/atomic"
	"time"

	"oms/modules/sts"
	"oms/platform/pki"
	"oms/platform/trust"
)

// Options are what a membership needs.
type Options struct {
	Domain    string
	Dir       string   // where certificates and the last announcement are kept
	Workloads []string // the modules of this process that others meet; none where all are in one process
	Public    bool     // also the certificate of the public listener, which is the gateway's alone
	As        string   // the workload that follows the feed

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
	keyPairs  map[string]*pki.KeyPair // of the workloads
	public    *pki.KeyPair            // nil where there is no public listener of ours
	started   atomic.Bool
	published atomic.Bool // this process has found or written the files that others read

	mu   sync.Mutex
	feed sts.Feed             // the last announcement
	used map[string]string    // by workload, the join token that was tried last
	told map[string]string    // what was logged last, by subject: the same trouble is told once
	next map[string]time.Time // by certificate, when it may be tried again to renew it

	rejected map[string]bool // workloads whose certificate the STS did not accept last
}

// Open opens what an earlier process has left.
func Open(o Options) (*Membership, error) {
	m := &Membership{
		Options: o, keyPairs: map[string]*pki.KeyPair{},
		used: map[string]string{}, told: map[string]string{}, next: map[string]time.Time{}, rejected: map[string]bool{},
	}
	for _, workload := range o.Workloads {
		pair, err := pki.OpenKeyPair(filepath.Join(o.Dir, workload+".pem"))
		if err != nil {
			return nil, err
		}
		m.keyPairs[workload] = pair
	}
	if o.Public {
		var err error
		if m.public, err = pki.OpenKeyPair(filepath.Join(o.Dir, "public.pem")); err != nil {
			return nil, err
		}
	}
	return m, m.recall()
}

// KeyPair is that of a workload of this process; nil where all modules are in one process.
func (m *Membership) KeyPair(workload string) *pki.KeyPair { return m.keyPairs[workload] }

// Public is the certificate of the public listener; nil where there is none of ours.
func (m *Membership) Public() *pki.KeyPair { return m.public }

// interval is how often the feed is read: a change is known everywhere a moment later.
const interval = time.Second

// Start returns when this process is a member: every certificate is there, and what others are judged by. It waits for
// the STS, and for a join token, for as long as it takes.
func (m *Membership) Start(ctx context.Context) error {
	for {
		err := m.join(ctx)
		m.tell(ctx, "join", "not a member of the trust domain yet", err)
		if err == nil {
			m.started.Store(true)
			return nil
		}
		if err := wait(ctx, interval/4); err != nil {
			return err
		}
	}
}

// join gets what is missing.
func (m *Membership) join(ctx context.Context) error {
	for _, workload := range m.Workloads {
		if err := m.obtain(ctx, workload); err != nil {
			return err
		}
	}
	if m.version() == "" {
		if err := m.follow(ctx); err != nil {
			return err
		}
	}
	if m.public != nil && !m.public.Usable(m.Now()) {
		return m.renewPublic(ctx)
	}
	return nil
}

// Run keeps up with the feed and renews certificates, until ctx ends.
func (m *Membership) Run(ctx context.Context) error {
	for {
		m.tell(ctx, "feed", "what the STS announces cannot be read; what was known stays in force", m.keepUp(ctx))
		if err := wait(ctx, interval); err != nil {
			return err
		}
	}
}

// keepUp makes one round.
func (m *Membership) keepUp(ctx context.Context) error {
	err := m.follow(ctx)
	if err == nil {
		m.accepted(m.As)
	}
	for _, workload := range m.Workloads {
		rejected := m.isRejected(workload)
		m.maintain(ctx, workload, m.keyPairs[workload], func() error { return m.replace(ctx, workload, rejected) }, rejected)
	}
	if m.public != nil {
		m.maintain(ctx, "gateway", m.public, func() error { return m.renewPublic(ctx) }, false)
	}
	return err
}

// renewAgain is how long after a failure it is tried again to renew a certificate, which has half its life left.
const renewAgain = 5 * time.Second

// maintain renews a certificate that is due: past half of its life, or told to by the feed, or refused.
func (m *Membership) maintain(ctx context.Context, workload string, pair *pki.KeyPair, renew func() error, refused bool) {
	now := m.Now()
	if !refused && !pair.Due(now) && !pair.Issued().Before(m.renewBefore(workload)) {
		return
	}
	subject := fmt.Sprintf("certificate %p", pair)
	m.mu.Lock()
	early := now.Before(m.next[subject])
	m.mu.Unlock()
	if early {
		return
	}
	err := renew()
	m.mu.Lock()
	m.next[subject] = time.Time{}
	if err != nil {
		m.next[subject] = now.Add(renewAgain)
	}
	m.mu.Unlock()
	m.tell(ctx, subject, "a certificate cannot be renewed yet; it is used until "+until(pair), err)
}

func until(pair *pki.KeyPair) string {
	if current := pair.Current(); current != nil {
		return current.Leaf.NotAfter.UTC().Format(time.RFC3339)
	}
	return "it is there"
}

// Ready says why this process cannot prove who it is, or nil.
func (m *Membership) Ready(context.Context) error {
	if !m.started.Load() {
		return errors.New("it has no certificate yet; it waits for the STS")
	}
	for workload, pair := range m.keyPairs {
		if !pair.Usable(m.Now()) {
			return fmt.Errorf("the certificate of %s has expired; it is renewed when the STS is there", workload)
		}
		if m.isRejected(workload) {
			return fmt.Errorf("the STS does not accept the certificate of %s; `app certs join-token %s` lets it in again", workload, workload)
		}
	}
	return nil
}

// tell logs a trouble once, and once that it is over.
func (m *Membership) tell(ctx context.Context, subject, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	m.mu.Lock()
	before := m.told[subject]
	m.told[subject] = text
	m.mu.Unlock()
	switch text {
	case before:
	case "":
		m.Log.InfoContext(ctx, "over: "+what)
	default:
		m.Log.WarnContext(ctx, what, "cause", text)
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
