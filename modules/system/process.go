package system

import (
	"context"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"oms/platform/config"
	"oms/platform/lifecycle"
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
func (c Config) callees() []string {
	return c.mostCalled(func(m module.Module) bool { return len(m.Tables) > 0 })
}

// Stateful are the modules of this process that have a database.
func (c Config) Stateful() []string {
	return c.mostCalled(func(m module.Module) bool { return m.Migrations != nil && c.Hosts(m.Name) })
}

func (c Config) mostCalled(wanted func(module.Module) bool) (names []string) {
	for _, m := range module.MostCalledFirst(c.modules) {
		if wanted(m) {
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

// listener is where a module listens in the process that hosts it.
type listener struct {
	module       string
	key, address string // host:port, and the key that says so; "" where that is not configured
	host         string
	port         int
	valid        bool // the address is one; what is wrong with it is told of the key
}

func (c Config) listener(name string) listener {
	at := c.Module(name)
	l := listener{module: name}
	switch {
	case c.module(name).Public:
		l.key, l.address = "server.address", c.Server.Address
	case at.Listen != "":
		l.key, l.address = "modules."+name+".listen", at.Listen
	default:
		l.key = "modules." + name + ".url"
		l.address, _ = config.HostPort(at.URL, "") // [Load] has refused a bad one
	}
	var err error
	l.host, l.port, err = config.SplitAddress(l.address)
	l.valid = err == nil
	return l
}

// listeners are those of [Config.Listeners].
func (c Config) listeners() (list []listener) {
	for _, name := range c.Listeners() {
		list = append(list, c.listener(name))
	}
	return list
}

// ListenAddress is host:port where a module listens in the process that hosts it; "" where that is not configured.
func (c Config) ListenAddress(name string) string { return c.listener(name).address }

// What says where a listener is, for messages about an address that cannot be had.
const (
	publicSetting = "--address or server.address"
	adminSetting  = "server.admin_address"
)

// TryListeners fails where a start would make files and then could not open a listener. Where all files are there, the start itself
// finds that out, and whose data they are before that.
func (c Config) TryListeners(ctx context.Context) error {
	isThere := func(path string) bool { _, err := os.Stat(path); return err == nil }
	if isThere(c.DataDir) && !slices.ContainsFunc(c.Stateful(), func(name string) bool { return !isThere(databasePath(c, name)) }) {
		return nil
	}
	if err := lifecycle.TryListening(ctx, "admin listener", c.AdminAddress(), adminSetting); err != nil {
		return err
	}
	for _, l := range c.listeners() {
		name, setting := l.module, l.key
		if c.module(l.module).Public {
			name, setting = "public", publicSetting
		}
		if err := lifecycle.TryListening(ctx, name+" listener", l.address, setting); err != nil {
			return err
		}
	}
	return nil
}

// autoURL is the public URL that follows from the address of the public listener.
const autoURL = "auto"

// PublicURL is what the world calls the service, with "auto" worked out: https:// and the address of the public listener, as
// browsers write it, and localhost where that is on every interface. It is "" where there is no such address.
func (c Config) PublicURL() string {
	if c.Server.PublicURL != autoURL {
		return c.Server.PublicURL
	}
	host, port, err := config.SplitAddress(c.Server.Address)
	if err != nil {
		return ""
	}
	if config.Everywhere(host) {
		host = "localhost"
	}
	authority := strings.ToLower(net.JoinHostPort(host, strconv.Itoa(port)))
	return "https://" + strings.TrimSuffix(authority, ":443")
}

// PublicHosts are what the public listener is called in a certificate of the public root: the host of the public URL, and
// that of the listener, unless it is on every interface or names one (fe80::1%eth0). What is on loopback is there by each
// of loopback's names.
func (c Config) PublicHosts() []string {
	var all []string
	if host := c.publicHost(); host != "" {
		all = append(all, host)
	}
	if host, _, err := config.SplitAddress(c.Server.Address); err == nil && !config.Everywhere(host) && !strings.Contains(host, "%") {
		all = append(all, host)
	}
	if slices.ContainsFunc(all, config.Loopback) {
		all = append(all, "localhost", "127.0.0.1", "::1")
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// publicHost is the host of the public URL.
func (c Config) publicHost() string {
	public, err := url.Parse(c.PublicURL())
	if err != nil {
		return "" // [Load] has refused it
	}
	return public.Hostname()
}

// AdminAddress is host:port of the health and metrics listener, with "auto" worked out: the port of the first of this
// process's [Config.Listeners] + 100 (9190 for 9090), or again the system's choice for port 0, on that listener's host
// where that is loopback and on localhost where it is not.
func (c Config) AdminAddress() string {
	listeners := c.listeners()
	if c.Server.AdminAddress != adminAuto || len(listeners) == 0 {
		return c.Server.AdminAddress
	}
	host, port := listeners[0].host, listeners[0].port
	if !config.Loopback(host) {
		host = "localhost"
	}
	if port != 0 {
		port += adminOffset
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
