package sts

import (
	"time"

	"oms/platform/fault"
	"oms/platform/rpc"
)

// The operations of the STS. This table is its security review.
//
// What a workload needs before it can prove anything else goes by its certificate alone, and enrolment, which gives it
// that certificate, by a join token.
var (
	Authenticate = rpc.Define(Service.Authenticate, rpc.Row{
		Name:    "sts.Authenticate",
		Summary: "Say whom an access token stands for, and what it allows at one module.",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.Workload,
		Timeout: 2 * time.Second, Retry: rpc.Idempotent, Errors: []fault.Code{fault.InvalidArgument},
	})
	AuthenticateSession = rpc.Define(Service.AuthenticateSession, rpc.Row{
		Name:    "sts.AuthenticateSession",
		Summary: "Say whom a session stands for, and what it allows at one module.",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.Workload,
		Timeout: 2 * time.Second, Retry: rpc.Idempotent, Errors: []fault.Code{fault.InvalidArgument},
	})
	ReadAccount = rpc.Define(Service.Account, rpc.Row{
		Name:    "sts.Account",
		Summary: "Say who is signed in, since when, and with how many browsers.",
		Callers: rpc.Callers("gateway"), // for the one whose session it holds
		Who:     rpc.Workload,
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
	})
	SignOutEverywhere = rpc.Define(Service.SignOutEverywhere, rpc.Row{
		Name:    "sts.SignOutEverywhere",
		Summary: "End all sessions of whoever is signed in, and what was issued before.",
		Callers: rpc.Callers("gateway"), // for the one whose session it holds
		Who:     rpc.Workload,
		Timeout: 5 * time.Second, Retry: rpc.Never, // afterwards the session does not hold
	})
	Exchange = rpc.Define(Service.Exchange, rpc.Row{
		Name:    "sts.Exchange",
		Summary: "Trade what stands for a user for a token that one module accepts.",
		Callers: rpc.Callers(rpc.EveryCaller), // who may bring what, and for which callee, see the service
		Who:     rpc.Workload, Proof: rpc.ByCertificate,
		Timeout: 2 * time.Second, Retry: rpc.Idempotent, Errors: []fault.Code{fault.InvalidArgument},
	})
	IssueWorkloadToken = rpc.Define(Service.WorkloadToken, rpc.Row{
		Name:    "sts.WorkloadToken",
		Summary: "Issue a token that says who the calling workload is.",
		Callers: rpc.Callers(rpc.EveryCaller),
		Who:     rpc.Workload, Proof: rpc.ByCertificate,
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
	})
	Enrol = rpc.Define(Service.Enrol, rpc.Row{
		Name:    "sts.Enrol",
		Summary: "Trade a join token for the first certificate of a workload.",
		Callers: rpc.Callers(rpc.Anonymous), // the join token is judged by the service
		Who:     rpc.Workload, Proof: rpc.ByCertificate,
		Timeout: 5 * time.Second, Retry: rpc.Never, // a join token holds once
		Errors: []fault.Code{fault.InvalidArgument},
	})
	Renew = rpc.Define(Service.Renew, rpc.Row{
		Name:    "sts.Renew",
		Summary: "Issue the next certificate of the calling workload.",
		Callers: rpc.Callers(rpc.EveryWorkload),
		Who:     rpc.Workload, Proof: rpc.ByCertificate,
		Timeout: 5 * time.Second, Retry: rpc.Idempotent, Errors: []fault.Code{fault.InvalidArgument},
	})
	ServerCertificate = rpc.Define(Service.ServerCertificate, rpc.Row{
		Name:    "sts.ServerCertificate",
		Summary: "Issue a certificate for the public listener.",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.Workload, Proof: rpc.ByCertificate,
		Timeout: 5 * time.Second, Retry: rpc.Idempotent, Errors: []fault.Code{fault.InvalidArgument},
	})
	PublishKeys = rpc.Define(Service.PublishKeys, rpc.Row{
		Name:    "sts.PublishKeys",
		Summary: "Show people the public keys of the calling workload.",
		Callers: rpc.Callers(rpc.EveryWorkload), // each its own
		Who:     rpc.Workload, Proof: rpc.ByCertificate,
		Timeout: 2 * time.Second, Retry: rpc.Idempotent, Errors: []fault.Code{fault.InvalidArgument},
	})
	Keys = rpc.Define(Service.Keys, rpc.Row{
		Name:    "sts.Keys",
		Summary: "Give the public keys that verify our tokens.",
		Callers: rpc.Callers(rpc.EveryWorkload),
		Who:     rpc.Workload, Proof: rpc.ByCertificate,
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
	})
	ReadFeed = rpc.Define(Service.Feed, rpc.Row{
		Name:    "sts.Feed",
		Summary: "Tell what everybody who verifies needs to know now.",
		Callers: rpc.Callers(rpc.EveryWorkload),
		Who:     rpc.Workload, Proof: rpc.ByCertificate,
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
	})
)

// Operations is the table: one row for each method of [Service].
var Operations = rpc.Table[Service]{
	Authenticate, AuthenticateSession, ReadAccount, SignOutEverywhere, Exchange, IssueWorkloadToken, Enrol, Renew, ServerCertificate,
	PublishKeys, Keys, ReadFeed,
}
