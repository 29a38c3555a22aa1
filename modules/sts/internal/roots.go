package internal

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/pki"
)

// newRoot makes a root of the installation, which can sign what it is for and nothing else.
func (s keyStore) newRoot(p purpose, now time.Time) (*pki.Authority, error) {
	if p == public {
		return pki.NewPublicAuthority(s.domain, s.hosts, now)
	}
	return pki.NewAuthority(s.domain, now)
}

// root is a stored root itself.
func (s keyStore) root(k storedKey) (*pki.Authority, error) {
	domain := s.domain
	if k.Purpose == string(public) {
		domain = "" // it proves no workload
	}
	private, err := s.decrypt(k)
	if err != nil {
		return nil, err
	}
	root, err := pki.ParseAuthority(domain, k.certificate, private)
	if err == nil && root.Fingerprint() != k.ID {
		err = k.corrupt()
	}
	return root, err
}

// fits reports whether a root is for what roots of its purpose are for now: the names of the public listener can change.
func (s keyStore) fits(p purpose, root *pki.Authority) bool {
	if p == public {
		return root.ForHosts(s.hosts)
	}
	return root.ForWorkloads()
}

// ensureRoot makes the first root of a purpose, and has one that does not fit replaced; replaced is then the new one. What
// can sign for any name, as roots of earlier versions can, signs until the new one was announced for as long as in any
// rotation, so that nobody fails who trusts it. What is for other names cannot sign what is needed, and is gone at once.
func (s keyStore) ensureRoot(tx database.Tx, p purpose, r sts.RotateRequest, now time.Time) (replaced *sts.SigningKey, err error) {
	keys, err := publishedKeys(tx, p, now)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 || keys[0].State != sts.KeyActive {
		_, err := s.add(tx, p, now, now)
		return nil, err
	}
	active, err := s.root(keys[0])
	if err != nil {
		return nil, err
	}
	if !s.fits(p, active) && !active.Unconstrained() {
		if _, err := tx.Exec(`DELETE FROM keys WHERE purpose = $1`, string(p)); err != nil {
			return nil, err
		}
		made, err := s.add(tx, p, now, now)
		return &made, err
	}
	for _, k := range keys {
		if k.State != sts.KeyNext {
			continue
		}
		next, err := s.root(k)
		if err != nil || s.fits(p, next) {
			return nil, err
		}
		if err := callOff(tx, p, k.ID, keys[0].ID); err != nil {
			return nil, err
		}
	}
	if s.fits(p, active) {
		return nil, nil
	}
	made, err := s.rotate(tx, p, r, now)
	return &made, err
}

// ensureRoots does it for all roots. The rotation is the installation's.
func (s keyStore) ensureRoots(tx database.Tx, r sts.RotateRequest, now time.Time) (replaced []sts.SigningKey, err error) {
	for _, p := range []purpose{workloads, public} {
		one, err := s.ensureRoot(tx, p, r, now)
		if err != nil {
			return nil, err
		}
		if one != nil {
			replaced = append(replaced, *one)
		}
	}
	return replaced, nil
}

// logReplaced tells what people outside have to do about a root that was replaced because it does not fit.
func (s *Service) logReplaced(ctx context.Context, root sts.SigningKey) {
	from := root.Activates.UTC().Format(time.RFC3339)
	if root.Purpose == string(public) {
		s.Log.WarnContext(ctx, "the public listener gets a root for its names alone: whoever has imported root.pem has to import it again",
			"names", strings.Join(s.PublicHosts, " "), "root", root.ID, "signs_from", from)
		return
	}
	s.Log.InfoContext(ctx, "the private root is replaced by one for the trust domain alone", "domain", s.Domain, "root", root.ID, "signs_from", from)
}

// issuing is what certificates of a purpose are issued with, and judged by.
type issuing struct {
	by      *pki.Authority
	since   time.Time // when it began to sign
	trusted string    // PEM: all roots of the purpose that are trusted now
}

func (s keyStore) readRoots(tx database.Tx, p purpose, now time.Time) (issuing, error) {
	keys, err := publishedKeys(tx, p, now)
	if err != nil {
		return issuing{}, err
	}
	if len(keys) == 0 {
		return issuing{}, fmt.Errorf("the STS has no %s; restore its database from a backup", nouns[p])
	}
	var all []*pki.Authority
	var certificates []*x509.Certificate
	for _, k := range keys {
		root, err := s.root(k)
		if err != nil {
			return issuing{}, err
		}
		all, certificates = append(all, root), append(certificates, root.Certificate())
	}
	domain := s.domain
	if p == public {
		domain = ""
	}
	roots, err := pki.NewRoots(domain, certificates...)
	if err != nil {
		return issuing{}, err
	}
	return issuing{by: all[0], since: keys[0].Activates, trusted: string(roots.PEM())}, nil
}

// RotateRoot implements [sts.Operators].
func (o Operators) RotateRoot(ctx context.Context, r sts.RotateRootRequest) (sts.Roots, error) {
	now := o.Now()
	wanted := []purpose{workloads, public}
	switch r.Purpose {
	case "":
	case sts.RootOfWorkloads, sts.RootOfPublic:
		wanted = []purpose{purpose(r.Purpose)}
	default:
		return sts.Roots{}, fault.New(fault.InvalidArgument, "there is no root of %q; write %s, %s, or nothing for both", r.Purpose, sts.RootOfWorkloads, sts.RootOfPublic)
	}
	keys, err := o.keys()
	if err != nil {
		return sts.Roots{}, err
	}
	return database.Write(ctx, o.Store, func(tx database.Tx) (next sts.Roots, err error) {
		for _, p := range wanted {
			root, err := keys.rotate(tx, p, sts.RotateRequest{Announcement: r.Announcement, Overlap: r.Overlap}, now)
			if err != nil {
				return sts.Roots{}, err
			}
			next.Roots = append(next.Roots, root)
		}
		return next, nil
	})
}
