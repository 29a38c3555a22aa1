package system

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"oms/modules/sts"
	"oms/platform/config"
	"oms/platform/forwarded"
	"oms/platform/pki"
)

// serverProblems judges how this process is reached, and what it is to host.
func (c *Config) serverProblems() []config.Problem {
	s := c.Server
	_, port, badAddress := config.SplitAddress(s.Address)
	var badURL error
	switch {
	case s.PublicURL != autoURL:
		badURL = config.CheckOrigin(s.PublicURL)
	case badAddress == nil && port == 0:
		badURL = errors.New("is auto, and server.address lets the system choose a port, which nobody would know; write a port there, or what the world calls the service here")
	case badAddress == nil && config.CheckOrigin(c.PublicURL()) != nil:
		badURL = fmt.Errorf("is auto, and %s is no address for browsers; write what the world calls the service, such as https://localhost:9090", s.Address)
	}
	return slices.Concat(
		config.When(badAddress != nil, "address", "%v", badAddress),
		config.When(badURL != nil, "public_url", "%v", badURL),
		c.hostingProblems(),
		config.Between("shutdown_timeout", s.ShutdownTimeout, 10*time.Minute),
		config.When(s.TLS.CertFile == "" && s.TLS.KeyFile != "", "tls.cert_file", "is missing beside server.tls.key_file; set both or neither"),
		config.When(s.TLS.CertFile != "" && s.TLS.KeyFile == "", "tls.key_file", "is missing beside server.tls.cert_file; set both or neither"),
		config.File("tls.cert_file", s.TLS.CertFile),
		config.File("tls.key_file", s.TLS.KeyFile),
		s.TLS.problems(),
		s.CORS.problems(),
		s.proxyProblems(),
		config.WithinSize("limits.memory", s.Limits.Memory, leastMemory, 64*config.GiB),
		config.WithinNumber("limits.requests", s.Limits.Requests, 16, 1_000_000),
		config.Under("limits.rates", s.Limits.Rates.Problems()),
	)
}

// problems judges whether the files that are there hold a certificate and its key.
func (t TLS) problems() []config.Problem {
	if len(config.File("", t.CertFile)) > 0 || len(config.File("", t.KeyFile)) > 0 || t.CertFile == "" || t.KeyFile == "" {
		return nil // which is told already
	}
	_, err := pki.LoadServerCertificate(t.CertFile, t.KeyFile, slog.New(slog.DiscardHandler))
	return config.When(err != nil, "tls.cert_file", "%v", err)
}

// leastMemory lets a quarter of it, which is what one user can hold, hold the largest body and what reading it takes.
const leastMemory = 16 * config.MiB

// problems judges each of the origins alone.
func (c CORS) problems() (list []config.Problem) {
	for i, origin := range c.Origins {
		err := config.CheckBrowserOrigin(origin)
		list = append(list, config.When(err != nil, fmt.Sprintf("cors.origins[%d]", i), "%v", err)...)
	}
	return list
}

// proxyProblems judges each of the networks alone.
func (s Server) proxyProblems() (list []config.Problem) {
	for i, network := range s.TrustedProxies {
		_, err := forwarded.ParseNetworks([]string{network})
		list = append(list, config.When(err != nil, fmt.Sprintf("trusted_proxies[%d]", i), "%v", err)...)
	}
	return list
}

func (c *Config) hostingProblems() []config.Problem {
	const key = "modules"
	hosted, every := c.Server.Modules, strings.Join(c.names(), ", ")
	list := config.When(len(hosted) == 0, key, "names nothing to host; write all, or some of %s", every)
	for i, name := range hosted {
		switch {
		case slices.Contains(hosted[:i], name):
			list = append(list, config.Problemf(key, "names %q twice; keep one", name))
		case name == allModules && len(hosted) > 1:
			list = append(list, config.Problemf(key, "names %q beside others; write it alone, or leave it out", allModules))
		case name != allModules && !slices.Contains(c.names(), name):
			list = append(list, config.Problemf(key, "%q is not a module; write all, or some of %s", name, every))
		}
	}
	return list
}

// problems judges where a module is, also one that is not hosted here: an installation has one file.
func (a *ModuleAddress) problems(example string) []config.Problem {
	_, badURL := config.HostPort(a.URL, example)
	_, _, badListen := config.SplitAddress(a.Listen)
	return slices.Concat(
		config.When(a.URL != "" && badURL != nil, "url", "%v", badURL),
		config.When(a.Listen != "" && badListen != nil, "listen", "%v", badListen),
	)
}

// processProblems judges where this process is reached, and what it keeps. Keys are whole ones.
func (c *Config) processProblems() []config.Problem {
	return slices.Concat(
		c.listenerProblems(), c.adminProblems(),
		config.When(c.DataDir == "", "data_dir", "is empty; write a directory, such as data"),
		c.accessProblems(),
	)
}

// listenerProblems judges the listeners of this process beside each other, and where it finds the STS.
func (c Config) listenerProblems() []config.Problem {
	var list []config.Problem
	listeners := c.listeners()
	for i, l := range listeners {
		unset := c.Module(l.module) == (ModuleAddress{}) && !c.module(l.module).Public
		list = append(list, config.When(unset, l.key,
			"is empty, and this process hosts %s for other processes; write where they find it, such as %s, or set modules.%s.listen",
			l.module, c.example(l.module), l.module)...)
		if other := slices.IndexFunc(listeners[:i], l.collides); other >= 0 {
			list = append(list, config.Problemf(l.key, "listens on %s, where %s listens already; write another port", l.address, listeners[other].key))
		}
	}
	return append(list, config.When(!c.Hosts(sts.Name) && c.Module(sts.Name).URL == "", "modules."+sts.Name+".url",
		"is empty, and the sts is hosted by another process, without which this one can prove itself to nobody; write for example %s", c.example(sts.Name))...)
}

// collides reports whether two listeners cannot be open at the same time. Hosts are compared as they are written: the
// system finds out what else is the same.
func (l listener) collides(other listener) bool {
	return l.port == other.port && l.port != 0 &&
		(strings.EqualFold(l.host, other.host) || config.Everywhere(l.host) || config.Everywhere(other.host))
}

// adminProblems judges the admin listener: it speaks plain HTTP to whoever asks, so it stays on this machine.
func (c Config) adminProblems() []config.Problem {
	const key = "server.admin_address"
	listeners, auto := c.listeners(), c.Server.AdminAddress == adminAuto
	if auto && len(listeners) == 0 {
		return nil // which is told of server.modules
	}
	host, port, err := config.SplitAddress(c.AdminAddress())
	switch {
	case err != nil && auto:
		return []config.Problem{config.Problemf(key, "auto is the port of %s (%d) + %d, which does not exist; write for example localhost:9190",
			listeners[0].key, listeners[0].port, adminOffset)}
	case err != nil:
		return []config.Problem{config.Problemf(key, "%v, or auto", err)}
	case !config.Loopback(host):
		return []config.Problem{config.Problemf(key, "%q is not on loopback, and this listener has neither TLS nor sign-in; write %s",
			c.Server.AdminAddress, net.JoinHostPort("localhost", strconv.Itoa(port)))}
	}
	taken := slices.IndexFunc(listeners, func(l listener) bool { return l.port == port && port != 0 })
	if taken < 0 {
		return nil
	}
	return slices.Concat(
		config.When(auto, key, "auto is port %d here, which is that of %s; write localhost: and another port", port, listeners[taken].key),
		config.When(!auto, key, "has the port of %s (%d); write another one, or auto", listeners[taken].key, port),
	)
}

// example is a module's URL as it could be written.
func (c Config) example(name string) string {
	return cmp.Or(c.module(name).URL, "https://localhost:PORT")
}

// demoProblems keeps accounts whose passwords everyone knows away from everyone.
func (c *Config) demoProblems() (list []config.Problem) {
	people := c.Hosts(sts.Name) || c.Hosts(c.publicName()) // elsewhere nobody signs in
	if !c.Demo.Enabled || c.Demo.AllowRemote || !people {
		return nil
	}
	for _, key := range c.remote() {
		list = append(list, config.Problemf("enabled",
			"the demo passwords are public and %s is not on loopback; set demo.enabled to false, or demo.allow_remote to true", key))
	}
	return list
}

// remote are the keys, each with its value, that let others than this machine reach this process: its own listeners, and
// what the world calls the service, which may be a proxy in front of a listener on loopback.
func (c Config) remote() (keys []string) {
	for _, l := range c.listeners() {
		if l.valid && !config.Loopback(l.host) {
			keys = append(keys, fmt.Sprintf("%s %q", l.key, l.address))
		}
	}
	if public, err := url.Parse(c.PublicURL()); err == nil && c.Server.PublicURL != autoURL && public.Host != "" && !config.Loopback(public.Hostname()) {
		keys = append(keys, fmt.Sprintf("server.public_url %q", c.Server.PublicURL))
	}
	return keys
}

// Problems is everything about it that cannot stay.
func (l Log) Problems() []config.Problem {
	return slices.Concat(
		config.OneOf("level", l.Level, "debug", "info", "warn", "error"),
		config.OneOf("format", l.Format, "text", "json"),
	)
}

// Problems is everything about it that cannot stay.
func (d Database) Problems() []config.Problem {
	return config.WithinSize("min_free", d.MinFree, 0, 1024*config.GiB)
}

// maxDomain is the longest trust domain: it is the organisation in our certificates, which X.520 limits to 64.
const maxDomain = 64

// shortestCertificate is the shortest lifetime of a certificate: it is renewed at half of that, and clocks differ.
const shortestCertificate = time.Minute

// shortestFeedAge is the least that a process may go on without the STS: it asks every second, and a busy machine is late.
const shortestFeedAge = 5 * time.Second

// Problems is everything about it that cannot stay, but for the issuers.
func (t Trust) Problems() []config.Problem {
	// A root is constrained to its domain, and can be only to what could be a host's name.
	_, notAddress := netip.ParseAddr(t.Domain)
	named := strings.Trim(t.Domain, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == "" && !slices.Contains(strings.Split(t.Domain, "."), "") && notAddress != nil
	lifetimes := slices.Concat(
		config.Within("feed_max_age", t.FeedMaxAge, shortestFeedAge, 24*time.Hour),
		config.Within("certificate_ttl", t.CertificateTTL, shortestCertificate, 30*24*time.Hour),
		config.Between("root_announcement", t.RootAnnouncement, 30*24*time.Hour),
		config.Between("root_overlap", t.RootOverlap, 365*24*time.Hour),
		config.Between("workload_key_overlap", t.WorkloadKeyOverlap, 24*time.Hour),
	)
	return slices.Concat(
		config.When(len(t.Domain) > maxDomain || !named, "domain",
			"%q is not a trust domain; write a name of 1 to %d of a-z, 0-9, dot, - and _, such as orders.local", t.Domain, maxDomain),
		config.OneOf("profile", t.Profile, profileNames()...),
		lifetimes,
		config.When(len(lifetimes) == 0 && t.RootOverlap < t.CertificateTTL, "root_overlap",
			"%s is shorter than trust.certificate_ttl, so certificates would end before their time; write %s or more",
			config.Duration(t.RootOverlap), config.Duration(t.CertificateTTL)),
	)
}

// issuerProblems judges the external issuers, alone, beside each other and beside our own.
func (c *Config) issuerProblems() (list []config.Problem) {
	seen := map[string]bool{}
	for i, issuer := range c.Trust.Issuers {
		at := fmt.Sprintf("issuers[%d]", i)
		switch {
		case issuer.Issuer != "" && issuer.Issuer == c.PublicURL():
			list = append(list, config.Problemf(at+".issuer", "%q is server.public_url; our own tokens are trusted without being listed", issuer.Issuer))
		case seen[issuer.Issuer]:
			list = append(list, config.Problemf(at+".issuer", "%q is listed twice; keep one", issuer.Issuer))
		}
		seen[issuer.Issuer] = issuer.Issuer != ""
		list = append(list, config.Under(at, issuer.Problems())...)
	}
	return list
}
