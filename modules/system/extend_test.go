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

// Loyalty counts the points of customers.
type Loyalty interface {
	// Points gives what an order of this many pieces earns. Errors: invalid_argument.
	Points(context.Context, PointsRequest) (Points, error)
}

// PointsRequest asks for the points of an order.
type PointsRequest struct {
	Pieces int64 `json:"pieces" minimum:"1" maximum:"1000"`
}

// Points are what a customer collects.
type Points struct {
	Points int64 `json:"points"`
}

// PointsRow is the operation: who may call it, for whom, and for how long.
var PointsRow = rpc.Define(Loyalty.Points, rpc.Row{
	Name:    "loyalty.Points",
	Summary: "Say what an order earns.",
	Callers: rpc.Callers("order"),
	Who:     rpc.Anyone,
	Timeout: time.Second, Retry: rpc.Idempotent,
	Errors: []fault.Code{fault.InvalidArgument},
})

// LoyaltyOperations is the table: one row for each method of Loyalty.
var LoyaltyOperations = rpc.Table[Loyalty]{PointsRow}

// LoyaltyClient is Loyalty over a Conn, wherever the module lives.
type LoyaltyClient struct{ rpc.Conn }

// Points calls loyalty.Points.
func (c LoyaltyClient) Points(ctx context.Context, r PointsRequest) (Points, error) {
	return PointsRow.Call(ctx, c, r)
}

// (A module.)

// LoyaltySettings are its part of the configuration: loyalty.double.
type LoyaltySettings struct {
	// Double gives twice the points.
	Double bool `koanf:"double"`
}

// LoyaltyModule is the line in the list.
var LoyaltyModule = module.Module{
	Name:     "loyalty",
	URL:      "https://localhost:9499",
	Tables:   []module.Table{LoyaltyOperations},
	Settings: func() any { return &LoyaltySettings{} },
	Open: func(_ context.Context, env module.Env) (module.Hosted, error) {
		service := counter{env.Settings.(*LoyaltySettings)}
		host, err := rpc.NewHost[Loyalty]("loyalty", LoyaltyOperations, service, env.Observer, env.Now)
		return module.Hosted{Host: host}, err
	},
}

// counter implements Loyalty.
type counter struct{ *LoyaltySettings }

func (c counter) Points(_ context.Context, r PointsRequest) (Points, error) {
	if c.Double {
		return Points{20 * r.Pieces}, nil
	}
	return Points{10 * r.Pieces}, nil
}

// (The end of what docs/extend.md shows.)

var _ Loyalty = LoyaltyClient{}

// asking is order in this example: a module that calls loyalty and offers nothing.
func asking(ask func(Loyalty)) module.Module {
	return module.Module{Name: "order", URL: "https://localhost:9092", Open: func(_ context.Context, env module.Env) (module.Hosted, error) {
		ask(LoyaltyClient{env.Conn("loyalty")})
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
	var loyalty Loyalty
	list := slices.DeleteFunc(slices.Clone(modules.All), func(m module.Module) bool { return m.Name == "order" || m.Name == "loyalty" })
	list = append(list, LoyaltyModule, asking(func(l Loyalty) { loyalty = l }))
	err = process(slog.New(slog.DiscardHandler), dir, list, func() {
		ctx := identity.With(context.Background(), identity.Principal{Subject: "alice"})
		fmt.Println(loyalty.Points(ctx, PointsRequest{Pieces: 2}))
		_, err := loyalty.Points(ctx, PointsRequest{Pieces: 0})
		fmt.Println(fault.From(err).Fields[0].Pointer, fault.From(err).Fields[0].Detail)
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// {20} <nil>
	// /pieces must be a whole number from 1 to 1000
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
