package sts

import (
	"time"

	"oms/platform/rpc"
)

// The operations of the STS. This table is its security review.
var (
	Keys = rpc.Define(Service.Keys, rpc.Row{
		Name:    "sts.Keys",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.Workload,
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
	})
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
)

// Operations is the table: one row for each method of [Service].
var Operations = rpc.Table[Service]{Keys, Judge, JudgeSession}
