// Package forwarded says which client a request is from where proxies stand between.
//
// Whoever sends a request can write Forwarded (RFC 7239) and X-Forwarded-For; a proxy appends the address that it has
// seen to what was there. So only what known proxies have appended is believed: from the connection's peer the list is
// walked from its end, as long as the address reached is such a proxy's. The nearest address that is not counts.
package forwarded

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Client is the address, as host:port, that a request counts as from: that of the connection's peer, unless it is a
// proxy in the networks. The port of a client behind a proxy is not known and 0.
//
// An entry that is malformed, or that hides the address (RFC 7239 section 6), is not believed, nor is anything before
// it: the proxy that wrote it counts. So does the peer where both headers are there and lead to different addresses,
// because one of them may have come from the client through a proxy that knows the other one alone.
func (n Networks) Client(r *http.Request) string {
	if len(n) == 0 {
		return r.RemoteAddr
	}
	connection, err := netip.ParseAddrPort(r.RemoteAddr)
	peer := connection.Addr().Unmap()
	if err != nil || !n.contain(peer) {
		return r.RemoteAddr
	}
	client := n.nearest(peer, r.Header.Values("Forwarded"), forwardedFor)
	if usual := r.Header.Values("X-Forwarded-For"); len(usual) > 0 {
		other := n.nearest(peer, usual, address)
		if len(r.Header.Values("Forwarded")) > 0 && client != other {
			return r.RemoteAddr
		}
		client = other
	}
	if client == peer {
		return r.RemoteAddr
	}
	return net.JoinHostPort(client.String(), "0")
}

// nearest is the first address from the end of a list that is no known proxy's, where parse reads an entry. Commas in
// quoted texts divide too: no address holds one, and whoever begins a quotation cannot swallow what a proxy appends.
func (n Networks) nearest(from netip.Addr, lines []string, parse func(string) (netip.Addr, bool)) netip.Addr {
	for _, line := range slices.Backward(lines) {
		for line != "" {
			before := strings.LastIndexByte(line, ',')
			entry, ok := parse(strings.Trim(line[before+1:], " \t"))
			if !ok {
				return from
			}
			if from = entry; !n.contain(from) {
				return from
			}
			line = line[:max(0, before)]
		}
	}
	return from
}

// forwardedFor is the address of the one "for" parameter of an element (RFC 7239 section 4).
func forwardedFor(element string) (found netip.Addr, ok bool) {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, assigned := strings.Cut(strings.Trim(pair, " \t"), "=")
		if !assigned {
			return netip.Addr{}, false
		}
		if !strings.EqualFold(name, "for") {
			continue
		}
		if found.IsValid() { // once for each element
			return netip.Addr{}, false
		}
		quoted := len(value) > 1 && strings.HasPrefix(value, `"`) && strings.HasSuffix(value, `"`)
		if quoted {
			value = value[1 : len(value)-1]
		}
		if found, ok = address(value); !ok || !quoted && strings.Contains(value, ":") { // which is no part of a token
			return netip.Addr{}, false
		}
		if found.Is6() && !strings.HasPrefix(value, "[") { // section 6.1
			return netip.Addr{}, false
		}
	}
	return found, found.IsValid()
}

// address reads an address, perhaps in brackets, perhaps with a port behind it.
func address(text string) (netip.Addr, bool) {
	found, err := netip.ParseAddr(text)
	if err != nil {
		var withPort netip.AddrPort
		if withPort, err = netip.ParseAddrPort(text); err == nil {
			found = withPort.Addr()
		}
	}
	if bare, bracketed := strings.CutPrefix(text, "["); err != nil && bracketed {
		found, err = netip.ParseAddr(strings.TrimSuffix(bare, "]"))
		if !strings.HasSuffix(text, "]") || !found.Is6() {
			return netip.Addr{}, false
		}
	}
	return found.Unmap(), err == nil && found.Zone() == "" && found.IsValid()
}
