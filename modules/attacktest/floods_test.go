package attacktest

import (
	"fmt"
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

// flood writes frames until the server ends the connection, and connects again.
func (a *assault) flood(frame func(f *framed, i uint32) error) string {
	frames, connections := 0, either(5, 50)
	many(connections, 5, func(int) {
		f, err := a.frames("gateway", attackersAddress)
		if err != nil {
			return
		}
		written := 0
		for i := range uint32(either(2000, 50_000)) {
			if f.do(func() error { return frame(f, i) }) != nil {
				break
			}
			written++
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		frames += written
	})
	a.honest.goOn(3)
	return fmt.Sprintf("%d frames on %d connections", frames, connections)
}
