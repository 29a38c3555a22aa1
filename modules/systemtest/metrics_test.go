package systemtest

import (
	"net/http"
	"strconv"
	"strings"
)

// metrics are those of the process that hosts a module, by their name with its labels.
func (d *deployment) metrics(module string) map[string]float64 {
	d.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+d.process(module).admin+"/metrics", nil)
	if err != nil {
		d.Fatal(err)
	}
	got, err := Fetch(http.DefaultClient, r)
	if err != nil || got.Status != 200 {
		d.Fatalf("metrics of %s: %d, %v", module, got.Status, err)
	}
	values := map[string]float64{}
	for line := range strings.Lines(got.Body) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		if value, err := strconv.ParseFloat(text, 64); err == nil {
			values[name] = value
		}
	}
	return values
}

// held is what the requests of a module's process hold of its budget.
func (d *deployment) held(module string) (bytes, requests float64) {
	d.Helper()
	all := d.metrics(module)
	return all[`oms_budget_used{of="bytes"}`], all[`oms_budget_used{of="requests"}`]
}

// expectNothingHeld waits until all requests have given back what they held.
func (d *deployment) expectNothingHeld(module string) {
	d.Helper()
	if !eventually(func() bool { bytes, requests := d.held(module); return bytes == 0 && requests == 0 }) {
		bytes, requests := d.held(module)
		d.Errorf("%s: %v bytes and %v requests are held still", module, bytes, requests)
	}
}
