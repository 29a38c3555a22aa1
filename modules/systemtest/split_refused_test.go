package systemtest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/platform/token"
)

// tool says where a program of everybody's is, which knows nothing of this system.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	need(t, err == nil, name, "install Debian's package "+name)
	return path
}

// ask runs a program and gives all that it said.
func (s *split) ask(input, program string, args ...string) (said string, err error) {
	ctx, cancel := context.WithTimeout(s.Context(), 20*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, program, args...)
	command.Stdin = strings.NewReader(input)
	text, err := command.CombinedOutput()
	return string(text), err
}

// credential is a certificate that must not open a module's door.
type credential struct {
	name        string
	certificate *tls.Certificate
	why         string // what the log says
}

// strangers are those who must not come in, although some of them were signed by the installation's own root.
func (s *split) strangers() []credential {
	s.Helper()
	domain := s.config.Trust.Domain
	foreign := mint(s, domain, nil, nil, func(c *x509.Certificate) {
		c.URIs, c.IsCA, c.KeyUsage = []*url.URL{{Scheme: "spiffe", Host: domain}}, true, x509.KeyUsageCertSign
	})
	foreignRoot, foreignKey := foreign.Leaf, privateKey(s, foreign)
	return []credential{
		{"self-signed with the right name", mint(s, domain, nil, nil, nil), "is not signed by a root"},
		{"another installation's", mint(s, domain, foreignRoot, foreignKey, nil), "is not signed by a root"},
		{"expired", s.minted(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(-time.Minute)
		}), "has expired"},
		{"two names", s.minted(func(c *x509.Certificate) {
			c.URIs = append(c.URIs, &url.URL{Scheme: "spiffe", Host: domain, Path: "/gateway"})
		}), "it has 2 names"},
		{"for servers only", s.minted(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] }), "is not for this side of a connection"},
		{"of the public listener", s.stolen("public"), "the certificate proves nobody"},
	}
}

// everyModule are those with a port of their own.
var everyModule = parts[:3]

func TestToolsAreRefusedAtTheDoorsOfModules(t *testing.T) {
	openssl, curl := tool(t, "openssl"), tool(t, "curl")
	s := openSplit(t)
	refused := func(what, said string, err error) { // curl may find the connection closed before it has read why
		t.Helper()
		if err == nil || strings.Contains(said, "HTTP/") || strings.HasPrefix(what, "openssl") && !strings.Contains(said, "SSL alert number") {
			t.Errorf("%s: %v\n%s", what, err, said)
		}
	}
	const request = "GET /rpc/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for _, module := range everyModule {
		for _, c := range s.strangers() {
			cert, key := files(t, c.certificate)
			before := len(s.lines(module, "a connection was refused", c.why))
			said, err := s.ask(request, openssl, "s_client", "-ign_eof", "-connect", s.at(module), "-cert", cert, "-cert_chain", cert, "-key", key)
			refused("openssl, "+module+", "+c.name, said, err)
			said, err = s.ask("", curl, "-sSik", "--max-time", "10", "--cert", cert, "--key", key, "https://"+s.at(module)+"/rpc/")
			refused("curl, "+module+", "+c.name, said, err)
			if after := len(s.lines(module, "level=WARN", "a connection was refused", "from=127.0.0.1:", c.why)); after != before+2 {
				t.Errorf("%s, %s: %d lines of the log, want %d", module, c.name, after, before+2)
			}
		}
		cert, key := files(t, s.stolen("order"))
		said, err := s.ask(request, openssl, "s_client", "-ign_eof", "-tls1_2", "-connect", s.at(module), "-cert", cert, "-key", key)
		refused("openssl, TLS 1.2, "+module, said, err)
		s.logged(module, "a connection was refused", "the client does not speak TLS 1.3")

		// The handshake of somebody who may come in says what the others were refused for: nothing else was wrong.
		resumed := filepath.Join(t.TempDir(), "session.pem")
		said, err = s.ask(request, openssl, "s_client", "-ign_eof", "-connect", s.at(module), "-cert", cert, "-key", key, "-sess_out", resumed)
		if err != nil || !strings.Contains(said, "HTTP/1.1 ") || !strings.Contains(said, "New, TLSv1.3") {
			t.Errorf("%s: the right certificate: %v\n%s", module, err, said)
		}
		if _, err := os.Stat(resumed); err == nil || strings.Contains(said, "Post-Handshake New Session Ticket") {
			t.Errorf("%s: there is a session to resume: %s", module, said)
		}
	}
	for _, module := range []string{"inventory", "order"} {
		said, err := s.ask(request, openssl, "s_client", "-ign_eof", "-connect", s.at(module))
		refused("openssl, no certificate, "+module, said, err)
		said, err = s.ask("", curl, "-sSik", "--max-time", "10", "https://"+s.at(module)+"/rpc/")
		refused("curl without a certificate, "+module, said, err)
		s.logged(module, "a connection was refused", "no certificate was presented")
	}
}

// The STS lets whoever has no certificate ask for one, and for nothing else.
func TestAStrangerReachesEnrolmentAlone(t *testing.T) {
	s := openSplit(t)
	stranger := s.posing("sts", nil)
	for _, operation := range sts.Operations.Operations() {
		name := operation.Row().Name
		got := stranger.send(name, `{"join_token":"order.x.y","request":""}`, bearer(s.token("admin")))
		if name == "sts.Enrol" {
			stranger.mustRefuse(name, got, 401, "unauthenticated", "The join token does not hold")
			continue
		}
		stranger.mustRefuse(name, got, 403, "permission_denied", "stranger may not call "+name)
		s.logged("sts", "decision", "operation="+name, "caller=stranger", "reason=caller_not_listed")
	}
	stranger.mustRefuse("an unknown operation", stranger.send("sts.Nothing", "{}"), 501, "unimplemented", "")
	for _, path := range []string{"/oauth2/sign-in", "/oauth2/jwks", "/oauth2/none"} {
		for who, p := range map[string]*caller{"nobody": stranger, "order": s.posing("sts", s.stolen("order")), "inventory": s.posing("sts", s.stolen("inventory"))} {
			r, err := http.NewRequest(http.MethodGet, "https://"+s.at("sts")+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Client-Address", "127.0.0.1:1")
			if got, err := fetch(p.client, r); err != nil || got.status != 403 || !strings.Contains(got.body, "through the gateway") {
				t.Errorf("%s as %s: %v %v", path, who, got, err)
			}
		}
	}
	s.logged("sts", "level=WARN", "the STS's pages are for the gateway", "peer=order")
	s.logged("sts", "level=WARN", "the STS's pages are for the gateway", "peer=stranger")
}

func TestACallWithoutItsProofIsRefused(t *testing.T) {
	s := openSplit(t)
	asOrder, asGateway := s.posing("inventory", s.stolen("order")), s.posing("inventory", s.stolen("gateway"))
	own := func(workload, callee string) string {
		return gives[sts.WorkloadToken](s.posing("sts", s.stolen(workload)), "sts.WorkloadToken", sts.WorkloadTokenRequest{Audience: s.id(callee)}).AccessToken.Reveal()
	}
	good, gateways := own("order", "inventory"), own("gateway", "inventory")
	f := newForge(s.edge)
	head, payload := claims{"alg": "ES256", "kid": f.key.ID(), "typ": "workload+jwt"}, claims{
		"iss": s.id("sts"), "sub": s.id("order"), "client_id": s.id("order"), "aud": s.id("inventory"), "jti": "1",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
	}
	const request = `{"key":"stolen","revision":1,"lines":[{"category":"electronics","code":"SOWH1000XM4","quantity":1}],"by":"x"}`
	reserve := func(options ...option) reply { return asOrder.send("inventory.Reserve", request, options...) }
	mine := newKey(t, token.ES256)

	for what, c := range map[string]struct {
		bearer, why string
	}{
		"an edge token":             {s.token("admin"), "does not hold here"},
		"a token for another":       {f.own(head, payload.with(claims{"aud": s.id("sts")})), "does not hold here"},
		"a token of another":        {gateways, "proof was issued to gateway, and the certificate is that of order"},
		"signed by somebody":        {sign(mine, head.with(claims{"kid": mine.ID()}), payload), "does not hold here"},
		"signed with our kid":       {sign(mine, head, payload), "does not hold here"},
		"of a user without act":     {f.own(head.with(claims{"typ": "internal+jwt"}), payload.with(claims{"sub": "admin"})), "does not hold here"},
		"of a user, as a workload":  {f.own(head, payload.with(claims{"sub": "admin"})), "does not hold here"},
		"an edge type":              {f.own(head.with(claims{"typ": "at+jwt"}), payload), "does not hold here"},
		"of another domain":         {f.own(head, payload.with(claims{"client_id": "spiffe://x/order", "sub": "spiffe://x/order"})), "does not hold here"},
		"of the public issuer":      {f.own(head, payload.with(claims{"iss": s.config.Server.PublicURL})), "does not hold here"},
		"for several":               {f.own(head, payload.with(claims{"aud": []string{s.id("inventory"), s.id("order")}})), "does not hold here"},
		"expired":                   {f.own(head, payload.with(claims{"iat": time.Now().Add(-time.Hour).Unix(), "exp": time.Now().Add(-time.Minute).Unix()})), "does not hold here"},
		"of a life without an end":  {f.own(head, payload.with(claims{"exp": time.Now().Add(48 * time.Hour).Unix()})), "does not hold here"},
		"nothing":                   {"", "no bearer token"},
		"no token":                  {"x", "does not hold here"},
		"the token twice in a line": {good + ", Bearer " + good, "does not hold here"},
	} {
		asOrder.mustRefuse(what, reserve(bearer(c.bearer)), 401, "unauthenticated", c.why)
	}
	asOrder.mustRefuse("no token", reserve(), 401, "unauthenticated", "The call has 0 Authorization headers")
	asOrder.mustRefuse("two tokens", reserve(bearer(good), header("Authorization", "Bearer "+gateways)), 401, "unauthenticated", "The call has 2 Authorization headers")
	asOrder.mustRefuse("a token in the URL", reserve(func(r *http.Request) { r.URL.RawQuery = "access_token=" + good }), 401, "unauthenticated", "0 Authorization headers")
	if got, err := asOrder.try("inventory.Reserve", request, func(r *http.Request) {
		r.Trailer = http.Header{"Authorization": {"Bearer " + good}}
		r.ContentLength, r.GetBody = -1, nil
	}); err == nil {
		t.Errorf("a token behind the body: %d %s", got.status, got.body)
	}
	for _, why := range []string{"does not hold here", "proof was issued to gateway", "The call has 2 Authorization headers"} {
		s.logged("inventory", "level=WARN", "a call was refused: its proof does not hold", "peer=order", why)
	}
	s.logged("inventory", "msg=decision", "reason=not_proven", "caller=order")

	asGateway.mustRefuse("the gateway", asGateway.send("inventory.Reserve", request, bearer(gateways)), 403, "permission_denied", "gateway may not call inventory.Reserve.")
	s.logged("inventory", "msg=decision", "operation=inventory.Reserve", "caller=gateway", "reason=caller_not_listed")
	asOrder.mustRefuse("a manager's work", asOrder.send("inventory.Adjust", "{}", bearer(good), header("Txn-Token", s.token("admin"))), 403, "permission_denied", "order may not call inventory.Adjust.")

	// The head of a request is judged before anything else of it.
	for what, c := range map[string]struct {
		spoil  option
		status int
		code   string
		detail string
	}{
		"an unknown operation": {func(r *http.Request) { r.URL.Path = "/rpc/inventory.Drop" }, 501, "unimplemented", `has no operation "inventory.Drop"`},
		"another module's":     {func(r *http.Request) { r.URL.Path = "/rpc/order.Create" }, 501, "unimplemented", "has no operation"},
		"GET":                  {func(r *http.Request) { r.Method, r.Body, r.ContentLength = http.MethodGet, nil, 0 }, 405, "method_not_allowed", "with POST"},
		"another version":      {setHeader("Rpc-Version", "2"), 501, "unimplemented", `is in version "2"`},
		"no version":           {setHeader("Rpc-Version", ""), 501, "unimplemented", `is in version ""`},
		"no timeout":           {func(r *http.Request) { r.Header.Del("Rpc-Timeout") }, 400, "malformed", "how many milliseconds"},
		"a negative timeout":   {setHeader("Rpc-Timeout", "-1"), 400, "malformed", "how many milliseconds"},
		"no time":              {setHeader("Rpc-Timeout", "0"), 400, "malformed", "how many milliseconds"},
		"a huge timeout":       {setHeader("Rpc-Timeout", "99999999999999999999"), 400, "malformed", "how many milliseconds"},
		"a timeout of words":   {setHeader("Rpc-Timeout", "1e3"), 400, "malformed", "how many milliseconds"},
		"too much":             {body(strings.Repeat(" ", 4<<20) + request), 413, "too_large", "larger than 4 MiB"},
		"too much, unsaid":     {func(r *http.Request) { body(strings.Repeat(" ", 4<<20) + request)(r); r.ContentLength = -1 }, 413, "too_large", "larger than 4 MiB"},
	} {
		asOrder.mustRefuse(what, reserve(bearer(good), c.spoil), c.status, c.code, c.detail)
		if strings.Contains(c.detail, "no operation") {
			s.logged("inventory", "msg=decision", "operation=unknown", "caller=order", "reason=unknown_operation")
			continue
		}
		s.logged("inventory", "level=WARN", "a call was refused", "peer=order", `reason="`+c.code)
	}

	if stock := s.available(sony); stock != 75 {
		t.Errorf("%d in stock: something was executed", stock)
	}
	// What a caller says beside its proof is nobody's word.
	if got := reserve(bearer(good), setHeader("Subject", "admin"), setHeader("Txn-Token", good), setHeader("X-Forwarded-User", "admin"), setHeader("Workload", "gateway")); got.status != 200 {
		t.Errorf("with everything in place: %d %s", got.status, got.body)
	}
	s.logged("inventory", "msg=decision", "operation=inventory.Reserve", "caller=order", `subject=""`, "reason=allowed")
	if bytes.Contains([]byte(s.logs["inventory"].String()), []byte("caller=workload")) {
		t.Error("a header was believed")
	}
}

func setHeader(name, value string) option {
	return func(r *http.Request) { r.Header.Set(name, value) }
}
