package limits

import (
	"net/netip"
)

// hostBits is what one host or household gets of IPv6: a /64 (RFC 6177 section 2), within which it can take any of 2^64
// addresses. They count as one.
const hostBits = 64

// AddressKey is what counts as one address at the other end of a connection: an IPv4 address as it is, also where it is
// written as IPv6 (RFC 4291 section 2.5.5.2), and the /64 of an IPv6 address. remoteAddr is host:port, as
// [net/http.Request.RemoteAddr] has it; what is none is a key of its own.
func AddressKey(remoteAddr string) string {
	address, err := hostOf(remoteAddr)
	if err != nil {
		return remoteAddr
	}
	if address = address.Unmap().WithZone(""); address.Is4() {
		return address.String()
	}
	network, err := address.Prefix(hostBits)
	if err != nil { // an IPv6 address has 128 bits
		return remoteAddr
	}
	return network.String()
}

func hostOf(remoteAddr string) (netip.Addr, error) {
	if withPort, err := netip.ParseAddrPort(remoteAddr); err == nil {
		return withPort.Addr(), nil
	}
	return netip.ParseAddr(remoteAddr)
}
