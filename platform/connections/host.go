package connections

import (
	"net"
	"net/netip"
)

// hostBits is what one host or household gets of IPv6 (RFC 6177 section 2): all addresses in it count as one.
const hostBits = 64

// Host is what counts as one address: an IPv4 address, or the /64 of an IPv6 address. What is neither counts for nobody.
func Host(a net.Addr) string {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return ""
	}
	address := at.Addr().Unmap().WithZone("")
	if address.Is4() {
		return address.String()
	}
	network, err := address.Prefix(hostBits)
	if err != nil {
		return ""
	}
	return network.String()
}
