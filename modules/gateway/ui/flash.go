package ui

import (
	"encoding/base64"
	"net/http"
	"strings"

	"oms/web"
)

// noticeCookie carries one sentence from a request that has done something to the page that follows it.
const noticeCookie = "__Host-notice"

// noticeAge in seconds: a redirect takes less, and a sentence that nobody fetched is not news later.
const noticeAge = 30

func leaveNotice(w http.ResponseWriter, n web.Notice) {
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
