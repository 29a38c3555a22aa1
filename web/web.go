// Package web holds what people see: the pages' templates, their style, and the little script that makes them nicer.
//
// Pages are rendered on the server and work without script. There is no inline script or style anywhere, so that the
// content security policy of [Protect] can forbid both. The package knows no module: who renders a page brings the data.
package web

import (
	"bytes"
	"embed"
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
	Section string // of the navigation: "shop", "orders", "basket" or ""
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
