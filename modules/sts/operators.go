package sts

import (
	"context"
	"time"

	"oms/platform/identity"
	"oms/platform/secret"
)

// Operators is what operators do with the STS, beside a running one or without one. Its effects are in force as soon as a
// method returns. Its errors are *fault.Error, whose Detail is a sentence for the operator; every method may fail with
// unavailable.
type Operators interface {
	// AddUser adds a user. Errors: invalid_argument; conflict (user-exists), also for a name that was ever used.
	AddUser(context.Context, AddUserRequest) (Done, error)
	// ListUsers lists all users by name.
	ListUsers(context.Context, ListRequest) (Users, error)
	// SetPassword replaces a user's password and ends the user's sessions: whoever opened them may have known the old one.
	// Errors: invalid_argument, not_found.
	SetPassword(context.Context, SetPasswordRequest) (Done, error)
	// SetUserDisabled locks a user out, or lets it in again. A disabled user's tokens and sessions stop to hold at once, and
	// the sessions do not come back. Errors: not_found.
	SetUserDisabled(context.Context, SetUserDisabledRequest) (Done, error)
	// IssueToken makes an edge access token for a user. Errors: not_found for the user, invalid_argument for scopes that the
	// user does not have and for the lifetime, conflict (user-disabled, demo-disabled, never-started).
	IssueToken(context.Context, IssueTokenRequest) (IssuedToken, error)

	// ListSigningKeys lists the keys for tokens that count, the one that signs first.
	ListSigningKeys(context.Context, ListRequest) (SigningKeys, error)
	// RotateSigningKey publishes a next key. Errors: conflict (rotation-under-way).
	RotateSigningKey(context.Context, RotateRequest) (SigningKey, error)
	// RevokeSigningKey has a key stop to count at once, with everything that it has signed. Where it was the one that signs,
	// the next one does from now on, or one that is made for that. Where it was the next one, the one that signs stays.
	// Errors: not_found.
	RevokeSigningKey(context.Context, RevokeSigningKeyRequest) (Done, error)

	// ListCertificates lists the roots that are trusted and the certificates that have not expired.
	ListCertificates(context.Context, ListRequest) (Certificates, error)
	// RenewCertificates has a workload renew its certificates at once, or every workload. Errors: not_found.
	RenewCertificates(context.Context, WorkloadRequest) (Done, error)
	// RotateRoot publishes a next private root; when it begins to sign, every certificate is renewed. Errors: conflict
	// (rotation-under-way).
	RotateRoot(context.Context, RotateRequest) (SigningKey, error)
	// RemoveWorkload revokes all certificates of a workload, and gives it none until there is a join token for it. Errors:
	// not_found.
	RemoveWorkload(context.Context, WorkloadRequest) (Done, error)
	// CreateJoinToken makes a join token for a workload, and lets one in again that was removed. The token carries the
	// fingerprint of the root that signs now, so that whoever uses it knows the STS. Errors: not_found, conflict
	// (never-started).
	CreateJoinToken(context.Context, WorkloadRequest) (JoinToken, error)
}

// Done confirms a change.
type Done struct{}

// ListRequest asks for all that there are.
type ListRequest struct{}

// AddUserRequest describes a new user.
type AddUserRequest struct {
	Name     string          `json:"name"`
	FullName string          `json:"full_name,omitempty"`
	Email    string          `json:"email,omitempty"`
	Scopes   identity.Scopes `json:"scopes"`
	Password secret.Text     `json:"password"`
}

// Users are users by name.
type Users struct {
	Users []User `json:"users"`
}

// User is somebody who can sign in.
type User struct {
	Name      string          `json:"name"` // the subject of tokens and the owner of orders; never reused, never changed
	FullName  string          `json:"full_name"`
	Email     string          `json:"email"`
	Scopes    identity.Scopes `json:"scopes"`
	Disabled  bool            `json:"disabled"`
	Demo      bool            `json:"demo"` // good only while the demo is enabled
	CreatedAt time.Time       `json:"created_at"`
}

// SetPasswordRequest replaces a user's password.
type SetPasswordRequest struct {
	User     string      `json:"user"`
	Password secret.Text `json:"password"`
}

// SetUserDisabledRequest locks a user out, or lets it in again.
type SetUserDisabledRequest struct {
	User     string `json:"user"`
	Disabled bool   `json:"disabled"`
}

// IssueTokenRequest asks for an edge access token.
type IssueTokenRequest struct {
	User     string          `json:"user"`
	Scopes   identity.Scopes `json:"scopes"`   // null: all of the user's
	Lifetime time.Duration   `json:"lifetime"` // like every duration here in nanoseconds
	Issuer   string          `json:"issuer"`
	Audience string          `json:"audience"`
}

// IssuedToken is an edge access token.
type IssuedToken struct {
	Token secret.Text `json:"token"`
}

// SigningKeys are keys that sign tokens.
type SigningKeys struct {
	Keys []SigningKey `json:"keys"`
}

// SigningKey is a key that signs tokens, or the private root, which signs certificates.
type SigningKey struct {
	ID        string    `json:"id"` // of a root: its fingerprint
	Algorithm string    `json:"algorithm"`
	State     KeyState  `json:"state"`
	Activates time.Time `json:"activates"`        // when it begins to sign, or began
	Retires   time.Time `json:"retires,omitzero"` // when it stops to count; zero where nothing has replaced it
}

// KeyState is what a key is at a moment.
type KeyState string

// The states, in the order in which a key passes through them.
const (
	KeyNext    KeyState = "next"    // published, so that everybody knows it when it begins to sign
	KeyActive  KeyState = "active"  // signs
	KeyRetired KeyState = "retired" // still verifies what it has signed
)

// RotateRequest asks for a next key or root. It signs after the announcement; what it replaces counts for the overlap after
// that.
type RotateRequest struct {
	Announcement time.Duration `json:"announcement"`
	Overlap      time.Duration `json:"overlap"`
}

// RevokeSigningKeyRequest has a key stop to count.
type RevokeSigningKeyRequest struct {
	ID string `json:"id"`
}

// Certificates are the roots that are trusted and the certificates that have not expired.
type Certificates struct {
	Roots        []SigningKey        `json:"roots"`
	Certificates []IssuedCertificate `json:"certificates"`
}

// IssuedCertificate is a certificate on record.
type IssuedCertificate struct {
	Serial   string    `json:"serial"`
	Workload string    `json:"workload"`
	Issued   time.Time `json:"issued"`
	Expires  time.Time `json:"expires"`
	Revoked  bool      `json:"revoked"`
}

// WorkloadRequest names a workload.
type WorkloadRequest struct {
	Workload string `json:"workload,omitempty"` // RenewCertificates: every one where it is ""
}

// JoinToken is what a process trades for its first certificate, once.
type JoinToken struct {
	Token secret.Text `json:"token"`
}
