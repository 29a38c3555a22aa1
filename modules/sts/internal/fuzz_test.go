package internal

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"oms/modules/sts"
	"oms/platform/secret"
)

// FuzzLocalPath: where somebody goes after signing in is a page of the user interface on this site, as browsers read it.
func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{
		"/ui/orders?x=1", "//evil.example", "https://evil.example/ui/", `/ui/\evil.example`, "/ui/..//evil.example", "/ui/%2e%2e/order", "/ui/../order", "/ui/\t/evil", "javascript:alert(1)",
		"/ui//evil.example", "/ui/?next=//evil", "/ui", "", "/ui/#//x", "/ui/%5c%5cevil", "\x00/ui/", "/ui/;x", "/UI/",
	} {
		f.Add(seed)
	}
	here, err := url.Parse("https://shop.example/oauth2/sign-in")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		path := localPath(next)
		asBrowsers := strings.NewReplacer("\\", "/", "\t", "", "\n", "", "\r", "").Replace(strings.Trim(path, " \x00"))
		to, err := here.Parse(asBrowsers)
		if err != nil || to.Host != here.Host || to.Scheme != here.Scheme || to.User != nil || !strings.HasPrefix(to.Path, "/ui/") {
			t.Fatalf("%q leads to %q", next, path)
		}
		if again := localPath(path); again != path {
			t.Fatalf("%q leads to %q, and that to %q", next, path, again)
		}
	})
}

// FuzzPasswordHash: a text that is no hash of ours is an error and never a match, and none makes the hasher work beyond what
// a hash of ours costs.
func FuzzPasswordHash(f *testing.F) {
	hasher, good, password := NewHasher(), demoHashes["alice"], secret.Text("alice-demo") // the same in every process
	parts := strings.Split(good.Reveal(), "$")
	f.Add(parts[1], parts[2], parts[3], parts[4], parts[5])
	f.Add("argon2i", parts[2], parts[3], parts[4], parts[5])
	f.Add("argon2id", "v=16", parts[3], parts[4], parts[5])
	f.Add("argon2id", "v=19", "m=19456,t=0,p=0", parts[4], parts[5])
	f.Add("argon2id", "v=19", "m=4294967295,t=4294967295,p=255", parts[4], parts[5])
	f.Add("argon2id", "v=19", "m=8,t=1,p=1", "", parts[5])
	f.Add("argon2id", "v=19 ", "m=8,t=1,p=1,x=1", "%", parts[5][:10])
	f.Fuzz(func(t *testing.T, kind, version, cost, salt, key string) {
		text := secret.Text(strings.Join([]string{"", kind, version, cost, salt, key}, "$"))
		matches, err := hasher.verify(text, password)
		if matches && text != good {
			t.Fatalf("%q matches", text.Reveal())
		}
		if err != nil && (matches || strings.Contains(err.Error(), password.Reveal())) {
			t.Fatalf("%v, %v", matches, err)
		}
		if err == nil && (kind != "argon2id" || !strings.HasPrefix(version, fmt.Sprintf("v=%d", 19))) {
			t.Fatalf("%q is a hash", text.Reveal())
		}
	})
}

// FuzzJoinToken: a text names a workload and a digest, the random part never shows in either, and only the same random part
// has the same digest.
func FuzzJoinToken(f *testing.F) {
	f.Add("order.ABCDEFGHIJKLMNOPQRSTUVWXYZ.0123", "order.ABCDEFGHIJKLMNOPQRSTUVWXY.0123")
	f.Add("order", "order..")
	f.Add("....", "")
	f.Add(strings.Repeat("a", 1<<14), "\x00.\xff")
	f.Fuzz(func(t *testing.T, one, two string) {
		workload, stored := readJoinToken(secret.Text(one))
		_, other := readJoinToken(secret.Text(two))
		random := func(text string) string {
			fields := append(strings.Split(text, "."), "", "")
			return fields[1]
		}
		if (stored == other) != (random(one) == random(two)) || len(stored) != 64 || !strings.HasPrefix(one, workload) || strings.Contains(workload, ".") {
			t.Fatalf("%q is of %q, with the digest %q", one, workload, stored)
		}
	})
}

// FuzzSignInForm: whatever is sent to the sign-in page, nobody is signed in, nothing is a defect of ours, and no page shows
// what was sent as a password.
func FuzzSignInForm(f *testing.F) {
	o := openOffice(f, false)
	for _, seed := range []string{"name=carol&password=guess", "name=carol&name=alice&password=a", "name=%00&password=%ff", "password=" + strings.Repeat("p", 2000), "%zz", "", "next=//evil.example&name=a&password=b"} {
		f.Add(seed, "application/x-www-form-urlencoded", "")
	}
	f.Add("name=carol", "multipart/form-data; boundary=x", "x=y; x=z")
	f.Add("{}", "application/json", sts.SessionCookie+"=made up")
	f.Fuzz(func(t *testing.T, body, media, cookie string) {
		o.advance(pairPause) // or all but the first would be throttled
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth2/sign-in", strings.NewReader(body))
		r.Header = http.Header{"Content-Type": {media}, "Cookie": {cookie}}
		w := httptest.NewRecorder()
		o.pages.ServeHTTP(w, r)
		if w.Code == http.StatusSeeOther || w.Code >= 500 && w.Code != http.StatusServiceUnavailable {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if w.Header().Get("Set-Cookie") != "" && strings.Contains(w.Header().Get("Set-Cookie"), sts.SessionCookie) {
			t.Fatalf("a session: %q", w.Header())
		}
		sent, _ := url.ParseQuery(body)
		if password := sent.Get("password"); len(password) > 20 && strings.Contains(w.Body.String(), password) {
			t.Fatal("the page shows the password")
		}
	})
}
