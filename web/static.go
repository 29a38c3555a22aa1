package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"path"
	"strconv"
	"strings"
)

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
