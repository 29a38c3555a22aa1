package rpc

import "context"

// step is one step of a pipeline around the rest of it. C is the call as one side has it.
type step[C any] func(ctx context.Context, call C, next handle[C]) error

// handle is the rest of a pipeline.
type handle[C any] func(ctx context.Context, call C) error

// pipeline makes one function of steps, the first outermost, around the last.
func pipeline[C any](last handle[C], steps ...step[C]) handle[C] {
	for i := len(steps) - 1; i >= 0; i-- {
		around, next := steps[i], last
		last = func(ctx context.Context, call C) error { return around(ctx, call, next) }
	}
	return last
}

// callerSteps are what happens to every call at its caller's side, whatever the transport.
func (c *conn) callerSteps() handle[*Outgoing] {
	return pipeline(c.Transport.Send,
		deadline,       // the row's timeout bounds all attempts together; a late answer is no answer
		c.encode,       // the request as it travels, once for all attempts
		c.availability, // an outage of the callee is logged when it begins and when it ends
		retry,          // of what was not executed, or may be executed twice
		c.prove,        // the profile's proof, anew for every attempt
	)
}

// calleeSteps are what happens to every call at its callee's side, whatever the transport.
func (s *Server) calleeSteps() handle[*Incoming] {
	return pipeline(execute,
		s.record,      // one record of the hop, however it ends
		s.containment, // a panic is a defect of this call alone
		s.arrive,      // of the caller's context its deadline crosses, and nothing else
		s.verify,      // who calls, and for whom
		s.authorise,   // the row decides
		receive,       // only now is the request read
	)
}
