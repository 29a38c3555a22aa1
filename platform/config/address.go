package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// SplitAddress takes host:port apart. The host is empty (every interface), an IP address or a name.
func SplitAddress(address string) (host string, port int, err error) {
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

// hostName is a DNS name: labels of letters, digits, - and _, at most 63 each.
var hostName = regexp.MustCompile(`^[0-9A-Za-z_-]{1,63}(\.[0-9A-Za-z_-]{1,63})*$`)

// validHost accepts an IP address or a DNS name, which has 253 characters at most.
func validHost(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || len(host) <= 253 && hostName.MatchString(host)
}

// parseBase accepts https://, a host and perhaps a port, and nothing behind them. example is how to write it well.
func parseBase(text, example string) (*url.URL, error) {
	if strings.Contains(text, "@") {
		return nil, errors.New("must hold no user or password; remove everything up to the @") // and is not repeated here
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return nil, fmt.Errorf("%q is not a URL; write for example %s", text, example)
	}
	switch host := u.Hostname(); {
	case u.Scheme != "https":
		return nil, fmt.Errorf("%q must begin with https://; nothing is served without TLS", text)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(text, "#"):
		return nil, fmt.Errorf("%q must have no query and no fragment; end it after the host and port", text)
	case u.Path != "":
		return nil, fmt.Errorf("%q must have no path, not even a slash at its end; end it after the host and port", text)
	case !validHost(host) || strings.Contains(host, "%"):
		return nil, fmt.Errorf("%q has no valid host; write for example %s", text, example)
	}
	return u, nil
}

// CheckOrigin accepts https://host or https://host:port exactly as a browser would write it, because such a URL is
// compared as a text: as issuer, as audience and as origin.
func CheckOrigin(text string) error {
	u, err := parseBase(text, "https://orders.example.com")
	if err != nil {
		return err
	}
	switch port := u.Port(); {
	case port == "443":
		return fmt.Errorf("%q must leave out :443, as browsers do", text)
	case strings.HasSuffix(u.Host, ":") || port != "" && !validPort(port):
		return fmt.Errorf("%q has no valid port; write a number from 1 to 65535, or none", text)
	case text != strings.ToLower(text):
		return fmt.Errorf("%q must be in lower case, as browsers send it: %s", text, strings.ToLower(text))
	}
	return nil
}

// CheckBrowserOrigin accepts the origin of another site exactly as a browser sends it (RFC 6454 section 6.1): http:// or https://,
// a host in lower case, and the port where it is not the usual one.
func CheckBrowserOrigin(text string) error {
	const example = "https://shop.example.com"
	rest, plain := strings.CutPrefix(text, "http://")
	if !plain {
		return CheckOrigin(text)
	}
	if err := CheckOrigin("https://" + rest); err != nil && !strings.HasSuffix(rest, ":443") {
		return fmt.Errorf("%q is not an origin; write for example %s", text, example)
	}
	if strings.HasSuffix(rest, ":80") {
		return fmt.Errorf("%q must leave out :80, as browsers do", text)
	}
	return nil
}

// HostPort is host:port of a URL that says where a service of ours is. A port is part of it, because the service may also
// listen there and none is the usual one. example is how to write it well.
func HostPort(text, example string) (string, error) {
	u, err := parseBase(text, example)
	switch {
	case err != nil:
		return "", err
	case !validPort(u.Port()):
		return "", fmt.Errorf("%q has no valid port; write a number from 1 to 65535 behind the host, such as %s", text, example)
	}
	return u.Host, nil
}

// validPort accepts 1 to 65535 without a leading zero.
func validPort(text string) bool {
	number, err := strconv.ParseUint(text, 10, 16)
	return err == nil && number > 0 && strconv.FormatUint(number, 10) == text
}

// Everywhere reports whether a host stands for every interface.
func Everywhere(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.Unmap().IsUnspecified()
}

// Loopback reports whether a host can be reached from this machine only: localhost, 127.0.0.0/8 or ::1. Other names are
// not looked up, because what they stand for can change.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
