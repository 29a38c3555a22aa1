package attacktest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
)

// Floods of frames that cost their sender nothing end with their connection: CONTINUATION (CVE-2023-45288),
// pings (CVE-2019-9512), settings (CVE-2019-9515), empty frames (CVE-2019-9518).
func TestFloodsOfFrames(t *testing.T) {
	run(t, []attack{
		flood("CONTINUATION", func(f *framed, i uint32) error {
			if i == 0 {
				return f.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: f.block("GET", "/inventory")})
			}
			return f.framer.WriteContinuation(1, false, append([]byte{0x40, 1, 'x', 0x7f, 0x81, 0x7f}, make([]byte, 16<<10-10)...))
		}),
		flood("CONTINUATION of nothing", func(f *framed, i uint32) error {
			if i == 0 {
				return f.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: f.block("GET", "/inventory")})
			}
			return f.framer.WriteContinuation(1, false, nil)
		}),
		flood("pings", func(f *framed, _ uint32) error { return f.framer.WritePing(false, [8]byte{}) }),
		flood("settings", func(f *framed, _ uint32) error {
			return f.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1})
		}),
		flood("empty DATA", func(f *framed, i uint32) error {
			if i == 0 {
				return f.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: f.block("POST", "/order"), EndHeaders: true})
			}
			return f.framer.WriteData(1, false, nil)
		}),
		flood("priorities", func(f *framed, i uint32) error {
			return f.framer.WritePriority(2*(i%1000)+1, http2.PriorityParam{StreamDep: 2*(i%999) + 3})
		}),
	})
}

// flood is an attack of frames that are written as fast as the server takes them.
func flood(name string, frame func(f *framed, i uint32) error) attack {
	return attack{name: name, send: func(a *assault) string { return a.flood(frame) }}
}

// flood writes frames as fast as the server takes them on a few connections, and connects again where it ends one.
func (a *assault) flood(frame func(f *framed, i uint32) error) string {
	var frames, connections atomic.Int64
	over := make(chan struct{})
	var flooding sync.WaitGroup
	for range either(5, 20) {
		flooding.Go(func() {
			for {
				f, err := a.frames("gateway", attackersAddress)
				if err == nil {
					connections.Add(1)
					frames.Add(f.fill(over, frame))
				}
				select {
				case <-over:
					return
				default:
				}
			}
		})
	}
	a.lasts()
	close(over)
	flooding.Wait()
	return fmt.Sprintf("%d frames on %d connections", frames.Load(), connections.Load())
}

// fill writes frames until the server ends the connection, or it is over.
func (f *framed) fill(over <-chan struct{}, frame func(f *framed, i uint32) error) (written int64) {
	var waiting sync.WaitGroup
	done := make(chan struct{})
	waiting.Go(func() {
		select {
		case <-over:
		case <-done:
		}
		_ = f.Close() // and what is being written ends
	})
	for f.do(func() error { return frame(f, uint32(written)) }) == nil {
		written++
	}
	close(done)
	waiting.Wait()
	return written
}
