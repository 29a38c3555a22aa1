package sts

import (
	"time"

	"oms/platform/fault"
	"oms/platform/rpc"
)

// patience is how long an operator waits: for a password that is hashed on a busy machine, and for a database that a server
// beside the command is writing to.
const patience = time.Minute

// forOperators is a row with what all of these have in common.
func forOperators(r rpc.Row) rpc.Row {
	r.Callers, r.Who, r.Proof, r.Timeout = rpc.Callers(rpc.Operator), rpc.Workload, rpc.ByCertificate, patience
	return r
}

// The operations for operators. Whoever may open the database of the STS may perform them all, and nobody else any.
var (
	AddUser = rpc.Define(Operators.AddUser, forOperators(rpc.Row{
		Name: "sts.AddUser", Summary: "Add a user who can sign in.",
		Retry: rpc.Never, Errors: []fault.Code{fault.InvalidArgument}, Conflicts: []string{"user-exists"},
	}))
	ListUsers = rpc.Define(Operators.ListUsers, forOperators(rpc.Row{
		Name: "sts.ListUsers", Summary: "List all users by name.",
		Retry: rpc.Idempotent,
	}))
	SetPassword = rpc.Define(Operators.SetPassword, forOperators(rpc.Row{
		Name: "sts.SetPassword", Summary: "Replace a user's password and end the user's sessions.",
		Retry: rpc.Idempotent, Errors: []fault.Code{fault.InvalidArgument, fault.NotFound},
	}))
	SetUserDisabled = rpc.Define(Operators.SetUserDisabled, forOperators(rpc.Row{
		Name: "sts.SetUserDisabled", Summary: "Lock a user out at once, or let a disabled user in again.",
		Retry: rpc.Idempotent, Errors: []fault.Code{fault.NotFound},
	}))
	IssueToken = rpc.Define(Operators.IssueToken, forOperators(rpc.Row{
		Name: "sts.IssueToken", Summary: "Issue an access token of a user.",
		Retry: rpc.Idempotent, Errors: []fault.Code{fault.InvalidArgument, fault.NotFound}, Conflicts: []string{"user-disabled", "demo-disabled", "never-started"},
	}))
	ListSigningKeys = rpc.Define(Operators.ListSigningKeys, forOperators(rpc.Row{
		Name: "sts.ListSigningKeys", Summary: "List the keys that sign tokens, or still verify them.",
		Retry: rpc.Idempotent,
	}))
	RotateSigningKey = rpc.Define(Operators.RotateSigningKey, forOperators(rpc.Row{
		Name: "sts.RotateSigningKey", Summary: "Replace the key that signs tokens, in good order.",
		Retry: rpc.Never, Conflicts: []string{"rotation-under-way"},
	}))
	RevokeSigningKey = rpc.Define(Operators.RevokeSigningKey, forOperators(rpc.Row{
		Name: "sts.RevokeSigningKey", Summary: "Withdraw a key, so that nothing counts that it has signed.",
		Retry: rpc.Never, Errors: []fault.Code{fault.NotFound},
	}))
	ListCertificates = rpc.Define(Operators.ListCertificates, forOperators(rpc.Row{
		Name: "sts.ListCertificates", Summary: "List the trusted roots and the certificates that have not expired.",
		Retry: rpc.Idempotent,
	}))
	RenewCertificates = rpc.Define(Operators.RenewCertificates, forOperators(rpc.Row{
		Name: "sts.RenewCertificates", Summary: "Have workloads renew their certificates at once.",
		Retry: rpc.Idempotent, Errors: []fault.Code{fault.NotFound},
	}))
	RotateRoot = rpc.Define(Operators.RotateRoot, forOperators(rpc.Row{
		Name: "sts.RotateRoot", Summary: "Replace the private root, in good order.",
		Retry: rpc.Never, Conflicts: []string{"rotation-under-way"},
	}))
	RemoveWorkload = rpc.Define(Operators.RemoveWorkload, forOperators(rpc.Row{
		Name: "sts.RemoveWorkload", Summary: "Revoke all certificates of a workload and give it none any more.",
		Retry: rpc.Idempotent, Errors: []fault.Code{fault.NotFound},
	}))
	CreateJoinToken = rpc.Define(Operators.CreateJoinToken, forOperators(rpc.Row{
		Name: "sts.CreateJoinToken", Summary: "Make a token with which a workload gets its first certificate.",
		Retry: rpc.Never, Errors: []fault.Code{fault.NotFound}, Conflicts: []string{"never-started"},
	}))
)

// OperatorOperations is the table: one row for each method of [Operators].
var OperatorOperations = rpc.Table[Operators]{
	AddUser, ListUsers, SetPassword, SetUserDisabled, IssueToken, ListSigningKeys, RotateSigningKey, RevokeSigningKey,
	ListCertificates, RenewCertificates, RotateRoot, RemoveWorkload, CreateJoinToken,
}
