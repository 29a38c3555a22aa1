package inventory

import (
	"context"

	"oms/platform/rpc"
)

// Client is the Service over a Conn, wherever the module lives.
type Client struct{ rpc.Conn }

var _ Service = Client{}

// List calls inventory.List.
func (c Client) List(ctx context.Context, r ListRequest) (Products, error) {
	return List.Call(ctx, c, r)
}

// Get calls inventory.Get.
func (c Client) Get(ctx context.Context, r GetRequest) (Product, error) {
	return Get.Call(ctx, c, r)
}

// Put implements [Service].
func (c Client) Put(ctx context.Context, r PutRequest) (PutResponse, error) {
	return Put.Call(ctx, c.Conn, r)
}

// Adjust calls inventory.Adjust.
func (c Client) Adjust(ctx context.Context, r AdjustRequest) (Product, error) {
	return Adjust.Call(ctx, c, r)
}

// Check calls inventory.Check.
func (c Client) Check(ctx context.Context, r CheckRequest) (Checked, error) {
	return Check.Call(ctx, c, r)
}

// Reserve calls inventory.Reserve.
func (c Client) Reserve(ctx context.Context, r ReserveRequest) (Reservation, error) {
	return Reserve.Call(ctx, c, r)
}

// Release calls inventory.Release.
func (c Client) Release(ctx context.Context, r ReleaseRequest) (Reservation, error) {
	return Release.Call(ctx, c, r)
}
