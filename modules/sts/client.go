package sts

import (
	"context"

	"oms/platform/rpc"
)

// Client is the Service over a Conn, wherever the module lives.
type Client struct{ rpc.Conn }

var _ Service = Client{}

// Keys calls sts.Keys.
func (c Client) Keys(ctx context.Context, r KeysRequest) (KeySet, error) {
	return Keys.Call(ctx, c, r)
}

// Judge calls sts.Judge.
func (c Client) Judge(ctx context.Context, r JudgeRequest) (Judgement, error) {
	return Judge.Call(ctx, c, r)
}

// JudgeSession calls sts.JudgeSession.
func (c Client) JudgeSession(ctx context.Context, r JudgeSessionRequest) (Judgement, error) {
	return JudgeSession.Call(ctx, c, r)
}
