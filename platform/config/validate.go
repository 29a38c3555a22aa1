package config

import (
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// problems is everything about the values that cannot stay, in the order of the struct.
func (c Config) problems() []problem {
	return slices.Concat(
		c.Server.problems(),
		c.Modules.problems(),
		c.listenerProblems(),
		c.adminProblems(),
		c.pathProblems(),
		c.Trust.problems(c.Server.PublicURL),
		between("sts.access_token_ttl", c.STS.AccessTokenTTL, 24*time.Hour),
		between("sts.session_ttl", c.STS.SessionTTL, 30*24*time.Hour),
		between("sts.internal_token_ttl", c.STS.InternalTokenTTL, time.Hour),
		within("sts.transaction_token_ttl", c.STS.TransactionTokenTTL, shortestTransaction, time.Minute),
		between("sts.workload_token_ttl", c.STS.WorkloadTokenTTL, 24*time.Hour),
		between("sts.signing_key_announcement", c.STS.SigningKeyAnnouncement, 24*time.Hour),
		between("sts.signing_key_overlap", c.STS.SigningKeyOverlap, 30*24*time.Hour),
		between("order.pending_timeout", c.Order.PendingTimeout, 7*24*time.Hour),
		c.demoProblems(),
		oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error"),
		oneOf("log.format", c.Log.Format, "text", "json"),
	)
}

func (s Server) problems() []problem {
	var list []problem
	if _, _, err := splitAddress(s.Address); err != nil {
		list = append(list, problemf("server.address", "%v", err))
	}
	if err := checkPublicURL(s.PublicURL); err != nil {
		list = append(list, problemf("server.public_url", "%v", err))
	}
	list = append(list, s.moduleProblems()...)
	list = append(list, between("server.shutdown_timeout", s.ShutdownTimeout, 10*time.Minute)...)
	switch {
	case s.TLS.CertFile == "" && s.TLS.KeyFile != "":
		list = append(list, problemf("server.tls.cert_file", "is missing beside server.tls.key_file; set both or neither"))
	case s.TLS.CertFile != "" && s.TLS.KeyFile == "":
		list = append(list, problemf("server.tls.key_file", "is missing beside server.tls.cert_file; set both or neither"))
	}
	list = append(list, file("server.tls.cert_file", s.TLS.CertFile)...)
	return append(list, file("server.tls.key_file", s.TLS.KeyFile)...)
}

func (s Server) moduleProblems() []problem {
	const key = "server.modules"
	if len(s.Modules) == 0 {
		return []problem{problemf(key, "names nothing to host; write all, or some of %s", strings.Join(moduleNames(), ", "))}
	}
	var list []problem
	seen := map[string]bool{}
	for _, name := range s.Modules {
		switch {
		case seen[name]:
			list = append(list, problemf(key, "names %q twice; keep one", name))
		case name == allModules && len(s.Modules) > 1:
			list = append(list, problemf(key, "names %q beside others; write it alone, or leave it out", allModules))
		case name != allModules && !slices.Contains(moduleNames(), name):
			list = append(list, problemf(key, "%q is not a module; write all, or some of %s", name, strings.Join(moduleNames(), ", ")))
		}
		seen[name] = true
	}
	return list
}

// problems judges the addresses of all modules, also of those that are not hosted here: an installation has one file.
func (m Modules) problems() []problem {
	defaults := Defaults().Modules
	return slices.Concat(
		m.STS.problems("modules.sts.", defaults.STS.URL),
		m.Order.problems("modules.order.", defaults.Order.URL),
		m.Inventory.problems("modules.inventory.", defaults.Inventory.URL),
	)
}

func (a ModuleAddress) problems(key, example string) []problem {
	var list []problem
	if a.URL != "" {
		if _, err := moduleAddress(a.URL, example); err != nil {
			list = append(list, problemf(key+"url", "%v", err))
		}
	}
	if a.Listen != "" {
		if _, _, err := splitAddress(a.Listen); err != nil {
			list = append(list, problemf(key+"listen", "%v", err))
		}
	}
	return list
}

// listenerProblems judges where this process can be reached, and where it finds the STS.
func (c Config) listenerProblems() []problem {
	list := c.addressProblems()
	if !c.Hosts("sts") && c.Modules.STS.URL == "" {
		list = append(list, problemf("modules.sts.url", "is empty, and the sts is hosted by another process, without which this one can prove itself to nobody; "+
			"write for example https://localhost:9445"))
	}
	return list
}

// addressProblems judges the listeners of this process beside each other.
func (c Config) addressProblems() []problem {
	var list []problem
	listeners := c.Listeners()
	for i, module := range listeners {
		if c.Module(module) == (ModuleAddress{}) && module != gateway {
			list = append(list, problemf("modules."+module+".url",
				"is empty, and this process hosts %s for other processes; write where they find it, such as %s, or set modules.%s.listen",
				module, Defaults().Module(module).URL, module))
		}
		for _, earlier := range listeners[:i] {
			if address := c.ListenAddress(module); collide(c.ListenAddress(earlier), address) {
				list = append(list, problemf(c.listenKey(module), "listens on %s, where %s listens already; write another port", address, c.listenKey(earlier)))
				break
			}
		}
	}
	return list
}

// collide reports whether two listeners cannot be open at the same time. Hosts are compared as they are written: the
// system finds out what else is the same.
func collide(a, b string) bool {
	hostA, portA, errA := splitAddress(a)
	hostB, portB, errB := splitAddress(b)
	if errA != nil || errB != nil || portA != portB || portA == 0 {
		return false
	}
	return strings.EqualFold(hostA, hostB) || everywhere(hostA) || everywhere(hostB)
}

// adminProblems judges the admin listener: it speaks plain HTTP to whoever asks, so it stays on this machine.
func (c Config) adminProblems() []problem {
	const key = "server.admin_address"
	auto := c.Server.AdminAddress == adminAuto
	listeners := c.Listeners()
	if auto && len(listeners) == 0 {
		return nil // which is told of server.modules
	}
	if auto {
		_, first, _ := splitAddress(c.ListenAddress(listeners[0])) // what is wrong with it is told of the listener
		if first+adminOffset > 65535 {
			return []problem{problemf(key, "auto is the port of %s (%d) + %d, which does not exist; write for example localhost:9190",
				c.listenKey(listeners[0]), first, adminOffset)}
		}
	}
	host, port, err := splitAddress(c.AdminAddress())
	switch {
	case err != nil:
		return []problem{problemf(key, "%v, or auto", err)}
	case !loopback(host):
		return []problem{problemf(key, "%q is not on loopback, and this listener has neither TLS nor sign-in; write %s",
			c.Server.AdminAddress, net.JoinHostPort("localhost", strconv.Itoa(port)))}
	}
	for _, module := range listeners {
		_, taken, err := splitAddress(c.ListenAddress(module))
		switch {
		case err != nil || taken != port || port == 0:
		case auto:
			return []problem{problemf(key, "auto is port %d here, which is that of %s; write localhost: and another port", port, c.listenKey(module))}
		default:
			return []problem{problemf(key, "has the port of %s (%d); write another one, or auto", c.listenKey(module), port)}
		}
	}
	return nil
}

func (c Config) pathProblems() []problem {
	if c.DataDir == "" {
		return []problem{problemf("data_dir", "is empty; write a directory, such as data")}
	}
	return nil
}

// demoProblems keeps accounts whose passwords everyone knows away from everyone.
func (c Config) demoProblems() []problem {
	if !c.Demo.Enabled || c.Demo.AllowRemote {
		return nil
	}
	var list []problem
	for _, module := range c.Listeners() {
		address := c.ListenAddress(module)
		if host, _, err := splitAddress(address); err == nil && !loopback(host) {
			list = append(list, problemf("demo.enabled", "the demo passwords are public and %s %q is not on loopback; "+
				"set demo.enabled to false, or demo.allow_remote to true", c.listenKey(module), address))
		}
	}
	return list
}

// least is the shortest duration that nearly every key takes: below it the unit was forgotten.
const least = time.Second

// shortestTransaction is the shortest life of a transaction token: that of one request, with what it waits for.
const shortestTransaction = 15 * time.Second

// between judges a duration. A bound that is too wide is as bad as none, so each key has its own.
func between(key string, d, most time.Duration) []problem { return within(key, d, least, most) }

// within is [between] for a key that has a lower bound of its own.
func within(key string, d, least, most time.Duration) []problem {
	if d < least || d > most {
		return []problem{problemf(key, "%s is out of bounds; write a duration from %s to %s", duration(d), duration(least), duration(most))}
	}
	return nil
}

func oneOf(key, value string, allowed ...string) []problem {
	if !slices.Contains(allowed, value) {
		return []problem{problemf(key, "%q is not one of %s", value, strings.Join(allowed, ", "))}
	}
	return nil
}

// file judges the path of a file to be read; what is in it is for its reader to judge. An empty path is not judged.
func file(key, path string) []problem {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return []problem{problemf(key, "cannot read %s: %v", path, bare(err))}
	case info.IsDir():
		return []problem{problemf(key, "%s is a directory; write the path of a file", path)}
	}
	return nil
}
