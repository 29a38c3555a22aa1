// Package web holds what people see: the pages' templates, their style, and the little script that makes them nicer.
//
// Pages are rendered on the server and work without script. There is no inline script or style anywhere, so that the
// content security policy of [Protect] can forbid both. The package knows no module: who renders a page brings the data.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed templates static
var files embed.FS

// pages are the parsed templates by their name: each of templates/pages inside the layout.
var pages = parse()

func parse() map[string]*template.Template {
	shared := template.Must(template.New("").Funcs(functions).ParseFS(files, "templates/*.html"))
	paths, err := fs.Glob(files, "templates/pages/*.html")
	if err != nil {
		panic(err) // the pattern is bad
	}
	parsed := map[string]*template.Template{}
	for _, p := range paths {
		name := strings.TrimSuffix(path.Base(p), ".html")
		parsed[name] = template.Must(template.Must(shared.Clone()).ParseFS(files, p))
	}
	return parsed
}

// Page is the data of a page.
type Page interface{ Framed() Frame }

// Frame is what the layout around a page shows. Pages embed it.
type Frame struct {
	Title   string // of this page; unique among the pages
	Section string // of the navigation: "shop", "orders", "basket", "account" or ""
	User    string // the name of who is signed in; "" is nobody
	Basket  int64  // how many pieces are in the basket
	Notice  Notice
}

// Framed implements [Page].
func (f Frame) Framed() Frame { return f }

// Notice says what the request before has done.
type Notice struct {
	Text  string
	Wrong bool // it has not done what was asked for
}

// Render writes a page with a status. The page is made before anything is sent: one that fails leaves the response as
// it was. The response has the headers of [Protect]. data is a [Page].
func Render(w http.ResponseWriter, r *http.Request, status int, page string, data any) error {
	parsed, known := pages[page]
	if !known {
		return fmt.Errorf("there is no page %q", page)
	}
	var body bytes.Buffer
	if err := parsed.ExecuteTemplate(&body, "layout", data); err != nil {
		return err
	}
	Protect(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes()) // the reader has left; nobody is there to be told
	}
	return nil
}

// policy allows what the pages are made of, from here alone: style, script, icons, the stock's figures, and forms.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Protect sets the headers that protect an answer: nothing foreign runs in it, nothing frames it, nobody keeps it.
func Protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store") // pages show what is somebody's own
}

// staticPath is where [Static] is served.
const staticPath = "/ui/static/"

// styles are the parts of app.css, in the order in which they build on each other.
var styles = []string{"tokens.css", "base.css", "layout.css", "controls.css", "components.css", "pages.css"}

// asset is a file whose URL holds a hash of its content: a URL never changes its meaning, so it may be kept for good.
type asset struct {
	url, contentType string
	content          []byte
}

// assets by the name that templates use.
var assets = map[string]asset{
	"app.css":     newAsset("app.css", "text/css; charset=utf-8", styles...),
	"app.js":      newAsset("app.js", "text/javascript; charset=utf-8", "app.js"),
	"favicon.svg": newAsset("favicon.svg", "image/svg+xml", "favicon.svg"),
}

func newAsset(name, contentType string, parts ...string) asset {
	var content bytes.Buffer
	for _, part := range parts {
		text, err := files.ReadFile("static/" + part)
		if err != nil {
			panic(err) // it is embedded
		}
		content.Write(text)
	}
	sum := sha256.Sum256(content.Bytes())
	extension := path.Ext(name)
	url := staticPath + strings.TrimSuffix(name, extension) + "." + hex.EncodeToString(sum[:6]) + extension
	return asset{url, contentType, content.Bytes()}
}

// assetURL is the URL of an asset, for templates.
func assetURL(name string) string { return assets[name].url }

// Assets are the URLs that [Static] knows.
func Assets() (urls []string) {
	for _, a := range assets {
		urls = append(urls, a.url)
	}
	return urls
}

// Static serves the style, the script and the icon under /ui/static/.
func Static() http.Handler {
	byURL := map[string]asset{}
	for _, a := range assets {
		byURL[a.url] = a
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, found := byURL[r.URL.Path]
		if !found {
			http.NotFound(w, r)
			return
		}
		Protect(w.Header())
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("Content-Type", a.contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(a.content)))
		if r.Method != http.MethodHead {
			_, _ = w.Write(a.content)
		}
	})
}
