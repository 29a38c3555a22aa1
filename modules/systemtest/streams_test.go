package systemtest

import (
	"bytes"
	"crypto/tls"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A refusal answers a request whose body nobody reads. The stream must end with the answer and not with a reset behind
// it, which makes clients that are still sending lose the answer (RFC 9113 section 8.1).
func TestARefusalIsHeardByWhoIsStillSending(t *testing.T) {
	d := open(t)
	connection, err := tls.Dial("tcp", d.address, &tls.Config{RootCAs: d.roots, ServerName: "localhost", NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := connection.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(connection, connection)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(framer.WriteSettings())
	const refusals = 20
	for i := range refusals {
		stream := uint32(2*i + 1)
		var head bytes.Buffer
		encoder := hpack.NewEncoder(&head)
		for _, field := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", "/order"}, {"content-type", "application/json"}} {
			must(encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}))
		}
		encoder.SetMaxDynamicTableSize(0)
		must(framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: head.Bytes(), EndHeaders: true}))
		pingPong(t, framer, byte(2*i)) // the server has the head, and could answer
		must(framer.WriteData(stream, true, []byte(orderBody("refused"))))
		pingPong(t, framer, byte(2*i+1))
	}
	t.Logf("%d refusals", refusals)
}

// pingPong waits for the answer to a ping, and fails where a stream is reset before it.
func pingPong(t *testing.T, framer *http2.Framer, number byte) {
	t.Helper()
	if err := framer.WritePing(false, [8]byte{number}); err != nil {
		t.Fatal(err)
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch frame := frame.(type) {
		case *http2.RSTStreamFrame:
			t.Fatalf("stream %d was reset: %v", frame.StreamID, frame.ErrCode)
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				if err := framer.WriteSettingsAck(); err != nil {
					t.Fatal(err)
				}
			}
		case *http2.PingFrame:
			if frame.IsAck() && frame.Data[0] == number {
				return
			}
		}
	}
}
