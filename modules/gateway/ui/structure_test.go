package ui_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

var (
	titles   = regexp.MustCompile(`<title>([^<]+)</title>`)
	ids      = regexp.MustCompile(` id="([^"]*)"`)
	controls = regexp.MustCompile(`<(?:input|select)[^>]*>`)
	pointers = regexp.MustCompile(` (?:for|aria-labelledby|aria-describedby|form)="([^"]*)"| href="#([^"]*)"`)
)

// TestPagesAreSound checks what people who listen to pages, or use them without a mouse, rely on.
func TestPagesAreSound(t *testing.T) {
	w := newWorld(t)
	admin := w.browser(t, "admin")
	admin.add("books", "b", "1")
	id := admin.post("/ui/orders", admin.get("/ui/basket").form()...).must(http.StatusSeeOther).location
	empty := admin.get("/ui/basket")
	admin.add("books", "a", "2")
	full := admin.get("/ui/basket")
	pages := map[string]page{
		"shop": admin.get("/ui/"), "search": admin.get("/ui/?q=book"), "empty basket": empty,
		"short": admin.post("/ui/orders", with(full.form(), "qty.0", "50")...), "invalid edit": admin.post(id+"/edit", "name", ""),
		"orders": admin.get("/ui/orders"), "order": admin.get(id), "edit": admin.get(id + "/edit"), "cancel": admin.get(id + "/cancel"),
		"not found": admin.get("/ui/nothing"), "account": admin.get("/ui/account"),
		"new product": w.browser(t, "stock").get("/ui/products/new"),
	}
	seen := map[string]string{}
	for name, p := range pages {
		t.Run(name, func(t *testing.T) {
			title := titles.FindStringSubmatch(p.body)
			if title == nil || seen[title[1]] != "" {
				t.Fatalf("the title is %q, also that of %q", title, seen[title[1]])
			}
			seen[title[1]] = name
			if n := strings.Count(p.body, "<h1"); n != 1 {
				t.Errorf("there are %d main headings", n)
			}
			known := map[string]bool{}
			for _, id := range ids.FindAllStringSubmatch(p.body, -1) {
				if known[id[1]] || strings.ContainsAny(id[1], " \t") {
					t.Errorf("the id %q is there twice, or is none", id[1])
				}
				known[id[1]] = true
			}
			for _, to := range pointers.FindAllStringSubmatch(p.body, -1) {
				if target := to[1] + to[2]; !known[target] {
					t.Errorf("something points to %q, which is not there", target)
				}
			}
			for _, control := range controls.FindAllString(p.body, -1) {
				id := ids.FindStringSubmatch(control)
				if !strings.Contains(control, `type="hidden"`) && (id == nil || !strings.Contains(p.body, `for="`+id[1]+`"`)) {
					t.Errorf("there is no label for %s", control)
				}
			}
		})
	}
}
