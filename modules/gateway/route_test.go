package gateway

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"oms/platform/rpc"
)

type twoDoors interface {
	One(context.Context, doorRequest) (doorResponse, error)
	Two(context.Context, doorRequest) (doorResponse, error)
}

type doorRequest struct {
	ID string `json:"id" path:"id"`
}

type doorResponse struct{}

// The router would let the later of two rows win in silence.
func TestTwoRowsCannotHaveTheSameEdge(t *testing.T) {
	row := func(name, path string) rpc.Row {
		return rpc.Row{Name: name, Callers: rpc.Callers(Name), Who: rpc.Anyone, Timeout: time.Second, Edge: rpc.Edge{Method: http.MethodGet, Path: path}}
	}
	one := []rpc.Operation{rpc.Define(twoDoors.One, row("first.One", "/door/{id}"))}
	two := []rpc.Operation{rpc.Define(twoDoors.Two, row("second.Two", "/door/{id}"))}
	_, _, err := New(Options{Modules: []Backend{{Name: "first", Operations: one}, {Name: "second", Operations: two}}})
	if err == nil || !strings.Contains(err.Error(), "first.One") || !strings.Contains(err.Error(), "second.Two") {
		t.Errorf("got %v, want an error that names both", err)
	}
}
