package rpc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/trust/trusttest"
)

// front is a service that calls another one for its user.
type front struct {
	behind rpc.Conn
	answer func(error) error // what it makes of how that ended
}

func (f front) Do(ctx context.Context, _ rpctest.Nothing) (rpctest.Nothing, error) {
	_, err := rpctest.Whoami.Call(ctx, f.behind, rpctest.Nothing{})
	return rpctest.Nothing{}, f.answer(err)
}

// carrying is a profile whose proofs stand for the user on the callee's own calls.
type carrying struct {
	*trusttest.Profile
	kind identity.Kind
}

func (c carrying) Verify(ctx context.Context, call *rpc.Call) (rpc.Proven, error) {
	proven, err := c.Profile.Verify(ctx, call)
	if c.kind != "" {
		proven.User = identity.Credential{Kind: c.kind, Text: "for order"}
	}
	return proven, err
}

func (f front) host(t *testing.T, observer *rpctest.Observer) *rpc.Host {
	t.Helper()
	row := goodRow()
	row.Edge = rpc.Edge{}
	host, err := rpc.NewHost[tiny]("tiny", rpc.Table[tiny]{rpc.Define(tiny.Do, row)}, f, observer, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return host
}

// What stands for a user came with the call. Where it turns out on a call behind that it does not hold any more, whoever
// brought it is told, and gets another; nothing else that goes wrong behind is taken for that.
func TestAnOutdatedProofGoesBackTheWayThatItCame(t *testing.T) {
	later := func(err error) error {
		if err == nil {
			return nil
		}
		return fault.Retryable(time.Second, "Later.").Because(err)
	}
	refuse := func(*rpc.Call) error { return rpc.NotProven("too old") }
	for what, c := range map[string]struct {
		kind   identity.Kind
		attach func(*rpc.Call) error // what the service's own side does
		verify func(*rpc.Call) error // what the callee behind does
		answer func(error) error
		again  bool       // the caller renews its proof
		code   fault.Code // what it hears where no renewal helps
	}{
		"nothing is given for it":          {identity.Internal, func(*rpc.Call) error { return fault.New(fault.Unauthenticated, "It does not hold.") }, nil, later, true, fault.Unavailable},
		"it is refused behind":             {identity.Transaction, nil, refuse, later, true, fault.Unavailable},
		"told as it is":                    {identity.Internal, nil, refuse, func(err error) error { return err }, true, fault.Unavailable},
		"of no user":                       {"", nil, refuse, later, false, fault.Unavailable},
		"the service has made up its mind": {identity.Internal, nil, refuse, func(error) error { return fault.Conflicting(fault.Kind{Name: "taken"}, "No.") }, false, fault.Conflict},
		"the service keeps it to itself":   {identity.Internal, nil, refuse, func(error) error { return fault.Retryable(time.Second, "Later.") }, false, fault.Unavailable},
		"the STS is away":                  {identity.Internal, func(*rpc.Call) error { return fault.Retryable(time.Second, "away") }, nil, later, false, fault.Unavailable},
		"the callee fails":                 {identity.Internal, nil, func(*rpc.Call) error { return errors.New("broken") }, later, false, fault.Unavailable},
	} {
		for _, mended := range []bool{true, false} { // by the renewal
			renewed := 0
			while := func(do func(*rpc.Call) error) func(*rpc.Call) error {
				return func(call *rpc.Call) error {
					if do == nil || mended && renewed > 0 {
						return nil
					}
					return do(call)
				}
			}
			probe, _ := rpctest.NewProbe(t)
			behind := rpctest.InProcess(probe, "order", &trusttest.Profile{OnAttach: while(c.attach), OnVerify: while(c.verify)})
			observer := &rpctest.Observer{}
			host := front{behind, c.answer}.host(t, observer)
			before := carrying{&trusttest.Profile{OnRefused: func(*fault.Error) bool { renewed++; return true }}, c.kind}
			op := rpc.Define(tiny.Do, func() rpc.Row { row := goodRow(); row.Edge = rpc.Edge{}; return row }())
			_, err := op.Call(rpctest.As("alice", "do"), rpctest.InProcess(host, "gateway", before), rpctest.Nothing{})
			if again := renewed > 0; again != c.again || renewed > 1 {
				t.Errorf("%s: the proof was renewed %d times", what, renewed)
			}
			switch helped := mended && c.again; {
			case helped && err != nil:
				t.Errorf("%s: renewed, and yet %v", what, err)
			case !helped && fault.CodeOf(err) != c.code:
				t.Errorf("%s: %v", what, err)
			case rpc.Refused(fault.From(err)):
				t.Errorf("%s: whoever calls hears of the proof: %v", what, err)
			}
		}
	}
}
