package membership

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/pki"
	"oms/platform/secret"
)

// obtain gets a workload its certificate, where it has none that can be used.
func (m *Membership) obtain(ctx context.Context, workload string) error {
	switch {
	case m.keyPairs[workload].Usable(m.Now()):
		return nil
	case m.Hosted:
		return m.renew(ctx, workload)
	}
	return m.enrol(ctx, workload)
}

// renew gets the next certificate of a workload that the STS knows: by its certificate, or by being in its process.
func (m *Membership) renew(ctx context.Context, workload string) error {
	err := m.keyPairs[workload].Renew(ctx, pki.ID(m.Domain, workload), func(ctx context.Context, request []byte) ([][]byte, error) {
		answer, err := m.STS(workload).Renew(ctx, sts.CertificateRequest{Request: request})
		return answer.Chain, err
	})
	if err == nil {
		m.Log.InfoContext(ctx, "the certificate was renewed", "workload", workload, "until", until(m.keyPairs[workload]))
	}
	return err
}

// renewPublic gets the next certificate of the public listener.
func (m *Membership) renewPublic(ctx context.Context) error {
	return m.public.Renew(ctx, "", func(ctx context.Context, request []byte) ([][]byte, error) {
		answer, err := m.STS("gateway").ServerCertificate(ctx, sts.CertificateRequest{Request: request})
		return answer.Chain, err
	})
}

// enrol uses a join token for the first certificate, or for the first after the workload was away for too long.
func (m *Membership) enrol(ctx context.Context, workload string) error {
	token, fingerprint, err := m.joinToken(workload)
	if err != nil {
		return err
	}
	var roots string
	err = m.keyPairs[workload].Renew(ctx, pki.ID(m.Domain, workload), func(ctx context.Context, request []byte) ([][]byte, error) {
		answer, err := m.Enrolment(fingerprint).Enrol(ctx, sts.EnrolRequest{JoinToken: token, Request: request})
		roots = answer.Roots
		return answer.Chain, err
	})
	if code := fault.CodeOf(err); err == nil || code == fault.Unauthenticated || code == fault.PermissionDenied || code == fault.InvalidArgument {
		m.mu.Lock()
		m.used[workload] = token.Reveal()
		m.mu.Unlock()
	}
	if err != nil {
		return err
	}
	m.Log.InfoContext(ctx, "enrolled", "workload", workload, "until", until(m.keyPairs[workload]))
	trusted, err := pki.ParseRoots(m.Domain, []byte(roots))
	if err != nil {
		return err
	}
	m.Peers.Trust(trusted, m.revoked()) // enough to read the feed, also where a root was replaced since it was read last
	return nil
}

// joinToken reads the workload's join token, and the fingerprint of the root that it carries. One that was tried already
// is not tried again.
func (m *Membership) joinToken(workload string) (token secret.Text, fingerprint string, err error) {
	file := m.JoinFile(workload)
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
		if len(parts) != 3 || parts[0] != workload {
			continue
		}
		m.mu.Lock()
		used := m.used[workload] == line
		m.mu.Unlock()
		if used {
			return "", "", fmt.Errorf("the join token of %s in %s does not hold any more; get another with `app certs join-token %s`", workload, file, workload)
		}
		return secret.Text(line), parts[2], nil
	}
	return "", "", fmt.Errorf("%s holds no join token of %s; get one with `app certs join-token %s`", file, workload, workload)
}

// Rejected is told that the STS did not accept the certificate of a workload: it was removed, or the root was replaced while
// this process slept. A join token lets it in again.
func (m *Membership) Rejected(workload string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rejected[workload] = true
}

// accepted is told that it did.
func (m *Membership) accepted(workload string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.rejected, workload)
}

func (m *Membership) isRejected(workload string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rejected[workload]
}

// replace gets the next certificate of a workload in the way that is left to it: one that was rejected may still be good,
// where the STS has been mended meanwhile.
func (m *Membership) replace(ctx context.Context, workload string, rejected bool) error {
	if m.Hosted || m.keyPairs[workload].Usable(m.Now()) {
		err := m.renew(ctx, workload)
		if err == nil {
			m.accepted(workload)
		}
		if err == nil || !rejected {
			return err
		}
	}
	err := m.enrol(ctx, workload)
	if err == nil {
		m.accepted(workload)
	}
	return err
}
