package forwarded

import (
	"fmt"
	"net/netip"
)

// Networks are those of the proxies that are believed. The zero value believes none.
type Networks []netip.Prefix

// ParseNetworks reads networks in CIDR notation and single addresses. The error is a sentence for whoever wrote them.
func ParseNetworks(texts []string) (Networks, error) {
	var list Networks
	for _, text := range texts {
		network, err := parseNetwork(text)
		if err != nil {
			return nil, err
		}
		list = append(list, network)
	}
	return list, nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	switch {
	case err != nil || network.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%q is neither a network nor an address; write for example 10.0.0.0/8 or 2001:db8::1", text)
	case network.Bits() == 0:
		return netip.Prefix{}, fmt.Errorf("%q is everybody, who could then claim any address; write the networks of your proxies", text)
	case network != network.Masked():
		return netip.Prefix{}, fmt.Errorf("%q has bits behind its length; write %s", text, network.Masked())
	}
	return network, nil
}

// Has reports whether the other end of a connection, host:port, is in one of the networks.
func (n Networks) Has(remoteAddr string) bool {
	at, err := netip.ParseAddrPort(remoteAddr)
	return err == nil && n.contain(at.Addr().Unmap())
}

// contain reports whether an address is in one of the networks.
func (n Networks) contain(address netip.Addr) bool {
	for _, network := range n {
		if network.Contains(address) {
			return true
		}
	}
	return false
}
