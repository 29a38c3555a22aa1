package gateway

import (
	"net/http"
	"slices"

	"oms/platform/fault"
	"oms/web"
)

// explain shows what a type of problem means, which operations answer it, and what to do: the type leads there (RFC 9457
// section 3.1.1). All of it is what the rows say.
func (g *gateway) explain(w http.ResponseWriter, r *http.Request) error {
	page := web.Explained{Status: fault.Conflict.Status()}
	for _, module := range g.Modules {
		for _, operation := range module.Operations {
			row := operation.Row()
			for _, kind := range row.Conflicts {
				if kind.Name == r.PathValue("type") && row.Edge.Bound() {
					page.Title = kind.Title()
					if !slices.Contains(page.Means, kind.Means) { // modules can call two things the same
						page.Means = append(page.Means, kind.Means)
					}
					page.By = append(page.By, web.Answering{Request: row.Edge.Method + " " + row.Edge.Path, Summary: row.Summary})
				}
			}
		}
	}
	if len(page.By) == 0 {
		return errNotFound
	}
	return web.Render(w, r, http.StatusOK, "explained", page)
}
