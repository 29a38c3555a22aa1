package system

import (
	"net"
	"slices"
	"strconv"

	"oms/platform/config"
	"oms/platform/module"
)

const (
	allModules = "all"  // server.modules: everything
	adminAuto  = "auto" // server.admin_address: from the first listener
)

// adminOffset lies between a listener's port and its process's admin port. With 100, the ports that belong together are
// told at a glance, and the admin ports of the default ports do not meet them.
const adminOffset = 100

// names are the modules that server.modules can name, in the order in which they are told everywhere.
func (c Config) names() []string { return module.Names(c.modules) }

// module is the one of that name, or nothing.
func (c Config) module(name string) (found module.Module) {
	for _, m := range c.modules {
		if m.Name == name {
			found = m
		}
	}
	return found
}

// publicName is the name of the module behind server.address.
func (c Config) publicName() (name string) {
	for _, m := range c.modules {
		if m.Public {
			name = m.Name
		}
	}
	return name
}

// callees are the modules that have operations.
func (c Config) callees() (names []string) {
	for _, m := range module.MostCalledFirst(c.modules) {
		if len(m.Tables) > 0 {
			names = append(names, m.Name)
		}
	}
	return names
}

// Stateful are the modules of this process that have a database.
func (c Config) Stateful() (names []string) {
	for _, m := range module.MostCalledFirst(c.modules) {
		if m.Migrations != nil && c.Hosts(m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}

// Hosts reports whether this process hosts the module.
func (c Config) Hosts(name string) bool {
	return slices.Contains(c.Server.Modules, allModules) || slices.Contains(c.Server.Modules, name)
}

// Split reports whether some of the modules are hosted by other processes.
func (c Config) Split() bool {
	return slices.ContainsFunc(c.names(), func(name string) bool { return !c.Hosts(name) })
}

// Module is where a module is found; the public one has no such address but server.address.
func (c Config) Module(name string) ModuleAddress {
	if at := c.Modules[name]; at != nil {
		return *at
	}
	return ModuleAddress{}
}

// Listeners are the modules that have a listener in this process, in the order of [module.Sorted]: those that it hosts. A
// process that hosts all of them opens the public one alone, because nobody outside has to reach the others.
func (c Config) Listeners() []string {
	return slices.DeleteFunc(c.names(), func(name string) bool {
		return !c.Hosts(name) || !c.module(name).Public && !c.Split()
	})
}

// ListenAddress is host:port where a module listens in the process that hosts it; "" where that is not configured.
func (c Config) ListenAddress(name string) string {
	if c.module(name).Public {
		return c.Server.Address
	}
	at := c.Module(name)
	if at.Listen != "" {
		return at.Listen
	}
	address, _ := config.HostPort(at.URL, "") // [Load] has refused a bad one
	return address
}

// listenKey is the key from which [Config.ListenAddress] has its answer.
func (c Config) listenKey(name string) string {
	switch {
	case c.module(name).Public:
		return "server.address"
	case c.Module(name).Listen != "":
		return "modules." + name + ".listen"
	}
	return "modules." + name + ".url"
}

// AdminAddress is host:port of the health and metrics listener, with "auto" worked out: the port of the first of this
// process's [Config.Listeners] + 100 (9190 for 9090), or again the system's choice for port 0, on that listener's host
// where that is loopback and on localhost where it is not.
func (c Config) AdminAddress() string {
	listeners := c.Listeners()
	if c.Server.AdminAddress != adminAuto || len(listeners) == 0 {
		return c.Server.AdminAddress
	}
	host, port, _ := config.SplitAddress(c.ListenAddress(listeners[0])) // [Load] has refused a bad one
	if !config.Loopback(host) {
		host = "localhost"
	}
	if port != 0 {
		port += adminOffset
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
