package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// The name constraints of our roots (RFC 5280, section 4.2.1.10) are critical, and leave no kind of name open that they can
// speak of: DNS names, IP addresses, mail addresses and URIs. Whoever trusts a root trusts it for its names alone.

// nobody is a host that cannot exist (RFC 6761, section 6.4). Mail addresses and URIs of this host alone are permitted,
// and excluded at the same time: verifiers do not agree on what an empty constraint means for those two.
const nobody = "invalid"

// constrainToDomain has a root sign identities of the trust domain, and no name of any other kind.
func constrainToDomain(root *x509.Certificate, domain string) {
	constrain(root, hosts{})
	root.PermittedURIDomains, root.ExcludedURIDomains = exactly([]string{domain})
}

// constrain has a root sign for these hosts, and for no name of any other kind.
func constrain(root *x509.Certificate, to hosts) {
	root.PermittedDNSDomainsCritical = true // all of the extension
	root.PermittedEmailAddresses, root.ExcludedEmailAddresses = []string{nobody}, []string{nobody}
	root.PermittedURIDomains, root.ExcludedURIDomains = []string{nobody}, []string{nobody}
	root.PermittedDNSDomains, root.ExcludedDNSDomains = exactly(to.names)
	if len(to.names) == 0 {
		root.ExcludedDNSDomains = []string{""} // every one
	}
	for _, address := range to.addresses {
		root.PermittedIPRanges = append(root.PermittedIPRanges, network(netip.PrefixFrom(address, address.BitLen())))
	}
	if len(to.addresses) == 0 {
		root.ExcludedIPRanges = []*net.IPNet{network(netip.PrefixFrom(netip.IPv4Unspecified(), 0)), network(netip.PrefixFrom(netip.IPv6Unspecified(), 0))}
	}
}

// exactly permits names without those below them, which a constraint permits too: as the RFC has it for DNS names, and as
// crypto/x509 has it for URIs. Where one of the names is itself below another one, what is below that cannot be excluded.
func exactly(names []string) (permitted, excluded []string) {
	for _, name := range names {
		if !slices.ContainsFunc(names, func(other string) bool { return strings.HasSuffix(other, "."+name) }) {
			excluded = append(excluded, "."+name)
		}
	}
	return names, excluded
}

func network(prefix netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}
}

// limits are the name constraints of a root as text: the same text is the same constraints.
func limits(root *x509.Certificate) string {
	return fmt.Sprint(root.PermittedDNSDomainsCritical,
		root.PermittedDNSDomains, root.ExcludedDNSDomains, root.PermittedIPRanges, root.ExcludedIPRanges,
		root.PermittedEmailAddresses, root.ExcludedEmailAddresses, root.PermittedURIDomains, root.ExcludedURIDomains)
}

// Unconstrained reports whether the root can sign for any name, as roots could that earlier versions have made.
func (a *Authority) Unconstrained() bool { return limits(a.certificate) == limits(&x509.Certificate{}) }

// ForWorkloads reports whether the root can sign identities of its trust domain, and nothing else.
func (a *Authority) ForWorkloads() bool {
	var wanted x509.Certificate
	constrainToDomain(&wanted, a.domain)
	return limits(a.certificate) == limits(&wanted)
}

// ForHosts reports whether the root can sign for exactly these host names and IP addresses.
func (a *Authority) ForHosts(list []string) bool {
	var wanted x509.Certificate
	to, err := parseHosts(list)
	constrain(&wanted, to)
	return err == nil && limits(a.certificate) == limits(&wanted)
}

// hosts are the names of a public listener, in lower case, in order and each once.
type hosts struct {
	names     []string
	addresses []netip.Addr
}

func parseHosts(list []string) (h hosts, err error) {
	for _, host := range list {
		if address, err := netip.ParseAddr(host); err == nil && address.Zone() == "" {
			h.addresses = append(h.addresses, address.Unmap())
		} else if dnsName(host) {
			h.names = append(h.names, strings.ToLower(host))
		} else {
			return hosts{}, fmt.Errorf("no certificate can be issued for %q: it is neither a host name nor an IP address", host)
		}
	}
	if len(list) == 0 {
		return hosts{}, errors.New("no certificate can be issued without a host name or an IP address")
	}
	slices.Sort(h.names)
	slices.SortFunc(h.addresses, netip.Addr.Compare)
	h.names, h.addresses = slices.Compact(h.names), slices.Compact(h.addresses)
	return h, nil
}

// dnsName accepts the names that clients compare with a certificate: labels of letters, digits, - and _ (RFC 1035,
// section 2.3.4, has the lengths).
func dnsName(host string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(host) > 253 {
		return false
	}
	return !slices.ContainsFunc(strings.Split(strings.ToLower(host), "."), func(label string) bool {
		return label == "" || len(label) > 63 || strings.Trim(label, allowed) != ""
	})
}
