package httprpc

import "time"

// SetSilence makes the transport notice dead connections sooner.
func (t *Transport) SetSilence(d time.Duration) { t.silence = d }
