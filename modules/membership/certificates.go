package membership

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/pki"
	"oms/platform/secret"
)

// renew gets the next certificate of a workload that the STS knows: by its certificate, or by being in its process.
func (m *Membership) renew(ctx context.Context, c *certificate) error {
	err := c.Renew(ctx, pki.ID(m.Domain, c.workload), func(ctx context.Context, request []byte) ([][]byte, error) {
		answer, err := m.STS(c.workload).Renew(ctx, sts.CertificateRequest{Request: request})
		return answer.Chain, err
	})
	if err == nil {
		m.Log.InfoContext(ctx, "the certificate was renewed", "workload", c.workload, "until", c.until())
	}
	return err
}

// publicReplaced reports whether the public listener's certificate is from another root than the one that signs now.
func (m *Membership) publicReplaced() bool {
	current := m.public.Current()
	return current != nil && m.feed.PublicRoot != "" && m.feed.PublicRoot != pki.ChainFingerprint(current)
}

// publicRenamed reports whether the public listener has a certificate that lacks one of its names: it was another one's.
func (m *Membership) publicRenamed() bool {
	if m.public == nil {
		return false
	}
	current := m.public.Current()
	return current != nil && slices.ContainsFunc(m.Options.Public, func(name string) bool { return current.Leaf.VerifyHostname(name) != nil })
}

// renewPublic gets the next certificate of the public listener.
func (m *Membership) renewPublic(ctx context.Context) error {
	return m.public.Renew(ctx, "", func(ctx context.Context, request []byte) ([][]byte, error) {
		answer, err := m.STS("gateway").ServerCertificate(ctx, sts.CertificateRequest{Request: request})
		return answer.Chain, err
	})
}

// enrol uses a join token for the first certificate, or for the first after the workload was away for too long.
func (m *Membership) enrol(ctx context.Context, c *certificate) error {
	token, fingerprint, err := m.joinToken(c)
	if err != nil {
		return err
	}
	var roots string
	err = c.Renew(ctx, pki.ID(m.Domain, c.workload), func(ctx context.Context, request []byte) ([][]byte, error) {
		answer, err := m.Enrolment(fingerprint).Enrol(ctx, sts.EnrolRequest{JoinToken: token, Request: request})
		roots = answer.Roots
		return answer.Chain, err
	})
	if code := fault.CodeOf(err); err == nil || code == fault.Unauthenticated || code == fault.PermissionDenied || code == fault.InvalidArgument {
		c.tried = token
	}
	if err != nil {
		return err
	}
	m.Log.InfoContext(ctx, "enrolled", "workload", c.workload, "until", c.until())
	trusted, err := pki.ParseRoots(m.Domain, []byte(roots))
	if err != nil {
		return err
	}
	m.Peers.Trust(trusted, m.feed.RevokedCertificates) // enough to read the feed, also where a root was replaced since it was read last
	return nil
}

// joinToken reads the workload's join token, and the fingerprint of the root that it carries. One that was tried already
// is not tried again.
func (m *Membership) joinToken(c *certificate) (token secret.Text, fingerprint string, err error) {
	workload, file := c.workload, m.JoinFile(c.workload)
	text, err := pki.ReadSecret(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", fmt.Errorf("waiting for the join token of %s in %s: an STS that shares the data directory leaves one in pki/join, else get one with `app certs join-token %s`", workload, file, workload)
	}
	if err != nil {
		return "", "", err
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		parts := strings.Split(line, ".")
		if len(parts) != 3 || parts[0] != workload || parts[1] == "" || parts[2] == "" || strings.ContainsFunc(line, unicode.IsSpace) {
			continue
		}
		if c.tried == secret.Text(line) {
			return "", "", fmt.Errorf("the join token of %s in %s does not hold any more; get another with `app certs join-token %s`", workload, file, workload)
		}
		return secret.Text(line), parts[2], nil
	}
	return "", "", fmt.Errorf("%s holds no join token of %s; get one with `app certs join-token %s`", file, workload, workload)
}

// Rejected is told that the STS did not accept the certificate of a workload: it was removed, or the root was replaced while
// this process slept. A join token lets it in again.
func (m *Membership) Rejected(workload string) {
	if c := m.certificates[workload]; c != nil {
		c.rejected.Store(true)
	}
}

// replace gets the next certificate of a workload in the way that is left to it: one that was rejected may still be good,
// where the STS has been mended meanwhile.
func (m *Membership) replace(ctx context.Context, c *certificate) error {
	rejected, err := c.rejected.Load(), error(nil)
	known := m.Hosted || c.Usable(m.Now())
	if known {
		err = m.renew(ctx, c)
	}
	if !known || err != nil && rejected {
		err = m.enrol(ctx, c)
	}
	if err == nil {
		c.rejected.Store(false)
	}
	return err
}
