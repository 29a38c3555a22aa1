package membership

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"oms/modules/sts"
	"oms/platform/pki"
	"oms/platform/token"
)

// readFeed reads what the STS announces, and puts it in force where it is news.
func (m *Membership) readFeed(ctx context.Context) error {
	news, err := m.STS(m.As).Feed(ctx, sts.FeedRequest{Have: m.feed.Version})
	if err != nil {
		return err
	}
	if news.Version != m.feed.Version {
		if err := m.apply(news); err != nil {
			return err
		}
	} else if m.published {
		return nil
	}
	m.published = true
	return m.saveFeed()
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
	m.Revocations.Announce(news.RevokedSubjects)
	m.Peers.Trust(roots, news.RevokedCertificates)
	m.feed = news
	return nil
}

// saveFeed keeps the announcement for the next start, and the roots for people and their clients.
func (m *Membership) saveFeed() error {
	text, err := json.Marshal(m.feed)
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

// loadFeed puts in force what an earlier process has kept.
func (m *Membership) loadFeed() error {
	text, err := pki.ReadSecret(m.feedFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var kept sts.Feed
	if err = json.Unmarshal(text, &kept); err == nil {
		err = m.apply(kept)
	}
	if err != nil {
		return fmt.Errorf("%s is damaged (%w); remove it, and it is fetched from the STS again", m.feedFile(), err)
	}
	return nil
}

func (m *Membership) feedFile() string { return filepath.Join(m.Dir, "feed.json") }

// WorkloadRootsFile is where the trusted roots of workloads are in a directory, for people to look at.
func WorkloadRootsFile(dir string) string { return filepath.Join(dir, "workloads.pem") }

// RootsFile is where the roots of the public listener are in a directory, for people and their clients (curl --cacert).
func RootsFile(dir string) string { return filepath.Join(dir, "root.pem") }
