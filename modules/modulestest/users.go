package modulestest

import (
	"context"
	"strings"
	"sync"
	"time"

	"oms/modules/sts"
	"oms/platform/identity"
	"oms/platform/issuers"
	"oms/platform/secret"
	"oms/platform/token"
)

const foreignAudience = "orders"

// Foreign is an issuer beside our own: the subject of its user x is identity.External(Foreign, "x").
const Foreign = "https://login.example"

// edge lets in our own tokens, and those of an issuer whose users may hold every scope.
func (d *domain) edge() (issuers.Accepted, error) {
	keys, err := token.NewKeySet(d.foreign.Public())
	return issuers.New(issuers.Own(publicURL), issuers.External{
		Policy: issuers.Policy(token.Issuer{
			Name: Foreign, Audience: foreignAudience, Algorithms: []token.Algorithm{token.ES256}, Types: []string{"JWT"}, MaxLifetime: lifetime,
		}),
		Keys: keys, Ceiling: d.userScopes,
	}), err
}

// users are those that have been asked for. Adding one takes the time of hashing a password, and is done once.
type users struct {
	mu     sync.Mutex
	added  map[string]func() error
	tokens map[string]identity.Credential // by subject and scopes
}

// bearer is what a user brings to the edge: a token with exactly these scopes.
func (d *domain) bearer(ctx context.Context, subject string, scopes identity.Scopes) (identity.Credential, error) {
	key := subject + " " + scopes.String()
	d.users.mu.Lock()
	kept, found := d.users.tokens[key]
	d.users.mu.Unlock()
	if found {
		return kept, nil
	}
	raw, err := d.issue(context.WithoutCancel(ctx), subject, scopes)
	if err != nil {
		return identity.Credential{}, err
	}
	fresh := identity.Credential{Kind: identity.EdgeToken, Text: raw}
	d.users.mu.Lock()
	defer d.users.mu.Unlock()
	if d.users.tokens == nil {
		d.users.tokens = map[string]identity.Credential{}
	}
	d.users.tokens[key] = fresh
	return fresh, nil
}

func (d *domain) issue(ctx context.Context, subject string, scopes identity.Scopes) (secret.Text, error) {
	if issuer, name, external := strings.Cut(subject, "|"); external {
		now := time.Now()
		raw, err := token.Sign(d.foreign, "JWT", map[string]any{
			"iss": issuer, "sub": name, "aud": foreignAudience, "scope": scopes.String(), "iat": now.Unix(), "exp": now.Add(lifetime).Unix(),
		})
		return secret.Text(raw), err
	}
	if err := d.add(ctx, subject); err != nil {
		return "", err
	}
	issued, err := sts.IssueToken.Call(ctx, d.operator, sts.IssueTokenRequest{
		User: subject, Scopes: append(identity.Scopes{}, scopes...), // nil would be all that the user has
		Lifetime: lifetime, Issuer: publicURL, Audience: publicURL,
	})
	return issued.Token, err
}

// add adds a user who may do everything, once.
func (d *domain) add(ctx context.Context, name string) error {
	d.users.mu.Lock()
	add, known := d.users.added[name]
	if !known {
		add = sync.OnceValue(func() error {
			_, err := sts.AddUser.Call(ctx, d.operator, sts.AddUserRequest{Name: name, Scopes: d.userScopes, Password: "correct horse"})
			return err
		})
		if d.users.added == nil {
			d.users.added = map[string]func() error{}
		}
		d.users.added[name] = add
	}
	d.users.mu.Unlock()
	return add()
}
