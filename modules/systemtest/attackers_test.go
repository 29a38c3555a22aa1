package systemtest

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"oms/modules/order"
	"oms/modules/sts"
	"oms/modules/system"
	"oms/platform/fault"
	"oms/platform/httprpc"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/secret"
	"oms/platform/trust"
	"oms/platform/trust/exchange"
	"oms/platform/trust/peer"
	"oms/platform/trust/transaction"
)

// attacker has a workload's certificate, and its own keys where the profile gives it any. He proves himself as that workload
// does, with the product's own profile.
type attacker struct {
	*deployment
	workload string
	profile  trust.Profile
}

func (d *deployment) attacker(workload, profile string) attacker {
	d.Helper()
	options := trust.Options{
		Domain: d.config.Trust.Domain, Now: time.Now, Revocations: &trust.Revocations{},
		Workloads: []string{workload}, KeyFile: func(workload string) string { return system.KeyFile(d.config, workload) },
		STS: func(workload string) trust.TokenService {
			conn := httprpc.NewConn(httprpc.ConnOptions{
				Caller: workload, Callee: "sts", URL: "https://" + d.addressOf("sts"), Log: slog.New(slog.DiscardHandler),
				Transport: d.callerWith("sts", d.certificateOf(workload)).client.Transport,
			})
			return system.TokenService{STS: sts.Client{Conn: conn}, Domain: d.config.Trust.Domain}
		},
	}
	t := attacker{d, workload, transaction.New(options)}
	switch profile {
	case "exchange":
		t.profile = exchange.New(options)
	case "peer":
		peer, err := peer.New(options)
		if err != nil {
			d.Fatal(err)
		}
		t.profile = peer
	}
	return t
}

// recorded is a whole request, as it travels.
type recorded struct {
	callee, operation string
	header            http.Header
	body              string
}

// meet makes the first call of a peer, to learn what the callee wants to find in its proofs since it was started.
func (t attacker) meet(callee string) {
	t.Helper()
	if t.profile.Name() != "peer" {
		return
	}
	ctx := identity.With(t.Context(), identity.Principal{Transaction: attackedTransaction})
	c := &rpc.Call{Operation: callee + ".Nothing", Caller: t.workload, Callee: callee, Header: http.Header{}, Digest: sha256.Sum256([]byte("{}"))}
	if err := t.profile.Attach(ctx, c); err != nil {
		t.Fatal(err)
	}
	got := t.callerWith(callee, t.certificateOf(t.workload)).send(c.Operation, "{}", func(r *http.Request) { maps.Copy(r.Header, c.Header) })
	var said fault.Problem
	if err := json.Unmarshal([]byte(got.Body), &said); err != nil {
		t.Fatal(err)
	}
	refusal, _ := said.Fault()
	t.profile.Refused(ctx, c, refusal)
}

var errRecorded = errors.New("the request was kept and not sent")

// record has a call made for whom user stands for, and keeps its request instead of sending it. err is why there is none.
func (t attacker) record(callee string, user identity.Credential, call func(context.Context, rpc.Conn) error) (kept recorded, err error) {
	t.Helper()
	t.meet(callee)
	conn := httprpc.NewConn(httprpc.ConnOptions{
		Caller: t.workload, Callee: callee, URL: "https://" + t.addressOf(callee), Profile: t.profile, Log: slog.New(slog.DiscardHandler),
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			text, err := io.ReadAll(r.Body)
			if kept.header == nil {
				kept = recorded{callee, strings.TrimPrefix(r.URL.Path, "/rpc/"), r.Header.Clone(), string(text)}
			}
			return nil, errors.Join(errRecorded, err)
		}),
	})
	ctx := identity.With(t.Context(), identity.Principal{Transaction: attackedTransaction})
	err = call(identity.WithCredential(ctx, user), conn)
	if kept.header != nil {
		err = nil
	}
	return kept, err
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// attackedTransaction is the transaction that the requests belong to.
const attackedTransaction = "0123456789abcdef0123456789abcdef"

// exactly sends a request as it was recorded.
func (k recorded) exactly(r *http.Request) { r.Header = k.header.Clone() }

// accessToken is what a user brings.
func accessToken(raw string) identity.Credential {
	return identity.Credential{Kind: identity.EdgeToken, Text: secret.Text(raw)}
}

// createOrder orders one Sony WH-1000XM4, another one each time it is executed.
func createOrder(ctx context.Context, conn rpc.Conn) error {
	_, err := order.Client{Conn: conn}.Create(ctx, order.CreateRequest{Name: "Replayed", Items: []order.Item{{Category: "electronics", Code: "SOWH1000XM4", Qty: 1}}})
	return err
}

// withOneCharacterChanged is a token or a text with another character in the middle.
func withOneCharacterChanged(text string) string {
	at := len(text) / 2
	other := "A"
	if text[at] == 'A' {
		other = "B"
	}
	return text[:at] + other + text[at+1:]
}

// expectProofRefused fails the test unless the answer says that the proof does not hold.
func (p *caller) expectProofRefused(what string, got Reply, why string) {
	p.Helper()
	p.expectRefused(what, got, 401, "unauthenticated", why)
	var said problem
	_ = json.Unmarshal([]byte(got.Body), &said)
	if !strings.HasSuffix(said.Type, rpc.ProofRefused) {
		p.Errorf("%s: a caller cannot tell that nothing was executed: %s", what, got.Body)
	}
	p.Logf("%s: %d, %s", what, got.Status, said.Detail)
}

// impersonate answers at an address with a certificate, says where that is, and counts what it is told.
func (d *deployment) impersonate(address string, certificate *tls.Certificate) (at string, told *atomic.Int64) {
	d.Helper()
	told = new(atomic.Int64)
	at = d.answerAt(address, certificate, func(w http.ResponseWriter, _ *http.Request) {
		told.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Rpc-Version", "1")
		_, _ = w.Write([]byte(`{"outcome":"reserved"}`))
	})
	return at, told
}

// answerAt answers at an address with a certificate, in whatever way, and says where that is.
func (d *deployment) answerAt(address string, certificate *tls.Certificate, handle http.HandlerFunc) (at string) {
	d.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		d.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handle)
	server.Listener, server.EnableHTTP2 = listener, true
	server.TLS = &tls.Config{Certificates: []tls.Certificate{*certificate}, ClientAuth: tls.RequestClientCert, NextProtos: []string{"h2"}}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	server.StartTLS()
	d.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return listener.Addr().String()
}
