package sts

import (
	"context"
	"errors"
	"regexp"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
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
	// SetPassword replaces a user's password and ends the user's sessions and tokens: whoever has them may have known the old one.
	// Errors: invalid_argument, not_found.
	SetPassword(context.Context, SetPasswordRequest) (Done, error)
	// SetUserDisabled locks a user out, or lets it in again. The user's tokens and sessions stop to hold at once, and do not
	// come back. Errors: not_found.
	SetUserDisabled(context.Context, SetUserDisabledRequest) (Done, error)
	// SetUserScopes replaces what a user may do, from the next request on. Errors: invalid_argument, not_found.
	SetUserScopes(context.Context, SetUserScopesRequest) (Done, error)
	// SignOutUser ends all sessions of a user, and what was issued to the user before. Errors: not_found.
	SignOutUser(context.Context, SignOutUserRequest) (Done, error)
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

	// ListCertificates lists the roots that are trusted, the certificates that have not expired, and who gets none.
	ListCertificates(context.Context, ListRequest) (Certificates, error)
	// RenewCertificates has a workload renew its certificates at once, or every workload. Errors: not_found, conflict
	// (workload-removed).
	RenewCertificates(context.Context, WorkloadRequest) (Done, error)
	// RotateRoot publishes next roots; when they begin to sign, every certificate is renewed. Where one cannot be rotated,
	// neither is. Errors: invalid_argument for a purpose that there is not, conflict (rotation-under-way).
	RotateRoot(context.Context, RotateRootRequest) (Roots, error)
	// RemoveWorkload revokes all certificates of a workload, and gives it none until there is a join token for it. Errors:
	// not_found.
	RemoveWorkload(context.Context, WorkloadRequest) (Done, error)
	// CreateJoinToken makes a join token for a workload, and lets one in again that was removed. The token carries the
	// fingerprint of the root that signs now, so that whoever uses it knows the STS. Errors: not_found, conflict
	// (never-started).
	CreateJoinToken(context.Context, WorkloadRequest) (JoinToken, error)
}

// The conflicts that operators meet.
var (
	UserExists       = fault.Kind{Name: "user-exists", Means: "There is, or was, a user of that name; names are never reused."}
	UserDisabled     = fault.Kind{Name: "user-disabled", Means: "The user is locked out until an operator enables it."}
	DemoDisabled     = fault.Kind{Name: "demo-disabled", Means: "It is a demo account, and those cannot be used here."}
	NeverStarted     = fault.Kind{Name: "never-started", Means: "The STS makes its keys and roots at its first start, which has not been yet."}
	RotationUnderWay = fault.Kind{Name: "rotation-under-way", Means: "What follows is published already and signs soon; until then there is nothing to replace."}
	WorkloadRemoved  = fault.Kind{Name: "workload-removed", Means: "The module was removed and gets no certificate until it joins again."}
)

// The operations for operators. Whoever may open the database of the STS may perform them all, and nobody else any.
var (
	AddUser = rpc.Define(Operators.AddUser, rpc.ForOperators(rpc.Row{
		Name: "sts.AddUser", Summary: "Add a user who can sign in.",
		Retry: rpc.Never, Errors: []fault.Code{fault.InvalidArgument}, Conflicts: []fault.Kind{UserExists},
	}))
	ListUsers = rpc.Define(Operators.ListUsers, rpc.ForOperators(rpc.Row{
		Name: "sts.ListUsers", Summary: "List all users by name.",
		Retry: rpc.Idempotent,
	}))
	SetPassword = rpc.Define(Operators.SetPassword, rpc.ForOperators(rpc.Row{
		Name: "sts.SetPassword", Summary: "Replace a user's password and end the user's sessions.",
		Retry: rpc.Idempotent, Errors: []fault.Code{fault.InvalidArgument, fault.NotFound},
	}))
	SetUserDisabled = rpc.Define(Operators.SetUserDisabled, rpc.ForOperators(rpc.Row{
		Name: "sts.SetUserDisabled", Summary: "Lock a user out at once, or let a disabled user in again.",
		Retry: rpc.Idempotent, Errors: []fault.Code{fault.NotFound},
	}))
	SetUserScopes = rpc.Define(Operators.SetUserScopes, rpc.ForOperators(rpc.Row{
		Name: "sts.SetUserScopes", Summary: "Replace what a user may do.",
		Retry: rpc.Idempotent, Errors: []fault.Code{fault.InvalidArgument, fault.NotFound},
	}))
	SignOutUser = rpc.Define(Operators.SignOutUser, rpc.ForOperators(rpc.Row{
		Name: "sts.SignOutUser", Summary: "End all sessions of a user, and what was issued before.",
		Retry: rpc.Idempotent, Errors: []fault.Code{fault.NotFound},
	}))
	IssueToken = rpc.Define(Operators.IssueToken, rpc.ForOperators(rpc.Row{
		Name: "sts.IssueToken", Summary: "Issue an access token of a user.",
		Retry: rpc.Idempotent, Errors: []fault.Code{fault.InvalidArgument, fault.NotFound}, Conflicts: []fault.Kind{UserDisabled, DemoDisabled, NeverStarted},
	}))
	ListSigningKeys = rpc.Define(Operators.ListSigningKeys, rpc.ForOperators(rpc.Row{
		Name: "sts.ListSigningKeys", Summary: "List the keys that sign tokens, or still verify them.",
		Retry: rpc.Idempotent,
	}))
	RotateSigningKey = rpc.Define(Operators.RotateSigningKey, rpc.ForOperators(rpc.Row{
		Name: "sts.RotateSigningKey", Summary: "Replace the key that signs tokens, in good order.",
		Retry: rpc.Never, Conflicts: []fault.Kind{RotationUnderWay},
	}))
	RevokeSigningKey = rpc.Define(Operators.RevokeSigningKey, rpc.ForOperators(rpc.Row{
		Name: "sts.RevokeSigningKey", Summary: "Withdraw a key, so that nothing counts that it has signed.",
		Retry: rpc.Never, Errors: []fault.Code{fault.NotFound},
	}))
	ListCertificates = rpc.Define(Operators.ListCertificates, rpc.ForOperators(rpc.Row{
		Name: "sts.ListCertificates", Summary: "List the trusted roots and the certificates that have not expired.",
		Retry: rpc.Idempotent,
	}))
	RenewCertificates = rpc.Define(Operators.RenewCertificates, rpc.ForOperators(rpc.Row{
		Name: "sts.RenewCertificates", Summary: "Have workloads renew their certificates at once.",
		Retry: rpc.Idempotent, Errors: []fault.Code{fault.NotFound}, Conflicts: []fault.Kind{WorkloadRemoved},
	}))
	RotateRoot = rpc.Define(Operators.RotateRoot, rpc.ForOperators(rpc.Row{
		Name: "sts.RotateRoot", Summary: "Replace the private root and the public one, in good order.",
		Retry: rpc.Never, Errors: []fault.Code{fault.InvalidArgument}, Conflicts: []fault.Kind{RotationUnderWay},
	}))
	RemoveWorkload = rpc.Define(Operators.RemoveWorkload, rpc.ForOperators(rpc.Row{
		Name: "sts.RemoveWorkload", Summary: "Revoke all certificates of a workload and give it none any more.",
		Retry: rpc.Idempotent, Errors: []fault.Code{fault.NotFound},
	}))
	CreateJoinToken = rpc.Define(Operators.CreateJoinToken, rpc.ForOperators(rpc.Row{
		Name: "sts.CreateJoinToken", Summary: "Make a token with which a workload gets its first certificate.",
		Retry: rpc.Never, Errors: []fault.Code{fault.NotFound}, Conflicts: []fault.Kind{NeverStarted},
	}))
)

// OperatorOperations is the table: one row for each method of [Operators].
var OperatorOperations = rpc.Table[Operators]{
	AddUser, ListUsers, SetPassword, SetUserDisabled, SetUserScopes, SignOutUser, IssueToken, ListSigningKeys, RotateSigningKey,
	RevokeSigningKey, ListCertificates, RenewCertificates, RotateRoot, RemoveWorkload, CreateJoinToken,
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

// userName holds neither ":" nor "|", so that no user's name equals a client's or an external subject's.
var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// CheckUserName refuses what cannot be a user's name.
func CheckUserName(name string) error {
	if !userName.MatchString(name) {
		return errors.New("a user's name is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit")
	}
	return nil
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

// SetUserScopesRequest replaces what a user may do.
type SetUserScopesRequest struct {
	User   string          `json:"user"`
	Scopes identity.Scopes `json:"scopes"`
}

// SignOutUserRequest ends everything that was begun as a user.
type SignOutUserRequest struct {
	User string `json:"user"`
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

// What roots are for.
const (
	RootOfWorkloads = "workloads" // the private root: certificates with which modules prove themselves
	RootOfPublic    = "public"    // the public root, which people import: certificates of the public listener
)

// SigningKey is a key that signs tokens, or a root, which signs certificates.
type SigningKey struct {
	Purpose   string    `json:"purpose"` // tokens, or what a root is for
	ID        string    `json:"id"`      // of a root: its fingerprint
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

// RotateRootRequest asks for the next root of a purpose, or of each where it is empty. The times are those of a
// [RotateRequest].
type RotateRootRequest struct {
	Purpose      string        `json:"purpose,omitempty"` // RootOfWorkloads or RootOfPublic
	Announcement time.Duration `json:"announcement"`
	Overlap      time.Duration `json:"overlap"`
}

// Roots are roots, those of workloads first.
type Roots struct {
	Roots []SigningKey `json:"roots"`
}

// RevokeSigningKeyRequest has a key stop to count.
type RevokeSigningKeyRequest struct {
	ID string `json:"id"`
}

// Certificates are the roots that are trusted, the certificates that have not expired, and who gets none.
type Certificates struct {
	Roots        []SigningKey        `json:"roots"` // those of workloads first
	Certificates []IssuedCertificate `json:"certificates"`
	Removed      []string            `json:"removed"` // workloads that get none, until there is a join token for them
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
