package systemtest_test

import (
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"oms/modules/sts"
)

// A connection that was opened in time outlives what its certificate is worth, and is of no use then.
func TestAKeptConnectionIsWorthWhatItsCertificateIs(t *testing.T) {
	for what, end := range map[string]func(s *split){
		"the certificate expires": func(*split) {},
		"the root is replaced": func(s *split) {
			s.rotateRoot(2*time.Second, 2*time.Second)
		},
		"the workload is removed": func(s *split) {
			s.removeWorkload("order")
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := openSplit(t)
			certificate := s.stolen("order")
			if strings.HasSuffix(what, "expires") {
				certificate = s.minted(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(3 * time.Second) })
			}
			at := map[string]*caller{}
			for _, module := range everyModule {
				at[module] = s.posing(module, certificate)
			}
			ask := map[string]string{"sts": "sts.Keys", "inventory": "inventory.List", "order": "order.List"}
			const over = "The certificate of the connection is not accepted"
			for module, p := range at {
				if got := p.send(ask[module], "{}"); strings.Contains(strings.ToLower(got.body), strings.ToLower(over)) {
					t.Fatalf("%s, before: %d %s", module, got.status, got.body)
				}
			}
			end(s)
			for module, p := range at {
				if module == "order" && strings.HasSuffix(what, "removed") {
					continue // whoever is removed hears nothing any more, also not about itself
				}
				if !soon(func() bool {
					got, err := p.try(ask[module], "{}")
					return err == nil && got.status == 401 && strings.Contains(strings.ToLower(got.body), strings.ToLower(over))
				}) {
					t.Errorf("%s still serves the connection", module)
				}
				s.logged(module, "level=WARN", "the peer's certificate is not accepted")
				if _, err := s.posing(module, certificate).try(ask[module], "{}"); err == nil {
					t.Errorf("%s opens another connection", module)
				}
			}
		})
	}
}

// A callee that does not answer, or not as it should, costs its callers their deadline and no more.
func TestACalleeThatDoesNotAnswerCostsADeadline(t *testing.T) {
	trickle := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Rpc-Version", "1")
		for r.Context().Err() == nil {
			if _, err := w.Write([]byte(" ")); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	huge := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Rpc-Version", "1")
		for part := []byte(strings.Repeat(" ", 1<<20)); ; {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	}
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for what, handle := range map[string]http.HandlerFunc{"says nothing": silent, "trickles": trickle, "never ends": huge, "never greets": nil} {
		t.Run(what, func(t *testing.T) {
			s := openSplit(t)
			s.stop("inventory")
			if handle != nil {
				s.captured(s.at("inventory"), s.stolen("inventory"), handle)
			} else {
				listener, err := net.Listen("tcp", s.at("inventory"))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = listener.Close() }) // it accepts, and that is all
			}
			started := time.Now()
			if got := s.do("GET", "/inventory"); got.status < 500 {
				t.Errorf("%d %s", got.status, got.body)
			}
			if took := time.Since(started); took > 4*time.Second {
				t.Errorf("reading the inventory took %s, and its timeout is 2 s", took)
			}
			started = time.Now()
			if got := s.do("POST", "/order", bearer(s.token("alice")), body(anOrder("waiting"))); got.status < 500 {
				t.Errorf("%d %s", got.status, got.body)
			}
			if took := time.Since(started); took > 8*time.Second {
				t.Errorf("an order took %s, and its timeout is 5 s", took)
			}
			s.wants(s.do("GET", "/order/waiting", bearer(s.token("alice"))), 200)
		})
	}
}

// CWE-532, in every process: whoever reads the logs may act for nobody.
func TestTheLogsOfAllProcessesHoldNoCredential(t *testing.T) {
	s := openSplit(t)
	secrets := map[string]string{}
	joining := s.joinToken("order")
	secrets["a join token"] = strings.Split(joining.Reveal(), ".")[1]
	stranger := s.posing("sts", nil)
	for _, request := range [][]byte{nil, s.request("order", nil), s.request("order", nil)} {
		stranger.send("sts.Enrol", asText(t, sts.EnrolRequest{JoinToken: joining, Request: request}))
	}
	for _, module := range parts {
		text, err := os.ReadFile(filepath.Join(s.config.DataDir, "pki", module+".pem"))
		if err != nil {
			t.Fatal(err)
		}
		secrets["the key of "+module] = strings.Split(string(text), "\n")[1]
	}
	alice := s.token("alice")
	s.place("logged", alice)
	session := s.signedIn("alice")
	s.wants(s.do("GET", "/ui/orders", withCookies(session)), 200)
	s.do("POST", "/oauth2/sign-in", setHeader("Content-Type", "application/x-www-form-urlencoded"),
		body(url.Values{"name": {"alice"}, "password": {"a wrong password"}}.Encode()))
	s.do("GET", "/oauth2/sign-in?access_token="+alice)
	s.do("GET", "/order", bearer(alice+"x"))
	captured := s.posing("sts", s.stolen("order"))
	captured.send("sts.Exchange", exchanging(s, sts.AccessToken, alice, s.id("inventory")))
	captured.send("sts.Exchange", exchanging(s, alice, alice, alice))
	captured.send(alice, "{}", bearer(alice))
	s.posing("inventory", s.stolen("order")).send("inventory.Reserve", `{"join_token":"`+alice+`"`, bearer(alice))
	s.wants(s.do("POST", "/oauth2/logout", withCookies(session)), 303)
	secrets["a session"], secrets["a password"], secrets["a wrong password"] = session.Value, "alice-demo", "a wrong password"
	anyToken := regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.eyJ`)
	for _, module := range parts {
		log := s.logs[module].String()
		for what, text := range secrets {
			if strings.Contains(log, text) {
				t.Errorf("the log of %s holds %s", module, what)
			}
		}
		for line := range strings.Lines(log) {
			if anyToken.MatchString(line) {
				t.Errorf("the log of %s holds a token: %.300s", module, line)
			}
		}
	}
}
