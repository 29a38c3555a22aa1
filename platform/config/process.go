package config

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

const (
	allModules = "all"  // server.modules: everything
	adminAuto  = "auto" // server.admin_address: from the public listener
)

// adminOffset lies between a public port and its admin port. With 100, the ports that belong together are told at a
// glance, and the admin ports of the default ports do not meet them.
const adminOffset = 100

// moduleNames are the modules that server.modules can name, in the order in which they are listed everywhere.
func moduleNames() []string { return []string{"gateway", "sts", "order", "inventory"} }

// Hosts reports whether this process hosts the module.
func (c Config) Hosts(module string) bool {
	return slices.Contains(c.Server.Modules, allModules) || slices.Contains(c.Server.Modules, module)
}

// AdminAddress is host:port of the health and metrics listener, with "auto" worked out: the port of the public listener
// + 100 (9190 for 9090), or again the system's choice for port 0, on the public listener's host where that is loopback
// and on localhost where it is not.
func (c Config) AdminAddress() string {
	if c.Server.AdminAddress != adminAuto {
		return c.Server.AdminAddress
	}
	host, port, _ := splitAddress(c.Server.Address) // [Load] has refused a bad one
	if !loopback(host) {
		host = "localhost"
	}
	if port != 0 {
		port += adminOffset
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// loopback reports whether a host can be reached from this machine only: localhost, 127.0.0.0/8 or ::1. Other names are
// not looked up, because what they stand for can change.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
