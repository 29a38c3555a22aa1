package systemtest

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"oms/modules"
	"oms/modules/sts"
	"oms/platform/module"
)

// CWE-532, in every process: whoever reads the logs may act for nobody.
func TestTheLogsOfAllProcessesHoldNoCredential(t *testing.T) {
	d := openSplit(t)
	secrets := map[string]string{}
	joining := d.joinToken("order")
	secrets["a join token"] = strings.Split(joining.Reveal(), ".")[1]
	stranger := d.callerWith("sts", nil)
	for _, request := range [][]byte{nil, d.certificateRequest("order", nil), d.certificateRequest("order", nil)} {
		stranger.send("sts.Enrol", mustMarshal(t, sts.EnrolRequest{JoinToken: joining, Request: request}))
	}
	for _, name := range module.Names(modules.All) {
		text, err := os.ReadFile(filepath.Join(d.config.DataDir, "pki", name+".pem"))
		if err != nil {
			t.Fatal(err)
		}
		secrets["the key of "+name] = strings.Split(string(text), "\n")[1]
	}
	alice := d.token("alice")
	d.placeOrder("logged", alice)
	session := d.signIn("alice")
	d.expect(d.do("GET", "/ui/orders", withCookies(session)), 200)
	d.do("POST", "/oauth2/sign-in", setHeader("Content-Type", "application/x-www-form-urlencoded"),
		body(url.Values{"name": {"alice"}, "password": {"a wrong password"}}.Encode()))
	d.do("GET", "/oauth2/sign-in?access_token="+alice)
	d.do("GET", "/order", bearer(alice+"x"))
	captured := d.callerWith("sts", d.certificateOf("order"))
	captured.send("sts.Exchange", exchangeRequest(d, sts.AccessToken, alice, d.identityOf("inventory")))
	captured.send("sts.Exchange", exchangeRequest(d, alice, alice, alice))
	captured.send(alice, "{}", bearer(alice))
	d.callerWith("inventory", d.certificateOf("order")).send("inventory.Reserve", `{"join_token":"`+alice+`"`, bearer(alice))
	d.expect(d.do("POST", "/oauth2/logout", withCookies(session)), 303)
	secrets["a session"], secrets["a password"], secrets["a wrong password"] = session.Value, "alice-demo", "a wrong password"
	anyToken := regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.eyJ`)
	for _, name := range module.Names(modules.All) {
		log := d.log(name).String()
		for what, text := range secrets {
			if strings.Contains(log, text) {
				t.Errorf("the log of %s holds %s", name, what)
			}
		}
		for line := range strings.Lines(log) {
			if anyToken.MatchString(line) {
				t.Errorf("the log of %s holds a token: %.300s", name, line)
			}
		}
	}
}

// Strangers come as often as they like, and the log can still be opened.
func TestAFloodOfStrangersDoesNotFillTheLog(t *testing.T) {
	d := openSplit(t)
	const flood = 300
	together := func(do func(n int)) {
		var all sync.WaitGroup
		for worker := range 4 {
			all.Go(func() {
				for n := worker; n < flood; n += 4 {
					do(n)
				}
			})
		}
		all.Wait()
	}
	started := time.Now()
	stranger := d.callerWith("sts", nil)
	together(func(n int) {
		for _, operation := range []string{"sts.Exchange", "sts.Nothing", "sts.Enrol"} {
			options := []option{}
			if n%2 == 0 {
				options = append(options, setHeader("Rpc-Version", strings.Repeat("9", 1000)))
			}
			_, _ = stranger.try(operation, `{"join_token":"order.x.y"}`, options...)
		}
		if r, err := http.NewRequest(http.MethodGet, "https://"+d.addressOf("sts")+"/oauth2/jwks", nil); err == nil {
			_, _ = Fetch(stranger.client, r)
		}
		for _, module := range []string{"inventory", "order"} {
			conn, err := tls.Dial("tcp", d.addressOf(module), &tls.Config{InsecureSkipVerify: true})
			if err == nil {
				_, _ = conn.Read(make([]byte, 1)) // until it is told that it must not come in
				_ = conn.Close()
			}
		}
	})
	most := 20 + 5*(int(time.Since(started).Seconds())+1) // of one kind
	for _, module := range callees() {
		kinds := map[string]int{}
		for line := range strings.Lines(d.log(module).String()) {
			if _, rest, ok := strings.Cut(line, " level="); ok && !strings.HasPrefix(rest, "DEBUG") && !strings.Contains(line, "caller=gateway") {
				kinds[rest[:min(len(rest), 40)]]++
			}
			if len(line) > 2000 {
				t.Errorf("a line of %d bytes: %.200s", len(line), line)
			}
		}
		for kind, n := range kinds {
			if n > most {
				t.Errorf("%s: %d lines begin with %s", module, n, kind)
			}
		}
	}
	d.expectLogged("sts", "suppressed=")
	d.placeOrder("after-the-flood", d.token("alice"))
}

// The feed is read every second, and tokens are asked for all the time: an STS that is away is one line, and another when
// it is back.
func TestAnSTSThatIsAwayIsLoggedOnce(t *testing.T) {
	d := openSplit(t)
	d.stop("sts")
	for range 5 {
		d.expect(d.do("GET", "/order", bearer(d.token("alice"))), 503)
	}
	if lines := d.log("gateway").Lines("calls to a module fail", "callee=sts"); len(lines) != 1 {
		t.Errorf("%d lines, want 1: %q", len(lines), lines)
	}
	d.start("sts")
	d.expectLogged("gateway", "level=INFO", "calls to a module succeed again", "callee=sts")
}

// CWE-532: the log is read by people who may not act for the users in it.
func TestTheLogHoldsNoCredential(t *testing.T) {
	f := newTokenForger(open(t))
	good, bad := f.signedBySTS(f.header, f.claims), f.signedBySTS(f.header, f.claims.with(claims{"aud": "x"}))
	f.expectAccepted(good)
	f.expectRefused("another audience", bad)
	f.do("GET", "/order?access_token="+good)
	f.do("GET", "/none/"+good)
	f.do("GET", "/order", header("Authorization", "Basic YWxpY2U6YWxpY2UtZGVtbw=="))
	log := f.log("gateway").String()
	if !strings.Contains(log, "msg=request") {
		t.Fatalf("the log has no request: %s", log)
	}
	for _, raw := range []string{good, bad} {
		for _, part := range strings.Split(raw, ".")[1:] {
			if strings.Contains(log, part) {
				t.Errorf("the log holds a part of a token: %.20s", part)
			}
		}
	}
	for _, secret := range []string{"YWxpY2U6", "alice-demo", "access_token", "Bearer "} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}
