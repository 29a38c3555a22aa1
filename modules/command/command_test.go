package command

import (
	"context"
	"errors"
	"testing"

	"oms/platform/fault"
	"oms/platform/rpc"
)

func TestAnOperatorReadsWhatIsBehindAFailure(t *testing.T) {
	cause := errors.New("no such table: users")
	full := fault.Retryable(0, "The disk is full.").Because(errors.New("SQLITE_FULL"))
	for _, c := range []struct {
		recorded, err error
		want          string
	}{
		{nil, nil, ""},
		{nil, errors.New("a password is one line"), "a password is one line"}, // of the command itself
		{nil, fault.New(fault.Malformed, "The request cannot be sent."), "The request cannot be sent."},
		{fault.New(fault.NotFound, "there is no user"), fault.New(fault.NotFound, "there is no user"), "there is no user"},
		{cause, fault.From(cause).Public(), cause.Error()},
		{full, full.Public(), full.Error()},
		{context.Canceled, fault.From(context.Canceled).Public(), context.Canceled.Error()},
	} {
		var last lastFailure
		last.Observe(t.Context(), rpc.Record{Err: c.recorded})
		got := last.told(c.err)
		if (got == nil) != (c.err == nil) || got != nil && got.Error() != c.want {
			t.Errorf("%v is told as %v, want %q", c.err, got, c.want)
		}
	}
}
