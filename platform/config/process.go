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
	adminAuto  = "auto" // server.admin_address: from the first listener
	gateway    = "gateway"

	// trust.profile
	profileExchange    = "exchange"
	profileTransaction = "transaction"
	profilePeer        = "peer"
)

// adminOffset lies between a listener's port and its process's admin port. With 100, the ports that belong together are
// told at a glance, and the admin ports of the default ports do not meet them.
const adminOffset = 100

// moduleNames are the modules that server.modules can name, in the order in which they are listed everywhere.
func moduleNames() []string { return []string{gateway, "sts", "order", "inventory"} }

// Hosts reports whether this process hosts the module.
func (c Config) Hosts(module string) bool {
	return slices.Contains(c.Server.Modules, allModules) || slices.Contains(c.Server.Modules, module)
}

// Split reports whether some of the modules are hosted by other processes.
func (c Config) Split() bool {
	return slices.ContainsFunc(moduleNames(), func(module string) bool { return !c.Hosts(module) })
}

// Module is where a module behind the gateway is; the gateway is not one, its address is server.address.
func (c Config) Module(name string) ModuleAddress {
	switch name {
	case "sts":
		return c.Modules.STS
	case "order":
		return c.Modules.Order
	case "inventory":
		return c.Modules.Inventory
	}
	return ModuleAddress{}
}

// Listeners are the modules that have a listener in this process, in the order gateway, sts, order, inventory: those that
// it hosts. A process that hosts all of them opens the gateway's alone, because nobody outside has to reach the others.
func (c Config) Listeners() []string {
	return slices.DeleteFunc(moduleNames(), func(module string) bool {
		return !c.Hosts(module) || module != gateway && !c.Split()
	})
}

// ListenAddress is host:port where a module listens in the process that hosts it; "" where that is not configured.
func (c Config) ListenAddress(module string) string {
	if module == gateway {
		return c.Server.Address
	}
	at := c.Module(module)
	if at.Listen != "" {
		return at.Listen
	}
	address, _ := moduleAddress(at.URL, "") // [Load] has refused a bad one
	return address
}

// listenKey is the key from which [Config.ListenAddress] has its answer.
func (c Config) listenKey(module string) string {
	switch {
	case module == gateway:
		return "server.address"
	case c.Module(module).Listen != "":
		return "modules." + module + ".listen"
	}
	return "modules." + module + ".url"
}

// AdminAddress is host:port of the health and metrics listener, with "auto" worked out: the port of the first of this
// process's [Config.Listeners] + 100 (9190 for 9090), or again the system's choice for port 0, on that listener's host
// where that is loopback and on localhost where it is not.
func (c Config) AdminAddress() string {
	listeners := c.Listeners()
	if c.Server.AdminAddress != adminAuto || len(listeners) == 0 {
		return c.Server.AdminAddress
	}
	host, port, _ := splitAddress(c.ListenAddress(listeners[0])) // [Load] has refused a bad one
	if !loopback(host) {
		host = "localhost"
	}
	if port != 0 {
		port += adminOffset
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// everywhere reports whether a host stands for every interface.
func everywhere(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.Unmap().IsUnspecified()
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
