package internal

import (
	"context"
	"time"

	"oms/modules/sts"
	"oms/platform/pki"
)

// generateAuthority makes a private root that signs from now on.
func generateAuthority(domain string) func(time.Time) (storedKey, error) {
	return func(now time.Time) (storedKey, error) {
		authority, err := pki.NewAuthority(domain, now)
		if err != nil {
			return storedKey{}, err
		}
		der, err := authority.MarshalKey()
		return storedKey{
			id: authority.Fingerprint(), purpose: certificates, algorithm: "ES256", private: der,
			certificate: authority.Certificate().Raw, created: now, activates: now,
		}, err
	}
}

// authority is the private root itself.
func (k storedKey) authority(domain string) (*pki.Authority, error) {
	authority, err := pki.ParseAuthority(domain, k.certificate, k.private)
	if err != nil {
		return nil, err
	}
	if authority.Fingerprint() != k.id {
		return nil, k.corrupt()
	}
	return authority, nil
}

// RotateRoot implements [sts.Operators].
func (o Operators) RotateRoot(ctx context.Context, r sts.RotateRequest) (sts.Root, error) {
	k, err := rotate(ctx, o.Store, certificates, o.Now(), r, generateAuthority(o.Domain))
	return sts.Root{Fingerprint: k.id, State: sts.KeyNext, Activates: k.activates}, err
}
