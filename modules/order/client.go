package order

import (
	"context"

	"oms/platform/rpc"
)

// Client is the Service over a Conn, wherever the module lives.
type Client struct{ rpc.Conn }

var _ Service = Client{}

// Create calls order.Create.
func (c Client) Create(ctx context.Context, r CreateRequest) (Created, error) {
	return Create.Call(ctx, c, r)
}

// Get calls order.Get.
func (c Client) Get(ctx context.Context, r GetRequest) (Order, error) {
	return Get.Call(ctx, c, r)
}

// List calls order.List.
func (c Client) List(ctx context.Context, r ListRequest) (Orders, error) {
	return List.Call(ctx, c, r)
}

// Update calls order.Update.
func (c Client) Update(ctx context.Context, r UpdateRequest) (Updated, error) {
	return Update.Call(ctx, c, r)
}

// Cancel calls order.Cancel.
func (c Client) Cancel(ctx context.Context, r CancelRequest) (Cancelled, error) {
	return Cancel.Call(ctx, c, r)
}
