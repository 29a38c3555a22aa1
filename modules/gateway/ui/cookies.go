package ui

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"oms/platform/fault"
	"oms/web"
)

const (
	basketCookie = "__Host-basket"
	// maxCookie keeps the cookie below what every browser stores: 4096 bytes with its name and attributes.
	maxCookie = 3500
)

// basket is what a user wants to order, kept in the user's browser. It proves nothing: what is in it is judged when it
// is sent.
type basket struct {
	Subject string       `json:"s"`           // whose it is; another user's is ignored
	Key     string       `json:"k"`           // of the order that it will be: sending it twice places one order
	Name    string       `json:"n,omitempty"` // of the order, where somebody has thought of one
	Lines   []basketLine `json:"l"`
}

type basketLine struct {
	Category string `json:"c"`
	Code     string `json:"p"`
	Qty      int64  `json:"q"`
}

// newKey makes an idempotency key of 128 random bits.
func newKey() string { return strings.ToLower(rand.Text()) }

// readBasket reads the user's basket. One that cannot be read is empty.
func readBasket(r *http.Request, subject string) basket {
	empty := basket{Subject: subject, Key: newKey()}
	cookie, err := r.Cookie(basketCookie)
	if err != nil || len(cookie.Value) > maxCookie {
		return empty
	}
	raw, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return empty
	}
	var b basket
	if err := json.Unmarshal(raw, &b); err != nil || b.Subject != subject || !b.sound() {
		return empty
	}
	return b
}

// sound reports whether the basket is one that [basket.write] could have written.
func (b basket) sound() bool {
	seen := map[[2]string]bool{}
	for _, l := range b.Lines {
		product := [2]string{l.Category, l.Code}
		if l.Category == "" || l.Code == "" || !qtyRule.AllowsNumber(l.Qty) || seen[product] {
			return false
		}
		seen[product] = true
	}
	return len(b.Lines) <= maxLines && isKey(b.Key)
}

var keyPattern = regexp.MustCompile(`^[a-z2-7]{26,40}$`)

// isKey reports whether [newKey] could have made the key.
func isKey(key string) bool { return keyPattern.MatchString(key) }

// write hands the basket to the browser. It fails where the basket is too full.
func (b basket) write(w http.ResponseWriter) error {
	raw, err := json.Marshal(b)
	if err != nil {
		return err
	}
	value := base64.RawURLEncoding.EncodeToString(raw)
	switch tooLong := len(value) > maxCookie; {
	case tooLong && b.Name != "": // what is in it matters more
		b.Name = ""
		return b.write(w)
	case tooLong, len(b.Lines) > maxLines:
		return fault.New(fault.TooLarge, "The basket is full.")
	}
	setCookie(w, basketCookie, value, 0)
	return nil
}

// setCookie sets a cookie that only this site over TLS can set and that no script can read. It ends with the browser's
// session, or with 0 > maxAge at once.
func setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// add puts more of a product in, and gives how many there are now. Nothing goes beyond what an order can hold.
func (b *basket) add(category, code string, qty int64) int64 {
	for i, l := range b.Lines {
		if l.Category == category && l.Code == code {
			b.Lines[i].Qty = min(l.Qty+qty, maxQty)
			return b.Lines[i].Qty
		}
	}
	b.Lines = append(b.Lines, basketLine{category, code, qty})
	return qty
}

// of is how many of a product are in the basket.
func (b basket) of(category, code string) int64 {
	for _, l := range b.Lines {
		if l.Category == category && l.Code == code {
			return l.Qty
		}
	}
	return 0
}

// pieces is how much is in the basket altogether.
func (b basket) pieces() (sum int64) {
	for _, l := range b.Lines {
		sum += l.Qty
	}
	return sum
}

// noticeCookie carries one sentence from a request that has done something to the page that follows it.
const noticeCookie = "__Host-notice"

// noticeAge in seconds: a redirect takes less, and a sentence that nobody fetched is not news later.
const noticeAge = 30

func setNotice(w http.ResponseWriter, n web.Notice) {
	kind := "done."
	if n.Wrong {
		kind = "wrong."
	}
	setCookie(w, noticeCookie, kind+base64.RawURLEncoding.EncodeToString([]byte(n.Text)), noticeAge)
}

// takeNotice reads the sentence and removes it. What cannot be read is none.
func takeNotice(w http.ResponseWriter, r *http.Request) web.Notice {
	cookie, err := r.Cookie(noticeCookie)
	if err != nil {
		return web.Notice{}
	}
	setCookie(w, noticeCookie, "", -1)
	kind, encoded, _ := strings.Cut(cookie.Value, ".")
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || len(text) > 1000 {
		return web.Notice{}
	}
	return web.Notice{Text: string(text), Wrong: kind == "wrong"}
}
