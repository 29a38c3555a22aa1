package lifecycle_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"oms/platform/connections"
	"oms/platform/limits"
)

// A connection that waits makes room for a new one; one with a request under way does not, and then the new one is closed.
func TestRoomIsMadeByConnectionsThatWait(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s, address := server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			entered <- struct{}{}
			<-release
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	table := connections.New(connections.Bounds{All: 2, Strangers: 2, PerAddress: 2, Address: func(a net.Addr) string { return limits.AddressKey(a.String()) }})
	s.Connections = table
	run(t, time.Minute, s.Part())
	at := (<-address).String()
	dial := func() (net.Conn, *bufio.Reader) {
		conn, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn, bufio.NewReader(conn)
	}
	ask := func(conn net.Conn, path string) {
		_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n") // where it is closed already, there is no answer
	}
	answered := func(reader *bufio.Reader) bool {
		response, err := http.ReadResponse(reader, nil)
		if err == nil {
			_ = response.Body.Close()
		}
		return err == nil && response.StatusCode == http.StatusNoContent
	}
	working, answer := dial()
	ask(working, "/slow")
	<-entered
	waiting, first := dial()
	ask(waiting, "/")
	if !answered(first) {
		t.Fatal("the second connection is not served")
	}
	fresh, second := dial() // takes the place of the one that waits, as soon as the server has noticed that it does
	refused := 0
	for ask(fresh, "/"); !answered(second); ask(fresh, "/") {
		if refused++; t.Context().Err() != nil || refused == 1000 {
			t.Fatal("the third connection is not served")
		}
		fresh, second = dial()
	}
	if _, err := first.ReadByte(); err == nil {
		t.Error("the connection that waited is still there")
	}
	ask(fresh, "/slow")
	<-entered
	_, none := dial()
	if _, err := none.ReadByte(); err == nil {
		t.Error("a connection beyond the bound is served")
	}
	close(release)
	if !answered(answer) || !answered(second) {
		t.Error("requests under way were cut off")
	}
	if got := table.Counts(); got.Evicted != 1 || got.Refused != refused+1 {
		t.Errorf("%+v", got)
	}
}

// The frames of HTTP/2 are small, and so are the promises: CVE-2019-9517 and the like live on what a server has to hold.
func TestSettingsOfHTTP2(t *testing.T) {
	source, roots := certificate(t)
	s, address := server(http.NotFoundHandler())
	s.TLS = &tls.Config{GetCertificate: source, MinVersion: tls.VersionTLS12}
	run(t, time.Minute, s.Part())
	conn, err := tls.Dial("tcp", (<-address).String(), &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	framer := http2.NewFramer(conn, conn)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	frame, err := framer.ReadFrame()
	settings, ok := frame.(*http2.SettingsFrame)
	if err != nil || !ok {
		t.Fatal(frame, err)
	}
	for id, most := range map[http2.SettingID]uint32{
		http2.SettingMaxFrameSize: 64 << 10, http2.SettingMaxConcurrentStreams: 100, http2.SettingInitialWindowSize: 64 << 10, http2.SettingMaxHeaderListSize: 65 << 10,
	} {
		if value, set := settings.Value(id); !set || value > most {
			t.Errorf("%s is %d (%t), want at most %d", id, value, set, most)
		}
	}
	if err := framer.WriteRawFrame(0x42, 0, 0, make([]byte, 64<<10+1)); err != nil {
		t.Fatal(err)
	}
	for {
		frame, err := framer.ReadFrame()
		if away, ok := frame.(*http2.GoAwayFrame); ok && away.ErrCode == http2.ErrCodeFrameSize {
			return
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Log(err)
			}
			t.Fatal("a frame of more than 64 KiB is taken")
		}
	}
}
