package system_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"oms/modules"
	"oms/modules/system"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/lifecycle"
	"oms/platform/module"
	"oms/platform/rpc"
)

// (An operation.)

// Shipping says what it costs to send orders.
type Shipping interface {
	// Quote gives the price for a number of parcels. Errors: invalid_argument.
	Quote(context.Context, QuoteRequest) (Quote, error)
}

// QuoteRequest asks for a price.
type QuoteRequest struct {
	Parcels int64 `json:"parcels" minimum:"1" maximum:"1000"`
}

// Quote is a price in cents.
type Quote struct {
	Cents int64 `json:"cents"`
}

// QuoteRow is the operation: who may call it, for whom, and for how long.
var QuoteRow = rpc.Define(Shipping.Quote, rpc.Row{
	Name:    "shipping.Quote",
	Summary: "Say what it costs to send parcels.",
	Callers: rpc.Callers("order"),
	Who:     rpc.Anyone,
	Timeout: time.Second, Retry: rpc.Idempotent,
})

// ShippingTable is the table: one row for each method of Shipping.
var ShippingTable = rpc.Table[Shipping]{QuoteRow}

// ShippingClient is Shipping over a Conn, wherever the module lives.
type ShippingClient struct{ rpc.Conn }

// Quote calls shipping.Quote.
func (c ShippingClient) Quote(ctx context.Context, r QuoteRequest) (Quote, error) {
	return QuoteRow.Call(ctx, c, r)
}

// (A module.)

// ShippingSettings are its part of the configuration: shipping.cents.
type ShippingSettings struct {
	// Cents is the price of one parcel.
	Cents string `koanf:"cents"`
}

// ShippingModule is the line in the list.
var ShippingModule = module.Module{
	Name:     "shipping",
	URL:      "https://localhost:9093",
	Tables:   []module.Table{ShippingTable},
	Settings: func() any { return &ShippingSettings{Cents: "499"} },
	Open: func(_ context.Context, env module.Env) (module.Hosted, error) {
		service := carrier{env.Settings.(*ShippingSettings)}
		host, err := rpc.NewHost[Shipping]("shipping", ShippingTable, service, env.Observer, env.Now)
		return module.Hosted{Host: host}, err
	},
}

// carrier implements Shipping.
type carrier struct{ *ShippingSettings }

func (c carrier) Quote(_ context.Context, r QuoteRequest) (Quote, error) {
	var cents int64
	_, err := fmt.Sscan(c.Cents, &cents)
	return Quote{cents * r.Parcels}, err
}

// (The end of what docs/extend.md shows.)

var _ Shipping = ShippingClient{}

// asking is order in this example: a module that calls shipping and offers nothing.
func asking(ask func(Shipping)) module.Module {
	return module.Module{Name: "order", URL: "https://localhost:9092", Open: func(_ context.Context, env module.Env) (module.Hosted, error) {
		ask(ShippingClient{env.Conn("shipping")})
		return module.Hosted{}, nil
	}}
}

// process runs a process of these modules and the STS until the test ends.
func process(log *slog.Logger, dir string, list []module.Module, then func()) error {
	c := system.Defaults(list)
	c.DataDir, c.Demo.Enabled, c.Server.Address, c.Server.AdminAddress = dir, false, "localhost:0", "localhost:0"
	opened, err := system.Open(context.Background(), c, system.Options{}, log)
	if err != nil {
		return err
	}
	parts, err := opened.Parts(func(string, net.Addr) {})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	parts = append(parts, lifecycle.Part{Name: "then", Start: func(context.Context) error { then(); stop(); return nil }})
	return lifecycle.Run(ctx, log, 10*time.Second, parts...)
}

// A new module is called by another one, in one process.
func Example_aModule() {
	dir, err := os.MkdirTemp("", "extend")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	var shipping Shipping
	list := slices.DeleteFunc(slices.Clone(modules.All), func(m module.Module) bool { return m.Name == "order" })
	list = append(list, ShippingModule, asking(func(s Shipping) { shipping = s }))
	err = process(slog.New(slog.DiscardHandler), dir, list, func() {
		ctx := identity.With(context.Background(), identity.Principal{Subject: "alice"})
		fmt.Println(shipping.Quote(ctx, QuoteRequest{Parcels: 2}))
		_, err := shipping.Quote(ctx, QuoteRequest{Parcels: 0})
		fmt.Println(fault.From(err).Fields[0].Pointer, fault.From(err).Fields[0].Detail)
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// {998} <nil>
	// /parcels must be a whole number from 1 to 1000
}

func TestTheDocumentShowsTheExamplesAsTheyAre(t *testing.T) {
	source, err := os.ReadFile("extend_test.go")
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("../../docs/extend.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(source)
	for _, part := range [][2]string{{"// (An operation.)", "// (A module.)"}, {"// (A module.)", "// (The end of"}} {
		shown := strings.TrimSpace(text[strings.Index(text, part[0])+len(part[0]) : strings.Index(text, part[1])])
		if !strings.Contains(string(document), "```go\n"+shown+"\n```") {
			t.Errorf("docs/extend.md does not show the example as it is after %q", part[0])
		}
	}
}
