package sts

import (
	"time"

	"oms/platform/rpc"
)

// The operations of the STS. This table is its security review.
//
// What a workload needs before it can prove anything else goes by its certificate alone, and enrolment, which gives it
// that certificate, by a join token.
var (
	Judge = rpc.Define(Service.Judge, rpc.Row{
		Name:    "sts.Judge",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.Workload,
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
	})
	JudgeSession = rpc.Define(Service.JudgeSession, rpc.Row{
		Name:    "sts.JudgeSession",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.Workload,
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
	})
	Exchange = rpc.Define(Service.Exchange, rpc.Row{
		Name:    "sts.Exchange",
		Callers: rpc.Callers("gateway", "order"), // who may bring what, and for which callee, see the service
		Who:     rpc.Workload, Proof: rpc.ByCertificate,
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
	})
	IssueWorkloadToken = rpc.Define(Service.WorkloadToken, rpc.Row{
		Name:    "sts.WorkloadToken",
		Callers: rpc.Callers("gateway", "order"),
		Who:     rpc.Workload, Proof: rpc.ByCertificate,
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
	})
	Enrol = rpc.Define(Service.Enrol, rpc.Row{
		Name:    "sts.Enrol",
		Callers: rpc.Callers(rpc.Stranger), // the join token is judged by the service
		Who:     rpc.Workload, Proof: rpc.ByCertificate,
		Timeout: 5 * time.Second, Retry: rpc.Never, // a join token holds once
	})
	Renew = rpc.Define(Service.Renew, rpc.Row{
		Name:    "sts.Renew",
		Callers: rpc.Callers("gateway", "sts", "order", "inventory"),
		Who:     rpc.Workload, Proof: rpc.ByCertificate,
		Timeout: 5 * time.Second, Retry: rpc.Idempotent,
	})
	ServerCertificate = rpc.Define(Service.ServerCertificate, rpc.Row{
		Name:    "sts.ServerCertificate",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.Workload, Proof: rpc.ByCertificate,
		Timeout: 5 * time.Second, Retry: rpc.Idempotent,
	})
	PublishKeys = rpc.Define(Service.PublishKeys, rpc.Row{
		Name:    "sts.PublishKeys",
		Callers: rpc.Callers("gateway", "sts", "order", "inventory"), // each its own
		Who:     rpc.Workload, Proof: rpc.ByCertificate,
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
	})
	Keys = rpc.Define(Service.Keys, rpc.Row{
		Name:    "sts.Keys",
		Callers: rpc.Callers("gateway", "sts", "order", "inventory"),
		Who:     rpc.Workload, Proof: rpc.ByCertificate,
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
	})
	ReadFeed = rpc.Define(Service.Feed, rpc.Row{
		Name:    "sts.Feed",
		Callers: rpc.Callers("gateway", "sts", "order", "inventory"),
		Who:     rpc.Workload, Proof: rpc.ByCertificate,
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
	})
)

// Operations is the table: one row for each method of [Service].
var Operations = rpc.Table[Service]{Judge, JudgeSession, Exchange, IssueWorkloadToken, Enrol, Renew, ServerCertificate, PublishKeys, Keys, ReadFeed}
