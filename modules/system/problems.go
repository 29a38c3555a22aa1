package system

import (
	"cmp"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"oms/modules/sts"
	"oms/platform/config"
)

// serverProblems judges how this process is reached, and what it is to host.
func (c *Config) serverProblems() []config.Problem {
	s := c.Server
	_, _, err := config.SplitAddress(s.Address)
	list := slices.Concat(
		config.Judged("address", err),
		config.Judged("public_url", config.CheckOrigin(s.PublicURL)),
		c.hostingProblems(),
		config.Between("shutdown_timeout", s.ShutdownTimeout, 10*time.Minute),
	)
	switch {
	case s.TLS.CertFile == "" && s.TLS.KeyFile != "":
		list = append(list, config.Problemf("tls.cert_file", "is missing beside server.tls.key_file; set both or neither"))
	case s.TLS.CertFile != "" && s.TLS.KeyFile == "":
		list = append(list, config.Problemf("tls.key_file", "is missing beside server.tls.cert_file; set both or neither"))
	}
	return slices.Concat(list, config.File("tls.cert_file", s.TLS.CertFile), config.File("tls.key_file", s.TLS.KeyFile))
}

func (c *Config) hostingProblems() []config.Problem {
	const key = "modules"
	every := strings.Join(c.names(), ", ")
	if len(c.Server.Modules) == 0 {
		return []config.Problem{config.Problemf(key, "names nothing to host; write all, or some of %s", every)}
	}
	var list []config.Problem
	seen := map[string]bool{}
	for _, name := range c.Server.Modules {
		switch {
		case seen[name]:
			list = append(list, config.Problemf(key, "names %q twice; keep one", name))
		case name == allModules && len(c.Server.Modules) > 1:
			list = append(list, config.Problemf(key, "names %q beside others; write it alone, or leave it out", allModules))
		case name != allModules && !slices.Contains(c.names(), name):
			list = append(list, config.Problemf(key, "%q is not a module; write all, or some of %s", name, every))
		}
		seen[name] = true
	}
	return list
}

// problems judges where a module is, also one that is not hosted here: an installation has one file.
func (a *ModuleAddress) problems(example string) []config.Problem {
	var urlErr, listenErr error
	if a.URL != "" {
		_, urlErr = config.HostPort(a.URL, example)
	}
	if a.Listen != "" {
		_, _, listenErr = config.SplitAddress(a.Listen)
	}
	return slices.Concat(config.Judged("url", urlErr), config.Judged("listen", listenErr))
}

// processProblems judges where this process is reached, and what it keeps. Keys are whole ones.
func (c *Config) processProblems() []config.Problem {
	list := slices.Concat(c.listenerProblems(), c.adminProblems())
	if c.DataDir == "" {
		list = append(list, config.Problemf("data_dir", "is empty; write a directory, such as data"))
	}
	return list
}

// listenerProblems judges the listeners of this process beside each other, and where it finds the STS.
func (c Config) listenerProblems() []config.Problem {
	var list []config.Problem
	listeners := c.Listeners()
	for i, name := range listeners {
		if c.Module(name) == (ModuleAddress{}) && !c.module(name).Public {
			list = append(list, config.Problemf("modules."+name+".url",
				"is empty, and this process hosts %s for other processes; write where they find it, such as %s, or set modules.%s.listen",
				name, c.example(name), name))
		}
		for _, earlier := range listeners[:i] {
			if address := c.ListenAddress(name); collide(c.ListenAddress(earlier), address) {
				list = append(list, config.Problemf(c.listenKey(name), "listens on %s, where %s listens already; write another port", address, c.listenKey(earlier)))
				break
			}
		}
	}
	if !c.Hosts(sts.Name) && c.Module(sts.Name).URL == "" {
		list = append(list, config.Problemf("modules."+sts.Name+".url", "is empty, and the sts is hosted by another process, without which this one can prove itself to nobody; "+
			"write for example %s", c.example(sts.Name)))
	}
	return list
}

// collide reports whether two listeners cannot be open at the same time. Hosts are compared as they are written: the
// system finds out what else is the same.
func collide(a, b string) bool {
	hostA, portA, errA := config.SplitAddress(a)
	hostB, portB, errB := config.SplitAddress(b)
	if errA != nil || errB != nil || portA != portB || portA == 0 {
		return false
	}
	return strings.EqualFold(hostA, hostB) || config.Everywhere(hostA) || config.Everywhere(hostB)
}

// adminProblems judges the admin listener: it speaks plain HTTP to whoever asks, so it stays on this machine.
func (c Config) adminProblems() []config.Problem {
	const key = "server.admin_address"
	auto := c.Server.AdminAddress == adminAuto
	listeners := c.Listeners()
	if auto && len(listeners) == 0 {
		return nil // which is told of server.modules
	}
	if auto {
		_, first, _ := config.SplitAddress(c.ListenAddress(listeners[0])) // what is wrong with it is told of the listener
		if first+adminOffset > 65535 {
			return []config.Problem{config.Problemf(key, "auto is the port of %s (%d) + %d, which does not exist; write for example localhost:9190",
				c.listenKey(listeners[0]), first, adminOffset)}
		}
	}
	host, port, err := config.SplitAddress(c.AdminAddress())
	switch {
	case err != nil:
		return []config.Problem{config.Problemf(key, "%v, or auto", err)}
	case !config.Loopback(host):
		return []config.Problem{config.Problemf(key, "%q is not on loopback, and this listener has neither TLS nor sign-in; write %s",
			c.Server.AdminAddress, net.JoinHostPort("localhost", strconv.Itoa(port)))}
	}
	for _, name := range listeners {
		_, taken, err := config.SplitAddress(c.ListenAddress(name))
		switch {
		case err != nil || taken != port || port == 0:
		case auto:
			return []config.Problem{config.Problemf(key, "auto is port %d here, which is that of %s; write localhost: and another port", port, c.listenKey(name))}
		default:
			return []config.Problem{config.Problemf(key, "has the port of %s (%d); write another one, or auto", c.listenKey(name), port)}
		}
	}
	return nil
}

// example is a module's URL as it could be written.
func (c Config) example(name string) string {
	return cmp.Or(c.module(name).URL, "https://localhost:PORT")
}

// demoProblems keeps accounts whose passwords everyone knows away from everyone.
func (c *Config) demoProblems() []config.Problem {
	if !c.Demo.Enabled || c.Demo.AllowRemote {
		return nil
	}
	var list []config.Problem
	for _, name := range c.Listeners() {
		address := c.ListenAddress(name)
		if host, _, err := config.SplitAddress(address); err == nil && !config.Loopback(host) {
			list = append(list, config.Problemf("enabled", "the demo passwords are public and %s %q is not on loopback; "+
				"set demo.enabled to false, or demo.allow_remote to true", c.listenKey(name), address))
		}
	}
	return list
}

// Problems is everything about it that cannot stay.
func (l Log) Problems() []config.Problem {
	return slices.Concat(
		config.OneOf("level", l.Level, "debug", "info", "warn", "error"),
		config.OneOf("format", l.Format, "text", "json"),
	)
}
