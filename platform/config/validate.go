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
		c.adminProblems(),
		c.pathProblems(),
		c.Trust.problems(c.Server.PublicURL),
		between("sts.access_token_ttl", c.STS.AccessTokenTTL, 24*time.Hour),
		between("sts.session_ttl", c.STS.SessionTTL, 30*24*time.Hour),
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

// adminProblems judges the admin listener: it speaks plain HTTP to whoever asks, so it stays on this machine.
func (c Config) adminProblems() []problem {
	const key = "server.admin_address"
	_, publicPort, publicErr := splitAddress(c.Server.Address)
	if c.Server.AdminAddress == adminAuto {
		if publicErr == nil && publicPort+adminOffset > 65535 {
			return []problem{problemf(key, "auto is port %d + %d, which does not exist; write for example localhost:9190", publicPort, adminOffset)}
		}
		return nil
	}
	host, port, err := splitAddress(c.Server.AdminAddress)
	switch {
	case err != nil:
		return []problem{problemf(key, "%v, or auto", err)}
	case !loopback(host):
		return []problem{problemf(key, "%q is not on loopback, and this listener has neither TLS nor sign-in; write %s",
			c.Server.AdminAddress, net.JoinHostPort("localhost", strconv.Itoa(port)))}
	case publicErr == nil && port == publicPort && port != 0:
		return []problem{problemf(key, "has the port of server.address (%d); write another one, or auto", port)}
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
	host, _, err := splitAddress(c.Server.Address)
	if err != nil || !c.Demo.Enabled || c.Demo.AllowRemote || loopback(host) {
		return nil
	}
	return []problem{problemf("demo.enabled", "the demo passwords are public and server.address %q is not on loopback; "+
		"set demo.enabled to false, or demo.allow_remote to true", c.Server.Address)}
}

// least is the shortest duration that any key takes: below it the unit was forgotten.
const least = time.Second

// between judges a duration. A bound that is too wide is as bad as none, so each key has its own.
func between(key string, d, most time.Duration) []problem {
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
