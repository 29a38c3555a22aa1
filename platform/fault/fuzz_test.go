package fault_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"oms/platform/fault"
)

// FuzzProblem: whatever another process answers as a problem, the fault that it becomes has a code of the list or is
// refused, has no cause, and is the same after it has travelled again.
func FuzzProblem(f *testing.F) {
	for _, seed := range []string{
		`{"type":"out-of-stock","title":"Out of stock","status":409,"detail":"d","code":"conflict","errors":[{"detail":"x","pointer":"/items/0","available":3}]}`,
		`{"type":"about:blank","status":503,"code":"unavailable"}`, `{"code":"teapot"}`, `{"code":null,"errors":[null]}`, `{"errors":[{"detail":1}]}`,
		`{"code":"conflict","errors":[{"detail":"d","detail":"e","pointer":"/a","n":1,"n":2,"m":1e3,"k":9223372036854775808}]}`, `[]`, `null`, `{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var problem fault.Problem
		if json.Unmarshal(data, &problem) != nil {
			return
		}
		failure, known := problem.Fault()
		if known != failure.Code.Known() || failure.Unwrap() != nil || known && (failure.Code.Status() < 400 || failure.Code.Status() > 504) {
			t.Fatalf("%+v, %v", failure, known)
		}
		if failure.Type == "" {
			failure.Type = "refined" // a problem without a type has none to write
		}
		again := travel(t, failure)
		if further := travel(t, again); !reflect.DeepEqual(again, further) {
			t.Fatalf("%+v travels as %+v", again, further)
		}
	})
}

// travel is the fault as the next process reads it.
func travel(t *testing.T, failure *fault.Error) *fault.Error {
	t.Helper()
	text, err := json.Marshal(failure.Problem("/order", ""))
	if err != nil {
		t.Fatalf("%+v cannot be sent: %v", failure, err)
	}
	var problem fault.Problem
	if err := json.Unmarshal(text, &problem); err != nil {
		t.Fatalf("%s cannot be read: %v", text, err)
	}
	read, _ := problem.Fault()
	return read
}
