package systemtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

func chromium(t testing.TB) string {
	t.Helper()
	return RequireInstalled(t, "chromium", "chromium")
}

// axeCore is the script that judges a page's accessibility.
func axeCore(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(os.Getenv("AXE_CORE"))
	require(t, err == nil, "axe-core", "npm pack axe-core, unpack it, and set AXE_CORE to its axe.min.js")
	return string(text)
}

// appearance is how somebody looks at the pages.
type appearance struct {
	width  int64
	dark   bool
	script bool
}

func (l appearance) String() string {
	scheme, script := "light", "without script"
	if l.dark {
		scheme = "dark"
	}
	if l.script {
		script = "with script"
	}
	return fmt.Sprintf("%d px, %s, %s", l.width, scheme, script)
}

// allAppearances are all of them.
func allAppearances() (all []appearance) {
	for _, width := range []int64{1280, 390} {
		for _, dark := range []bool{false, true} {
			for _, script := range []bool{true, false} {
				all = append(all, appearance{width, dark, script})
			}
		}
	}
	return all
}

// someAppearances are enough for pages that are made of what others are made of: every width, scheme and script, in pairs.
func someAppearances() []appearance {
	return []appearance{{1280, false, true}, {390, true, true}, {1280, true, false}, {390, false, false}}
}

// browser is a real Chromium at the real system.
type browser struct {
	testing.TB
	deployment *deployment
	appearance appearance
	ctx        context.Context
}

// stepTimeout is how long one step in the browser may take before the test has failed.
const stepTimeout = 20 * time.Second

// openBrowser starts a Chromium of its own, which ends with the test.
func openBrowser(t testing.TB, d *deployment, l appearance) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.IgnoreCertErrors,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.WindowSize(int(l.width), 900))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	b := &browser{t, d, l, ctx}
	b.applyAppearance() // starts it, so without the timeout of a step
	return b
}

// applyAppearance makes a tab look as it shall.
func (b *browser) applyAppearance() {
	b.Helper()
	scheme := "light"
	if b.appearance.dark {
		scheme = "dark"
	}
	err := chromedp.Do(b.ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, size := cdp.Call(ctx, target, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: b.appearance.width, Height: 900, DeviceScaleFactor: 1, Mobile: b.appearance.width < 500})
		_, colours := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"}, // half-faded text would be judged as it is
			}})
		_, script := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !b.appearance.script})
		return errors.Join(size, colours, script)
	}))
	if err != nil {
		b.Fatal(err)
	}
}

// tab opens another tab of the same browser.
func (b *browser) tab() *browser {
	b.Helper()
	ctx, closeTab := chromedp.NewContext(b.ctx)
	b.Cleanup(closeTab)
	other := &browser{b.TB, b.deployment, b.appearance, ctx}
	other.applyAppearance()
	return other
}

// do takes steps in the browser.
func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatalf("%v\nat %s", err, b.path())
	}
}

// evaluate takes a step that answers.
func evaluate[T any](b *browser, step chromedp.Action[T]) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	answer, err := chromedp.Run(ctx, step)
	if err != nil {
		b.Fatalf("%v\nat %s", err, b.path())
	}
	return answer
}

// url is the address of a path.
func (b *browser) url(path string) string { return "https://" + b.deployment.address + path }

// goTo goes to a path and gives the status of what it leads to.
func (b *browser) goTo(path string) int {
	b.Helper()
	return b.loadPage(chromedp.Navigate(b.url(path)))
}

// click clicks on what leads to another page, and gives the status of that.
func (b *browser) click(selector string) int {
	b.Helper()
	return b.loadPage(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// loadPage runs an action that loads a page.
func (b *browser) loadPage(action chromedp.Action[chromedp.Void]) int {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, action)
	if err != nil {
		b.Fatalf("%v\nat %s", err, b.path())
	}
	return int(response.Status)
}

// fill replaces what is in a field.
func (b *browser) fill(selector, value string) {
	b.Helper()
	b.do(chromedp.SetValue(chromedp.CSS(selector), value))
}

// text is what an element shows.
func (b *browser) text(selector string) string {
	b.Helper()
	return strings.TrimSpace(evaluate(b, chromedp.Text(chromedp.CSS(selector))))
}

// expectText fails where an element does not show a text.
func (b *browser) expectText(selector, want string) {
	b.Helper()
	if got := b.text(selector); !strings.Contains(got, want) {
		b.Errorf("%s shows %q, want %q (at %s)", selector, got, want, b.path())
	}
}

// path is the path of the page, with its query.
func (b *browser) path() string {
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	return strings.TrimPrefix(at, b.url(""))
}

// signIn signs in on the sign-in page.
func (b *browser) signIn(name string) {
	b.Helper()
	b.goTo("/oauth2/sign-in")
	b.fill("#name", name)
	b.fill("#password", name+"-demo")
	if status := b.click("form button"); status != http.StatusOK {
		b.Fatalf("signing in as %s: %d at %s", name, status, b.path())
	}
}

// checkAccessibility is what axe-core finds wrong with the page, and what of it sticks out at its side.
func (b *browser) checkAccessibility(what, axe string) {
	b.Helper()
	if !b.appearance.script { // axe is script; the same page is judged with it
		return
	}
	report := evaluate(b, chromedp.Evaluate[string](axe+`; axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
		.then(r => JSON.stringify(r.violations.map(v => v.id + ": " + v.help + " " + v.nodes.map(n => n.target.join(" ")).join(", "))))`,
		chromedp.EvalAwaitPromise))
	var violations []string
	if err := json.Unmarshal([]byte(report), &violations); err != nil {
		b.Fatal(err)
	}
	for _, violation := range violations {
		b.Errorf("%s: %s", what, violation)
	}
	if overflow := evaluate(b, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`)); overflow > 0 {
		b.Errorf("%s: %d px stick out at the side", what, overflow)
	}
}

// screenshot keeps a screenshot of the whole page, where somebody asked for pictures.
func (b *browser) screenshot(name string) {
	b.Helper()
	directory := os.Getenv("PICTURES")
	if directory == "" {
		return
	}
	png := evaluate(b, chromedp.FullScreenshot(100))
	file := filepath.Join(directory, strings.NewReplacer(" ", "-", ",", "").Replace(name+" "+b.appearance.String())+".png")
	if err := os.WriteFile(file, png, 0o600); err != nil {
		b.Fatal(err)
	}
}
