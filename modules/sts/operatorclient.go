package sts

import (
	"context"

	"oms/platform/rpc"
)

// OperatorClient is Operators over a Conn.
type OperatorClient struct{ rpc.Conn }

var _ Operators = OperatorClient{}

// AddUser calls sts.AddUser.
func (c OperatorClient) AddUser(ctx context.Context, r AddUserRequest) (Done, error) {
	return AddUser.Call(ctx, c, r)
}

// ListUsers calls sts.ListUsers.
func (c OperatorClient) ListUsers(ctx context.Context, r ListUsersRequest) (Users, error) {
	return ListUsers.Call(ctx, c, r)
}

// SetPassword calls sts.SetPassword.
func (c OperatorClient) SetPassword(ctx context.Context, r SetPasswordRequest) (Done, error) {
	return SetPassword.Call(ctx, c, r)
}

// SetUserDisabled calls sts.SetUserDisabled.
func (c OperatorClient) SetUserDisabled(ctx context.Context, r SetUserDisabledRequest) (Done, error) {
	return SetUserDisabled.Call(ctx, c, r)
}

// IssueToken calls sts.IssueToken.
func (c OperatorClient) IssueToken(ctx context.Context, r IssueTokenRequest) (IssuedToken, error) {
	return IssueToken.Call(ctx, c, r)
}

// ListSigningKeys calls sts.ListSigningKeys.
func (c OperatorClient) ListSigningKeys(ctx context.Context, r ListSigningKeysRequest) (SigningKeys, error) {
	return ListSigningKeys.Call(ctx, c, r)
}

// RotateSigningKey calls sts.RotateSigningKey.
func (c OperatorClient) RotateSigningKey(ctx context.Context, r RotateRequest) (SigningKey, error) {
	return RotateSigningKey.Call(ctx, c, r)
}

// RevokeSigningKey calls sts.RevokeSigningKey.
func (c OperatorClient) RevokeSigningKey(ctx context.Context, r RevokeSigningKeyRequest) (Done, error) {
	return RevokeSigningKey.Call(ctx, c, r)
}

// ListCertificates calls sts.ListCertificates.
func (c OperatorClient) ListCertificates(ctx context.Context, r ListCertificatesRequest) (Certificates, error) {
	return ListCertificates.Call(ctx, c, r)
}

// RenewCertificates calls sts.RenewCertificates.
func (c OperatorClient) RenewCertificates(ctx context.Context, r RenewCertificatesRequest) (Done, error) {
	return RenewCertificates.Call(ctx, c, r)
}

// RotateRoot calls sts.RotateRoot.
func (c OperatorClient) RotateRoot(ctx context.Context, r RotateRequest) (Root, error) {
	return RotateRoot.Call(ctx, c, r)
}

// RemoveWorkload calls sts.RemoveWorkload.
func (c OperatorClient) RemoveWorkload(ctx context.Context, r RemoveWorkloadRequest) (Done, error) {
	return RemoveWorkload.Call(ctx, c, r)
}

// CreateJoinToken calls sts.CreateJoinToken.
func (c OperatorClient) CreateJoinToken(ctx context.Context, r CreateJoinTokenRequest) (JoinToken, error) {
	return CreateJoinToken.Call(ctx, c, r)
}
