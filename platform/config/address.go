package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// splitAddress takes host:port apart. The host is empty (every interface), an IP address or a name.
func splitAddress(address string) (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not host:port; write for example localhost:9090 or [::1]:9090", address)
	}
	if host != "" && !validHost(host) {
		return "", 0, fmt.Errorf("%q is neither a host name nor an IP address; write for example localhost:9090", host)
	}
	number, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not a port; write a number from 1 to 65535, or 0 for any free one", digits)
	}
	return host, int(number), nil
}

// validHost accepts an IP address or a DNS name: labels of letters, digits, - and _, at most 63 each, 253 together.
func validHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	if len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, lower+upper+digits+"-_") != "" {
			return false
		}
	}
	return true
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

// checkPublicURL accepts https://host or https://host:port exactly as a browser would write it, because the URL is
// compared as a text: as issuer, as audience and as origin.
func checkPublicURL(text string) error {
	if strings.Contains(text, "@") {
		return errors.New("must hold no user or password; remove everything up to the @") // and is not repeated here
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return fmt.Errorf("%q is not a URL; write for example https://orders.example.com", text)
	}
	switch host, port := u.Hostname(), u.Port(); {
	case u.Scheme != "https":
		return fmt.Errorf("%q must begin with https://; nothing is served without TLS", text)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(text, "#"):
		return fmt.Errorf("%q must have no query and no fragment; end it after the host and port", text)
	case u.Path != "":
		return fmt.Errorf("%q must have no path, not even a slash at its end; end it after the host and port", text)
	case !validHost(host) || strings.Contains(host, "%"):
		return fmt.Errorf("%q has no valid host; write for example https://orders.example.com", text)
	case port == "443":
		return fmt.Errorf("%q must leave out :443, as browsers do", text)
	case strings.HasSuffix(u.Host, ":") || port != "" && !validPort(port):
		return fmt.Errorf("%q has no valid port; write a number from 1 to 65535, or none", text)
	case text != strings.ToLower(text):
		return fmt.Errorf("%q must be in lower case, as browsers send it: %s", text, strings.ToLower(text))
	}
	return nil
}

// validPort accepts 1 to 65535 without a leading zero.
func validPort(text string) bool {
	number, err := strconv.ParseUint(text, 10, 16)
	return err == nil && number > 0 && strconv.FormatUint(number, 10) == text
}
