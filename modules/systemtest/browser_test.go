package systemtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// need says where a component is, or skips the test for want of it; where skips are forbidden, it fails.
func need(t testing.TB, found bool, what, how string) {
	t.Helper()
	switch {
	case found:
	case os.Getenv("NO_SKIP") != "":
		t.Fatalf("%s is missing: %s", what, how)
	default:
		t.Skipf("SKIPPED, %s is missing: %s", what, how)
	}
}

func chromium(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("chromium")
	need(t, err == nil, "Chromium", "install Debian's package chromium")
	return path
}

// axeCore is the script that judges a page's accessibility.
func axeCore(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(os.Getenv("AXE_CORE"))
	need(t, err == nil, "axe-core", "npm pack axe-core, unpack it, and set AXE_CORE to its axe.min.js")
	return string(text)
}

// look is how somebody looks at the pages.
type look struct {
	width  int64
	dark   bool
	script bool
}

func (l look) String() string {
	scheme, script := "light", "without script"
	if l.dark {
		scheme = "dark"
	}
	if l.script {
		script = "with script"
	}
	return fmt.Sprintf("%d px, %s, %s", l.width, scheme, script)
}

// looks are all of them.
func looks() (all []look) {
	for _, width := range []int64{1280, 390} {
		for _, dark := range []bool{false, true} {
			for _, script := range []bool{true, false} {
				all = append(all, look{width, dark, script})
			}
		}
	}
	return all
}

// fewLooks are enough for pages that are made of what others are made of: every width, scheme and script, in pairs.
func fewLooks() []look {
	return []look{{1280, false, true}, {390, true, true}, {1280, true, false}, {390, false, false}}
}

// browser is a real Chromium at the real system.
type browser struct {
	testing.TB
	edge *edge
	look look
	ctx  context.Context
}

// stepTimeout is how long one step in the browser may take before the test has failed.
const stepTimeout = 20 * time.Second

// openBrowser starts a Chromium of its own, which ends with the test.
func openBrowser(t testing.TB, e *edge, l look) *browser {
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
	b := &browser{t, e, l, ctx}
	b.dress() // starts it, so without the timeout of a step
	return b
}

// dress makes a tab look as it shall.
func (b *browser) dress() {
	b.Helper()
	scheme := "light"
	if b.look.dark {
		scheme = "dark"
	}
	err := chromedp.Do(b.ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, size := cdp.Call(ctx, target, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: b.look.width, Height: 900, DeviceScaleFactor: 1, Mobile: b.look.width < 500})
		_, colours := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"}, // half-faded text would be judged as it is
			}})
		_, script := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !b.look.script})
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
	other := &browser{b.TB, b.edge, b.look, ctx}
	other.dress()
	return other
}

// do takes steps in the browser.
func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatalf("%v\nat %s", err, b.where())
	}
}

// ask takes a step that answers.
func ask[T any](b *browser, step chromedp.Action[T]) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	answer, err := chromedp.Run(ctx, step)
	if err != nil {
		b.Fatalf("%v\nat %s", err, b.where())
	}
	return answer
}

// url is the address of a path.
func (b *browser) url(path string) string { return "https://" + b.edge.address + path }

// visit goes to a path and gives the status of what it leads to.
func (b *browser) visit(path string) int {
	b.Helper()
	return b.leading(chromedp.Navigate(b.url(path)))
}

// press clicks on what leads to another page, and gives the status of that.
func (b *browser) press(selector string) int {
	b.Helper()
	return b.leading(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// leading runs an action that loads a page.
func (b *browser) leading(action chromedp.Action[chromedp.Void]) int {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, action)
	if err != nil {
		b.Fatalf("%v\nat %s", err, b.where())
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
	return strings.TrimSpace(ask(b, chromedp.Text(chromedp.CSS(selector))))
}

// mustShow fails where an element does not show a text.
func (b *browser) mustShow(selector, want string) {
	b.Helper()
	if got := b.text(selector); !strings.Contains(got, want) {
		b.Errorf("%s shows %q, want %q (at %s)", selector, got, want, b.where())
	}
}

// where is the path of the page, with its query.
func (b *browser) where() string {
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
	b.visit("/oauth2/sign-in")
	b.fill("#name", name)
	b.fill("#password", name+"-demo")
	if status := b.press("form button"); status != http.StatusOK {
		b.Fatalf("signing in as %s: %d at %s", name, status, b.where())
	}
}

// judge is what axe-core finds wrong with the page, and what of it sticks out at its side.
func (b *browser) judge(what, axe string) {
	b.Helper()
	if !b.look.script { // axe is script; the same page is judged with it
		return
	}
	report := ask(b, chromedp.Evaluate[string](axe+`; axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
		.then(r => JSON.stringify(r.violations.map(v => v.id + ": " + v.help + " " + v.nodes.map(n => n.target.join(" ")).join(", "))))`,
		chromedp.EvalAwaitPromise))
	var violations []string
	if err := json.Unmarshal([]byte(report), &violations); err != nil {
		b.Fatal(err)
	}
	for _, violation := range violations {
		b.Errorf("%s: %s", what, violation)
	}
	if overflow := ask(b, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`)); overflow > 0 {
		b.Errorf("%s: %d px stick out at the side", what, overflow)
	}
}

// picture keeps a screenshot of the whole page, where somebody asked for pictures.
func (b *browser) picture(name string) {
	b.Helper()
	directory := os.Getenv("PICTURES")
	if directory == "" {
		return
	}
	png := ask(b, chromedp.FullScreenshot(100))
	file := filepath.Join(directory, strings.NewReplacer(" ", "-", ",", "").Replace(name+" "+b.look.String())+".png")
	if err := os.WriteFile(file, png, 0o600); err != nil {
		b.Fatal(err)
	}
}
