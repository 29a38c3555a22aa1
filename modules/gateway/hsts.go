package gateway

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"oms/platform/config"
)

// strictTransport has browsers come by HTTPS for a year, the least that lists of such hosts take (RFC 6797).
const strictTransport = "max-age=31536000"

// stayEncrypted has browsers never come without TLS again, so that nobody in between can have them do so. On loopback there
// is nobody, and other programs use that name.
func (g *gateway) stayEncrypted(next echo.HandlerFunc) echo.HandlerFunc {
	public, err := url.Parse(g.PublicURL)
	if err != nil || config.Loopback(public.Hostname()) {
		return next
	}
	return func(c echo.Context) error {
		c.Response().Header().Set("Strict-Transport-Security", strictTransport)
		return next(c)
	}
}
