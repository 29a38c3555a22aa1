package httprpc

import (
	"errors"
	"io"
	"sync"
)

// onceBody is a request's body that tells whether its end has left. A callee executes nothing before it has the whole
// body, so a call whose last byte was never taken has not been executed.
type onceBody struct {
	mu     sync.Mutex
	rest   []byte
	sealed bool
}

var errSealed = errors.New("the attempt is over")

// Read implements [io.Reader].
func (b *onceBody) Read(to []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.sealed:
		return 0, errSealed
	case len(b.rest) == 0:
		return 0, io.EOF
	}
	n := copy(to, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close implements [io.Closer].
func (b *onceBody) Close() error { return nil }

// seal ends the attempt and reports whether the last byte had been taken: what was not will never be.
func (b *onceBody) seal() (taken bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sealed = true
	return len(b.rest) == 0
}
