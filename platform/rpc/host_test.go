package rpc_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"oms/platform/rpc"
	"oms/platform/rpctest"
)

// tiny is a service of one method, to spoil one thing at a time.
type tiny interface {
	Do(context.Context, rpctest.Nothing) (rpctest.Nothing, error)
}

type tinyService struct{}

func (tinyService) Do(context.Context, rpctest.Nothing) (rpctest.Nothing, error) {
	return rpctest.Nothing{}, nil
}

func goodRow() rpc.Row {
	return rpc.Row{Name: "tiny.Do", Callers: rpc.Callers("gateway"), Who: rpc.User, Scope: "do", Timeout: time.Second,
		Edge: rpc.Edge{Method: "POST", Path: "/tiny/{id}"}}
}

func forOperators(r *rpc.Row) {
	*r = rpc.Row{Name: "tiny.Do", Callers: rpc.Callers(rpc.Operator), Who: rpc.Workload, Proof: rpc.ByCertificate, Timeout: time.Second}
}

func TestARowThatDoesNotSayEverythingDoesNotStart(t *testing.T) {
	host := func(spoil func(*rpc.Row)) error {
		row := goodRow()
		spoil(&row)
		_, err := rpc.NewHost[tiny]("tiny", rpc.Table[tiny]{rpc.Define(tiny.Do, row)}, tinyService{}, &rpctest.Observer{}, time.Now)
		return err
	}
	for name, good := range map[string]func(*rpc.Row){"the good row": func(*rpc.Row) {}, "that of operators": forOperators} {
		if err := host(good); err != nil {
			t.Fatalf("%s does not start: %v", name, err)
		}
	}
	for name, spoil := range map[string]func(*rpc.Row){
		"zero row":             func(r *rpc.Row) { *r = rpc.Row{} },
		"no callers":           func(r *rpc.Row) { r.Callers = nil },
		"no rule":              func(r *rpc.Row) { r.Who = 0 },
		"unknown rule":         func(r *rpc.Row) { r.Who = 99 },
		"user without scope":   func(r *rpc.Row) { r.Scope = "" },
		"scope and any user":   func(r *rpc.Row) { r.AnySignedIn = true },
		"scope for anyone":     func(r *rpc.Row) { r.Who = rpc.Anyone },
		"workload at the edge": func(r *rpc.Row) { r.Who, r.Scope = rpc.Workload, "" },
		"no timeout":           func(r *rpc.Row) { r.Timeout = 0 },
		"no method":            func(r *rpc.Row) { r.Edge.Method = "" },
		"odd method":           func(r *rpc.Row) { r.Edge.Method = "FETCH" },
		"no path":              func(r *rpc.Row) { r.Edge.Path = "" },
		"wildcard path":        func(r *rpc.Row) { r.Edge.Path = "/tiny/*" },
		"bad scope":            func(r *rpc.Row) { r.Scope = "do it" },
		"bad sees":             func(r *rpc.Row) { r.OptionalScopes = []string{"DO"} },
		"another module":       func(r *rpc.Row) { r.Name = "large.Do" },
		"another method":       func(r *rpc.Row) { r.Name = "tiny.Undo" },
		"no name":              func(r *rpc.Row) { r.Name = "" },

		"operators beside others": func(r *rpc.Row) { forOperators(r); r.Callers = rpc.Callers(rpc.Operator, "gateway") },
		"operators for a user":    func(r *rpc.Row) { forOperators(r); r.Who, r.Proof, r.Scope = rpc.User, rpc.ByProfile, "do" },
		"operators by a profile":  func(r *rpc.Row) { forOperators(r); r.Proof = rpc.ByProfile },
		"operators at the edge":   func(r *rpc.Row) { forOperators(r); r.Edge = goodRow().Edge },
		"every workload":          func(r *rpc.Row) { forOperators(r); r.Callers = rpc.Callers(rpc.EveryWorkload) },
		"every caller":            func(r *rpc.Row) { forOperators(r); r.Callers = rpc.Callers(rpc.EveryCaller) },
	} {
		if err := host(spoil); err == nil {
			t.Errorf("%s: started", name)
		} else if !strings.Contains(err.Error(), "tiny") {
			t.Errorf("%s: the error does not say where: %v", name, err)
		}
	}
}

func TestTableAndInterfaceMatchOneToOne(t *testing.T) {
	do := rpc.Define(tiny.Do, goodRow())
	for name, table := range map[string]rpc.Table[tiny]{"missing": {}, "twice": {do, do}} {
		if _, err := rpc.NewHost[tiny]("tiny", table, tinyService{}, &rpctest.Observer{}, time.Now); err == nil {
			t.Errorf("a method that is %s in the table started", name)
		}
	}
}

// Types that the wire would change do not start, each for a reason of its own.

type withTag[T any] struct {
	Member T `json:"member"`
}

type (
	unexported struct{ member int } //nolint:unused // the defect under test
	untagged   struct{ Member int }
	hidden     struct {
		Member int `json:"-"`
	}
	twins struct {
		One int `json:"member"`
		Two int `json:"Member"`
	}
	quoted struct {
		Member int `json:"member,string"`
	}
	embedding struct{ part }
	part      struct {
		Flag bool `json:"flag"`
	}
	recursive struct {
		Next []recursive `json:"next"`
	}
	selfMade struct {
		Member ownForm `json:"member"`
	}
	ownForm struct{}
)

func (ownForm) MarshalJSON() ([]byte, error) { return []byte(`"own"`), nil }

// carrier is a service whose request type is the type under test.
type carrier[T any] interface {
	Do(context.Context, T) (rpctest.Nothing, error)
}

type carrierService[T any] struct{}

func (carrierService[T]) Do(context.Context, T) (rpctest.Nothing, error) {
	return rpctest.Nothing{}, nil
}

func hostType[T any]() error {
	row := goodRow()
	_, err := rpc.NewHost[carrier[T]]("tiny", rpc.Table[carrier[T]]{rpc.Define(carrier[T].Do, row)}, carrierService[T]{}, &rpctest.Observer{}, time.Now)
	return err
}

func TestTypesThatTheWireWouldChangeDoNotStart(t *testing.T) {
	if err := hostType[withTag[map[string][]*time.Time]](); err != nil {
		t.Fatalf("a good type does not start: %v", err)
	}
	for name, err := range map[string]error{
		"float":              hostType[withTag[float64]](),
		"any":                hostType[withTag[any]](),
		"func":               hostType[withTag[func()]](),
		"channel":            hostType[withTag[chan int]](),
		"complex":            hostType[withTag[complex128]](),
		"array":              hostType[withTag[[2]int]](),
		"int keys":           hostType[withTag[map[int]string]](),
		"pointer to pointer": hostType[withTag[**int]](),
		"error":              hostType[withTag[error]](),
		"unexported":         hostType[unexported](),
		"untagged":           hostType[untagged](),
		"hidden":             hostType[hidden](),
		"twins":              hostType[twins](),
		"quoted":             hostType[quoted](),
		"embedding":          hostType[embedding](),
		"recursive":          hostType[recursive](),
		"own JSON form":      hostType[selfMade](),
		"not a struct":       hostType[string](),
	} {
		if err == nil {
			t.Errorf("%s: started", name)
		}
	}
}
