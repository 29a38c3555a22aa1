package fault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"oms/platform/fault"
)

// The list is closed: a code is added here and never changed.
var statuses = map[fault.Code]int{
	"malformed": 400, "invalid_argument": 422, "unauthenticated": 401, "permission_denied": 403, "not_found": 404,
	"method_not_allowed": 405, "conflict": 409, "precondition_failed": 412, "too_large": 413, "unsupported_media": 415,
	"rate_limited": 429, "canceled": 499, "internal": 500, "unimplemented": 501, "unavailable": 503, "deadline_exceeded": 504,
}

func TestCodesKeepTheirStatus(t *testing.T) {
	for code, want := range statuses {
		if !code.Known() || code.Status() != want {
			t.Errorf("%s: known %v, status %d, want %d", code, code.Known(), code.Status(), want)
		}
	}
	if unknown := fault.Code("teapot"); unknown.Known() || unknown.Status() != http.StatusInternalServerError {
		t.Error("an unknown code is known")
	}
}

func TestEveryErrorBecomesAFault(t *testing.T) {
	original := fault.New(fault.NotFound, "none")
	for want, err := range map[fault.Code]error{
		fault.NotFound:         fmt.Errorf("wrapped: %w", original),
		fault.DeadlineExceeded: fmt.Errorf("wrapped: %w", context.DeadlineExceeded),
		fault.Canceled:         context.Canceled,
		fault.Internal:         errors.New("a defect"),
		"":                     nil,
	} {
		if got := fault.CodeOf(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
	if fault.From(nil) != nil {
		t.Error("nil is a fault")
	}
}

func TestACauseIsForTheLogAlone(t *testing.T) {
	cause := errors.New("hunter2")
	failure := fault.New(fault.Internal, "Something.").Because(cause)
	if !errors.Is(failure, cause) || !strings.Contains(failure.Error(), "hunter2") {
		t.Error("the log does not get the cause")
	}
	text, err := json.Marshal(failure.Public().Problem("/x", "t"))
	if err != nil || strings.Contains(string(text), "hunter2") || strings.Contains(failure.Public().Error(), "hunter2") || errors.Is(failure.Public(), cause) {
		t.Errorf("the caller gets the cause: %s", text)
	}
}

func TestAProblemIsRebuiltFromItsCode(t *testing.T) {
	original := fault.Conflicting(fault.Kind{Name: "out-of-stock"}, "Too few.").With(fault.Field{Code: fault.NotEnough, Detail: "d", Pointer: "/items/0", Figures: []fault.Figure{{Name: "requested", Value: 1}}})
	text, err := json.Marshal(original.Problem("/order", "trace"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"type":"out-of-stock","title":"Out of stock","status":409,"detail":"Too few.","instance":"/order","code":"conflict","trace_id":"trace","errors":[{"code":"not_enough","detail":"d","pointer":"/items/0","requested":1}]}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	var problem fault.Problem
	if err := json.Unmarshal(text, &problem); err != nil {
		t.Fatal(err)
	}
	problem.Status = 200 // what a proxy made of it does not matter
	if rebuilt, ok := problem.Fault(); !ok || rebuilt.Code != fault.Conflict || rebuilt.Type != "out-of-stock" || !reflect.DeepEqual(rebuilt.Fields, original.Fields) {
		t.Errorf("rebuilt %+v, %v", rebuilt, ok)
	}
	if _, ok := (fault.Problem{Code: "teapot"}).Fault(); ok {
		t.Error("an answer that is not ours became a fault")
	}
}

func TestRetryAfterIsWholeSeconds(t *testing.T) {
	for given, want := range map[time.Duration]time.Duration{0: time.Second, time.Nanosecond: time.Second, time.Second: time.Second, 1001 * time.Millisecond: 2 * time.Second} {
		if got := fault.Retryable(given, "later").RetryAfter; got != want {
			t.Errorf("%v: %v, want %v", given, got, want)
		}
	}
}
