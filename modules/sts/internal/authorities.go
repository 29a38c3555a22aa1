package internal

import (
	"context"
	"time"

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

// RotateRoot publishes a next private root, which signs after announcement: then every certificate is renewed. What it
// replaces is trusted for overlap after that. It returns when the next root begins to sign, and its fingerprint.
func (a Administration) RotateRoot(ctx context.Context, announcement, overlap time.Duration) (fingerprint string, activates time.Time, err error) {
	k, err := rotate(ctx, a.Store, certificates, a.Now(), announcement, overlap, generateAuthority(a.Domain))
	return k.id, k.activates, err
}
