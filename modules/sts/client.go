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

// Authenticate calls sts.Authenticate.
func (c Client) Authenticate(ctx context.Context, r AuthenticateRequest) (Authentication, error) {
	return Authenticate.Call(ctx, c, r)
}

// AuthenticateSession calls sts.AuthenticateSession.
func (c Client) AuthenticateSession(ctx context.Context, r AuthenticateSessionRequest) (Authentication, error) {
	return AuthenticateSession.Call(ctx, c, r)
}

// Account calls sts.Account.
func (c Client) Account(ctx context.Context, r AccountRequest) (Account, error) {
	return ReadAccount.Call(ctx, c, r)
}

// SignOutEverywhere calls sts.SignOutEverywhere.
func (c Client) SignOutEverywhere(ctx context.Context, r SignOutEverywhereRequest) (Done, error) {
	return SignOutEverywhere.Call(ctx, c, r)
}

// Exchange calls sts.Exchange.
func (c Client) Exchange(ctx context.Context, r ExchangeRequest) (Exchanged, error) {
	return Exchange.Call(ctx, c, r)
}

// WorkloadToken calls sts.WorkloadToken.
func (c Client) WorkloadToken(ctx context.Context, r WorkloadTokenRequest) (WorkloadToken, error) {
	return IssueWorkloadToken.Call(ctx, c, r)
}

// Enrol calls sts.Enrol.
func (c Client) Enrol(ctx context.Context, r EnrolRequest) (Certificate, error) {
	return Enrol.Call(ctx, c, r)
}

// Renew calls sts.Renew.
func (c Client) Renew(ctx context.Context, r CertificateRequest) (Certificate, error) {
	return Renew.Call(ctx, c, r)
}

// ServerCertificate calls sts.ServerCertificate.
func (c Client) ServerCertificate(ctx context.Context, r CertificateRequest) (Certificate, error) {
	return ServerCertificate.Call(ctx, c, r)
}

// Feed calls sts.Feed.
func (c Client) Feed(ctx context.Context, r FeedRequest) (Feed, error) {
	return ReadFeed.Call(ctx, c, r)
}

// PublishKeys calls sts.PublishKeys.
func (c Client) PublishKeys(ctx context.Context, r PublishKeysRequest) (Done, error) {
	return PublishKeys.Call(ctx, c, r)
}
