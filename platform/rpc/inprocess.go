package rpc

import (
	"context"
	"crypto/sha256"
	"time"

	"oms/platform/fault"
)

// Local is the transport to a server in the same process. What crosses it is copied where operations are called and
// answered (see [Op.Call]), so nothing travels.
func Local(server *Server) Transport { return local{server} }

type local struct{ server *Server }

// Encode implements [Transport].
func (local) Encode(any) ([]byte, *fault.Error) { return nil, nil }

// Send implements [Transport].
func (l local) Send(ctx context.Context, c *Outgoing) error {
	in := &Incoming{Call: c.Call, Transport: InProcess, Message: handed{c.Request, c.Response}}
	return l.server.Serve(ctx, in)
}

// handed is a message that did not travel: there is no body to have a digest of, so it is zero at both sides.
type handed struct{ request, response any }

// Digest implements [Message].
func (handed) Digest(context.Context) (none [sha256.Size]byte, err error) { return none, nil }

// Read implements [Message].
func (h handed) Read(context.Context, Operation) (request, response any, err error) {
	return h.request, h.response, nil
}

// Unassigned is the transport to a module that is neither hosted here nor given an address: every call fails at once.
func Unassigned(module string) Transport { return unassigned{module} }

type unassigned struct{ module string }

// Encode implements [Transport].
func (u unassigned) Encode(any) ([]byte, *fault.Error) {
	return nil, fault.Retryable(30*time.Second, "The %s module is not part of this deployment: it is neither hosted in this process nor given an address. "+
		"Add it to server.modules, or set modules.%s.url.", u.module, u.module)
}

// Send implements [Transport].
func (u unassigned) Send(context.Context, *Outgoing) error {
	_, failure := u.Encode(nil)
	return failure
}
