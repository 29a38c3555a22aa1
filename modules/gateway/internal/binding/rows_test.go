package binding

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"oms/platform/rpc"
)

// service has one method for each pair of types that a test binds.
type service[Req, Resp any] interface {
	Call(context.Context, Req) (Resp, error)
}

// operation is one of these types with this edge.
func operation[Req, Resp any](edge rpc.Edge) rpc.Operation {
	return rpc.Define(service[Req, Resp].Call, rpc.Row{
		Name: "test.Call", Callers: rpc.Callers("gateway"), Who: rpc.Anyone, Timeout: time.Second, Edge: edge,
	})
}

// The types of good rows.
type (
	nothing struct{}
	every   struct {
		ID    string  `json:"id" path:"id"`
		Code  string  `json:"code" path:"code"`
		Limit *int64  `json:"limit,omitempty" query:"limit"`
		After string  `json:"after,omitempty" query:"after"`
		Name  string  `json:"name"`
		Qty   int64   `json:"qty"`
		Items []item  `json:"items"`
		Note  *string `json:"note,omitempty"`
		Key   string  `json:"key,omitempty" header:"Idempotency-Key"`
	}
	item struct {
		Qty int64 `json:"qty"`
	}
	answer struct {
		ID     string `json:"id"`
		Hidden string `json:"hidden" edge:"-"`
		Tag    string `json:"tag,omitempty" header:"ETag"`
		Count  int64  `json:"count,omitempty"`
	}
)

// The types of bad rows.
type (
	numberInPath struct {
		ID int64 `json:"id" path:"id"`
	}
	idInPath struct {
		ID string `json:"id" path:"id"`
	}
	idTwice struct {
		ID    string `json:"id" path:"id"`
		Again string `json:"again" path:"id"`
	}
	both struct {
		ID string `json:"id" path:"id" query:"id"`
	}
	headerAndQuery struct {
		Key string `json:"key" query:"key" header:"Key"`
	}
	numberFromHeader struct {
		Key int64 `json:"key" header:"Key"`
	}
	flagInQuery struct {
		Flag bool `json:"flag" query:"flag"`
	}
	plainNumberInQuery struct {
		Limit int64 `json:"limit" query:"limit"`
	}
	parameterTwice struct {
		A string `json:"a" query:"x"`
		B string `json:"b" query:"x"`
	}
	withBody struct {
		Name string `json:"name"`
	}
	withTime struct {
		At time.Time `json:"at"`
	}
	numberInHeader struct {
		Tag int64 `json:"tag" header:"ETag"`
	}
	oddEdge struct {
		ID string `json:"id" edge:"omit"`
	}
	createdText struct {
		ID string `json:"id" edge:"created"`
	}
	shows struct {
		Show bool `json:"show,omitempty" prefer:"representation"`
	}
	showsText struct {
		Show string `json:"show,omitempty" prefer:"representation"`
	}
	preferring struct {
		Flag bool `json:"flag,omitempty" prefer:"minimal"`
	}
	shown struct {
		ID    string  `json:"id" edge:"-"`
		Thing *answer `json:"thing,omitempty" edge:"representation"`
		Done  string  `json:"done"`
	}
	shownText struct {
		Thing *string `json:"thing,omitempty" edge:"representation"`
	}
	shownNumber struct {
		Thing *numberInHeader `json:"thing,omitempty" edge:"representation"`
	}
)

func TestRowsThatCannotBeBoundAreRefused(t *testing.T) {
	get := func(path string) rpc.Edge { return rpc.Edge{Method: http.MethodGet, Path: path} }
	post := rpc.Edge{Method: http.MethodPost, Path: "/x"}
	if _, err := New(operation[every, answer](rpc.Edge{Method: http.MethodPut, Path: "/x/{id}/{code}", Success: 201, Location: "/x/{id}/{hidden}"})); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		operation rpc.Operation
		why       string
	}{
		"no edge":                       {operation[nothing, nothing](rpc.Edge{}), "no edge"},
		"a number in the path":          {operation[numberInPath, nothing](get("/x/{id}")), "member ID"},
		"a member that the path lacks":  {operation[idInPath, nothing](get("/x")), "member ID"},
		"a path with another member":    {operation[idInPath, nothing](get("/x/{other}")), "member ID"},
		"a path with one member more":   {operation[idInPath, nothing](get("/x/{id}/{other}")), "/x/{id}/{other}"},
		"two members for one":           {operation[idTwice, nothing](get("/x/{id}")), "member Again"},
		"one of two twice":              {operation[idTwice, nothing](get("/x/{id}/{other}")), "member Again"},
		"path and query":                {operation[both, nothing](get("/x/{id}")), "not from two of them"},
		"header and query":              {operation[headerAndQuery, nothing](get("/x")), "not from two of them"},
		"a number from a header":        {operation[numberFromHeader, nothing](get("/x")), "member Key"},
		"a flag in the query":           {operation[flagInQuery, nothing](get("/x")), `parameter "flag"`},
		"a number that cannot be unset": {operation[plainNumberInQuery, nothing](get("/x")), `parameter "limit"`},
		"a parameter twice":             {operation[parameterTwice, nothing](get("/x")), `parameter "x"`},
		"a GET with a body":             {operation[withBody, nothing](get("/x")), "member Name"},
		"a DELETE with a body":          {operation[withBody, nothing](rpc.Edge{Method: http.MethodDelete, Path: "/x"}), "member Name"},
		"a time in the body":            {operation[withTime, nothing](post), "time.Time"},
		"a number as a header":          {operation[nothing, numberInHeader](get("/x")), "member Tag"},
		"an edge tag that says nothing": {operation[nothing, oddEdge](get("/x")), "member ID"},
		"a text that says what is new":  {operation[nothing, createdText](get("/x")), "member ID"},
		"a preference that is a text":   {operation[showsText, shown](post), "member Show"},
		"a preference that is unknown":  {operation[preferring, nothing](post), "member Flag"},
		"a text as representation":      {operation[shows, shownText](post), "member Thing"},
		"a representation's number":     {operation[shows, shownNumber](post), "member Tag"},
		"nothing to prefer":             {operation[shows, nothing](post), "belong together"},
		"nobody can prefer it":          {operation[nothing, shown](post), "belong together"},
		"a location of nothing":         {operation[nothing, answer](rpc.Edge{Method: http.MethodGet, Path: "/x", Location: "/x/{none}"}), "location"},
		"a location of a number":        {operation[nothing, answer](rpc.Edge{Method: http.MethodGet, Path: "/x", Location: "/x/{count}"}), "location"},
		"success that is none":          {operation[nothing, nothing](rpc.Edge{Method: http.MethodGet, Path: "/x", Success: 404}), "404"},
	} {
		_, err := New(c.operation)
		if err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want something about %s", name, err, c.why)
		}
	}
}
