package command_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"oms/modules/systemtest"

	"github.com/rogpeppe/go-internal/testscript"
)

const (
	// changesWithin is longer than the shortest lifetime of a certificate (1m), and than a clock may differ that judges a
	// token's end (30 s).
	changesWithin = 90 * time.Second
)

// call is a request that a script describes.
type call struct {
	text        string // as the script has it
	method, url string
	token       string
	body        []byte
	form        bool // the body is a form, not JSON
	browser     http.CookieJar
	want        int
	shows       *regexp.Regexp // what the answer has to hold; nil is anything
	until       bool
}

func request(ts *testscript.TestScript, _ bool, args []string) {
	p := of(ts)
	c := parseCall(ts, args)
	client := newClient(ts, false)
	client.Jar = c.browser
	defer client.CloseIdleConnections()
	status, answer := c.send(ts, client)
	if c.until && !c.answered(status, answer) {
		eventually(ts, changesWithin, fmt.Sprintf("%s %s is answered %d as it should", c.method, c.url, c.want), func() bool {
			status, answer = c.send(ts, client)
			return c.answered(status, answer)
		})
	}
	p.record(ts, c.text, answer)
	switch {
	case status != c.want:
		ts.Fatalf("%s %s: %d, not %d\n%s", c.method, c.url, status, c.want, p.body)
	case !c.answered(status, answer):
		ts.Fatalf("%s %s does not show %s:\n%s", c.method, c.url, c.shows, answer)
	}
}

// answered reports whether the answer is the expected one.
func (c call) answered(status int, answer string) bool {
	return status == c.want && (c.shows == nil || c.shows.MatchString(answer))
}

// record appends an answer to the script's transcript. Of those to a repeated request, that is the last one: how many
// there were is chance.
func (p *script) record(ts *testscript.TestScript, request, answer string) {
	if p.transcript == "" {
		return
	}
	file, err := os.OpenFile(p.transcript, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = fmt.Fprintf(file, "> %s\n%s\n", request, alike(strings.ReplaceAll(answer, ts.Getenv("APP_SERVER__PUBLIC_URL"), "https://*")))
	ts.Check(errors.Join(err, file.Close()))
}

// chance is what no two runs have in common: transactions, entity tags (an order's hidden key is in them), times, cookies, and ids
// and keys that cannot be guessed.
var chance = []struct {
	*regexp.Regexp
	alike string
}{
	{regexp.MustCompile(`"trace_id":"[0-9a-f]{32}"`), `"trace_id":"*"`},
	{regexp.MustCompile(`Trace id <code>[0-9a-f]{32}<`), `Trace id <code>*<`},
	{regexp.MustCompile(`(?m)^Etag: "[0-9a-f]{16}"$`), `Etag: "*"`},
	{regexp.MustCompile(`"(created|updated)_at":"[^"]*"`), `"${1}_at":"*"`},
	{regexp.MustCompile(`<time datetime="[^"]*">[^<]*<`), `<time>*<`},
	{regexp.MustCompile(`Order of [0-9]+ [A-Z][a-z]+`), `Order of *`},
	{regexp.MustCompile(`(?m)((?:^Set-Cookie:|,) __Host-[a-z]+)=[^;]+`), `$1=*`}, // one or more in a line
	{regexp.MustCompile(`\b[a-z2-7]{26}\b`), `*`},
}

// alike is an answer with * for what is chance. Where that is, the length of the answer is chance too: a time has up to
// nine digits behind the second.
func alike(answer string) string {
	untouched := answer
	for _, c := range chance {
		answer = c.ReplaceAllString(answer, c.alike)
	}
	if answer == untouched {
		return answer
	}
	return regexp.MustCompile(`(?m)^Content-Length: [0-9]{3,}$`).ReplaceAllString(answer, "Content-Length: *")
}

// transcript begins a transcript. Users get new tokens with it, as its servers may be another installation.
func transcript(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: transcript FILE")
	}
	p := of(ts)
	p.transcript = ts.MkAbs(args[0])
	clear(p.tokens)
}

func parseCall(ts *testscript.TestScript, args []string) call {
	if len(args) < 4 || args[len(args)-2] != "->" {
		ts.Fatalf("usage: http METHOD PATH [FLAG...] -> STATUS")
	}
	want, err := strconv.Atoi(args[len(args)-1])
	ts.Check(err)
	c := call{
		text:   strings.Join(args[:len(args)-2], " "),
		method: args[0], url: ts.Getenv("APP_SERVER__PUBLIC_URL") + args[1], want: want,
	}
	if args[1] == "." {
		c.url = ts.Getenv("APP_SERVER__PUBLIC_URL") + of(ts).location
	}
	for flags := args[2 : len(args)-2]; len(flags) > 0; flags = flags[1:] {
		value := func() string {
			if flags = flags[1:]; len(flags) == 0 {
				ts.Fatalf("the last flag needs a value")
			}
			return flags[0]
		}
		switch flags[0] {
		case "-token":
			c.token = accessToken(ts, value())
		case "-bearer":
			c.token = strings.TrimSpace(ts.ReadFile(value()))
		case "-body":
			c.body = []byte(ts.ReadFile(value()))
		case "-browser":
			c.browser = of(ts).browser(ts, value())
		case "-form":
			c.body, c.form = []byte(filled(ts, value())), true
		case "-admin":
			var names []string
			if len(flags) > 1 && !strings.HasPrefix(flags[1], "-") {
				names = []string{value()}
			}
			c.url = of(ts).named(ts, names...)[0].admin + args[1]
		case "-shows":
			pattern, err := regexp.Compile("(?m)" + value())
			ts.Check(err)
			c.shows = pattern
		case "-until":
			c.until = true
		default:
			ts.Fatalf("http has no flag %s", flags[0])
		}
	}
	return c
}

// browser gives the cookies of a browser.
func (p *script) browser(ts *testscript.TestScript, name string) http.CookieJar {
	if p.browsers[name] == nil {
		jar, err := cookiejar.New(nil)
		ts.Check(err)
		p.browsers[name] = jar
	}
	return p.browsers[name]
}

// filled gives a form's fields, with the hidden ones of the page that was answered last.
func filled(ts *testscript.TestScript, fields string) string {
	list := strings.Split(fields, "&")
	for i, field := range list {
		if field == "" || strings.Contains(field, "=") {
			continue
		}
		hidden := regexp.MustCompile(`<input type="hidden" name="` + regexp.QuoteMeta(field) + `" value="([^"]*)">`).FindSubmatch(of(ts).body)
		if hidden == nil {
			ts.Fatalf("the last answer has no hidden field %s", field)
		}
		list[i] = field + "=" + url.QueryEscape(string(hidden[1]))
	}
	return strings.Join(list, "&")
}

// accessToken gives a user's token; a script gets one for each user and keeps it, as people do.
func accessToken(ts *testscript.TestScript, user string) string {
	p := of(ts)
	if p.tokens[user] == "" {
		ts.Check(ts.Exec("app", "token", "--user", user))
		p.tokens[user] = strings.TrimSpace(ts.ReadFile("stdout"))
	}
	return p.tokens[user]
}

// newClient trusts the private root and nothing else.
func newClient(ts *testscript.TestScript, http2 bool) *http.Client {
	file := ts.MkAbs(ts.Getenv("ROOT"))
	return systemtest.NewClient(systemtest.ClientOptions{HTTP2: http2, Roots: func() (*x509.CertPool, error) { return rootsIn(file) }})
}

// rootsIn are the certificates in a file. Where there is no file yet, nobody is trusted.
func rootsIn(file string) (*x509.CertPool, error) {
	roots := x509.NewCertPool()
	text, err := os.ReadFile(file)
	if err == nil && !roots.AppendCertsFromPEM(text) {
		err = fmt.Errorf("%s holds no certificate", file)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return roots, err
}

func (c call) request() (*http.Request, error) {
	r, err := http.NewRequest(c.method, c.url, bytes.NewReader(c.body))
	if err != nil {
		return nil, err
	}
	switch {
	case c.form:
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case c.body != nil:
		r.Header.Set("Content-Type", "application/json")
	}
	if c.browser != nil {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	return r, nil
}

// send sends the request, makes the answer the output of the command and gives its status and all of it. The status is 0
// where nobody answers and that may still change.
func (c call) send(ts *testscript.TestScript, client *http.Client) (status int, text string) {
	r, err := c.request()
	ts.Check(err)
	answer, err := systemtest.Fetch(client, r)
	if err != nil && c.until {
		return 0, err.Error()
	}
	ts.Check(err)
	of(ts).body, of(ts).location = []byte(answer.Body), answer.Header.Get("Location")
	var shown strings.Builder
	fmt.Fprintln(&shown, answer.Status, http.StatusText(answer.Status))
	for _, name := range slices.Sorted(maps.Keys(answer.Header)) {
		if name != "Date" && name != "X-Trace-Id" { // which are never the same
			fmt.Fprintf(&shown, "%s: %s\n", name, strings.Join(answer.Header[name], ", "))
		}
	}
	fmt.Fprintf(&shown, "\n%s\n", answer.Body)
	fmt.Fprint(ts.Stdout(), shown.String())
	return answer.Status, shown.String()
}

func sameJSON(ts *testscript.TestScript, _ bool, args []string) {
	var got, want any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &want))
	body := of(ts).body
	if err := json.Unmarshal(body, &got); err != nil || !reflect.DeepEqual(got, want) {
		ts.Fatalf("the body is not the JSON of %s, but:\n%s", args[0], body)
	}
}

func stock(ts *testscript.TestScript, _ bool, args []string) {
	client := newClient(ts, false)
	defer client.CloseIdleConnections()
	for ; len(args) > 1; args = args[2:] {
		var product struct{ Available *int64 }
		c := call{method: http.MethodGet, url: ts.Getenv("APP_SERVER__PUBLIC_URL") + "/inventory/" + args[0]}
		if status, _ := c.send(ts, client); status != http.StatusOK {
			ts.Fatalf("the stock of %s: %d", args[0], status)
		}
		ts.Check(json.Unmarshal(of(ts).body, &product))
		if product.Available == nil || strconv.FormatInt(*product.Available, 10) != args[1] {
			ts.Fatalf("the stock of %s is not %s:\n%s", args[0], args[1], of(ts).body)
		}
	}
}
