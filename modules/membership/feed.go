package membership

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"oms/modules/sts"
	"oms/platform/pki"
	"oms/platform/token"
	"oms/platform/trust"
)

// readFeed reads what the STS announces, and puts it in force where it is news.
func (m *Membership) readFeed(ctx context.Context) error {
	asked := m.Now()
	news, err := m.STS(m.As).Feed(ctx, sts.FeedRequest{Have: m.feed.Version})
	if err != nil {
		return err
	}
	unchanged := news.Version == m.feed.Version
	if !unchanged {
		if err := m.apply(news); err != nil {
			return err
		}
	}
	m.Revocations.Heard(asked)
	if unchanged && m.published && asked.Sub(m.saved).Abs() < m.saveAgain() {
		return nil
	}
	m.published, m.saved = true, asked
	return m.saveFeed(asked)
}

// saveAgain is how often it is kept on disk that nothing has changed: so much older than it is, the announcement can be for a
// process that starts without the STS. Each time costs a write.
func (m *Membership) saveAgain() time.Duration { return m.FeedMaxAge / 15 }

// keptFeed is the announcement as it is kept for the next start.
type keptFeed struct {
	HeardAt time.Time `json:"heard_at"` // by the clock of whoever has kept it
	sts.Feed
}

// apply puts an announcement in force, all of it or nothing.
func (m *Membership) apply(news sts.Feed) error {
	keys, err := token.ParseKeySet([]byte(news.JWKS))
	if err != nil {
		return err
	}
	roots, err := pki.ParseRoots(m.Domain, []byte(news.Roots))
	if err != nil {
		return err
	}
	if _, err := publicRoots(news); err != nil {
		return err
	}
	m.Keys.Announce(keys)
	m.Revocations.Announce(trust.Ended{Subjects: news.RevokedSubjects, Grants: news.EndedGrants, Before: news.RevokedBefore})
	m.Peers.Trust(roots, news.RevokedCertificates)
	m.feed = news
	return nil
}

// saveFeed keeps the announcement for the next start, and the roots for people and their clients.
func (m *Membership) saveFeed(heard time.Time) error {
	text, err := json.Marshal(keptFeed{heard.UTC(), m.feed})
	if err != nil {
		return err
	}
	roots, err := pki.ParseRoots(m.Domain, []byte(m.feed.Roots))
	if err != nil {
		return err
	}
	public, err := publicRoots(m.feed)
	if err != nil {
		return err
	}
	return errors.Join(pki.WriteSecret(m.feedFile(), text),
		pki.WriteRoots(WorkloadRootsFile(m.Dir), roots), pki.WriteRoots(RootsFile(m.Dir), public))
}

// publicRoots are those of the public listener. An STS of an earlier version has one root for everything.
func publicRoots(feed sts.Feed) (*pki.Roots, error) {
	return pki.ParseRoots("", []byte(cmp.Or(feed.PublicRoots, feed.Roots)))
}

// loadFeed puts in force what an earlier process has kept. It is as old as it was then, and older by the time since: a time that
// is still to come says nothing about that ([trust.Revocations.Age]).
func (m *Membership) loadFeed() error {
	text, err := pki.ReadSecret(m.feedFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var kept keptFeed
	if err = json.Unmarshal(text, &kept); err == nil {
		err = m.apply(kept.Feed)
	}
	if other, is := errors.AsType[*pki.DomainError](err); is && other.Made != "" {
		return m.ofAnotherDomain(other.Made)
	}
	if err != nil {
		return fmt.Errorf("%s is damaged (%w); remove it, and it is fetched from the STS again", m.feedFile(), err)
	}
	if !kept.HeardAt.After(m.Now()) {
		m.Revocations.Heard(kept.HeardAt)
	}
	return nil
}

func (m *Membership) feedFile() string { return filepath.Join(m.Dir, "feed.json") }

// WorkloadRootsFile is where the trusted roots of workloads are in a directory, for people to look at.
func WorkloadRootsFile(dir string) string { return filepath.Join(dir, "workloads.pem") }

// RootsFile is where the roots of the public listener are in a directory, for people and their clients (curl --cacert).
func RootsFile(dir string) string { return filepath.Join(dir, "root.pem") }
