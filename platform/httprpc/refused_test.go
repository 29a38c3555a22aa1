package httprpc_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"oms/platform/fault"
	"oms/platform/rpc"
)

// framed is a callee that speaks HTTP/2 frame by frame: the first request is treated as the test says, the others are
// answered.
type framed struct {
	url      string
	requests atomic.Int64
}

// treat does something to the stream of the first request instead of answering it; false ends the connection.
type treat func(f *http2.Framer, stream uint32) (goOn bool)

func (w *world) framed(first treat) *framed {
	config := w.authority.server(w.t, "lab")
	config.NextProtos = []string{"h2"}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = listener.Close() })
	s := &framed{url: "https://" + listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go s.serve(conn, first)
		}
	}()
	return s
}

func (s *framed) serve(conn net.Conn, first treat) {
	defer conn.Close()
	f := http2.NewFramer(conn, conn)
	if f.WriteSettings() != nil {
		return
	}
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		if settings, ok := frame.(*http2.SettingsFrame); ok && !settings.IsAck() {
			_ = f.WriteSettingsAck()
		}
		data, ok := frame.(*http2.DataFrame)
		if !ok || !data.StreamEnded() {
			continue
		}
		if s.requests.Add(1) > 1 {
			respond(f, data.StreamID)
		} else if !first(f, data.StreamID) {
			return
		}
	}
}

func respond(f *http2.Framer, stream uint32) {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{{":status", "200"}, {"content-type", "application/json"}, {"rpc-version", "1"}} {
		_ = encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true})
	_ = f.WriteData(stream, true, []byte("{}"))
}

func reset(code http2.ErrCode) treat {
	return func(f *http2.Framer, stream uint32) bool { return f.WriteRSTStream(stream, code) == nil }
}

func goAway(last uint32, code http2.ErrCode) treat {
	return func(f *http2.Framer, _ uint32) bool { return f.WriteGoAway(last, code, nil) == nil }
}

// What the callee says it has not taken is sent again; of everything else nobody knows.
func TestOnlyARequestThatWasNotTakenIsRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		first treat
		taken bool
	}{
		"refused stream":       {reset(http2.ErrCodeRefusedStream), false},
		"going away before it": {goAway(0, http2.ErrCodeNo), false},
		"going away after it": {func(f *http2.Framer, stream uint32) bool {
			_ = f.WriteGoAway(stream, http2.ErrCodeNo, nil)
			return false
		}, true},
		"going away because of an error":  {goAway(0, http2.ErrCodeProtocol), true}, // net/http does not say of the first stream that it was not taken
		"reset as a protocol error":       {reset(http2.ErrCodeProtocol), true},
		"reset as cancelled":              {reset(http2.ErrCodeCancel), true},
		"reset without an error":          {reset(http2.ErrCodeNo), true},
		"reset because of too many calls": {reset(http2.ErrCodeEnhanceYourCalm), true},
		"the connection ends":             {func(*http2.Framer, uint32) bool { return false }, true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, op := range []*rpc.Op[lab, sample, sample]{once, again} {
				w := newWorld(t)
				s := w.framed(c.first)
				_, err := op.Call(t.Context(), w.connTo("gateway", s.url, w.transport("gateway")), sample{})
				repeats := !c.taken || op.Row().Retry == rpc.Idempotent
				switch {
				case repeats && (err != nil || s.requests.Load() != 2 || w.profile.Attached() != 2):
					t.Errorf("%s: %v, sent %d times with %d proofs", op.Row().Name, err, s.requests.Load(), w.profile.Attached())
				case !repeats && (fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "it is not known") || s.requests.Load() != 1):
					t.Errorf("%s: %v, sent %d times", op.Row().Name, err, s.requests.Load())
				}
			}
		})
	}
}

// A call that is sent into a callee's shutdown is taken and answered, or it is not taken and executed nowhere.
func TestAShutdownOfTheCalleeLeavesNoDoubt(t *testing.T) {
	w := newWorld(t).start()
	conn := w.conn("gateway")
	done := make(chan error, 400)
	for i := range 400 {
		if i == 100 {
			go func() { _ = w.server.Config.Shutdown(t.Context()) }()
		}
		go func() { _, err := once.Call(t.Context(), conn, sample{ID: "shutdown"}); done <- err }()
	}
	answered := 0
	for range 400 {
		if err := <-done; err == nil {
			answered++
		} else if strings.Contains(err.Error(), "it is not known") {
			t.Error(err)
		}
	}
	if executed := w.service.times("shutdown"); executed != answered {
		t.Errorf("%d calls were answered, %d executed", answered, executed)
	}
	t.Logf("%d of 400 calls were answered before the end", answered)
}
