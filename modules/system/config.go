package system

import (
	"time"

	"oms/platform/config"
	"oms/platform/issuers"
	"oms/platform/limits"
	"oms/platform/module"
)

// Config is everything that can be configured, of the process and of its modules. Keys are the koanf tags joined by dots
// (server.tls.cert_file, in the environment APP_SERVER__TLS__CERT_FILE). Keys are added, and never change their meaning.
type Config struct {
	Server Server

	// Modules is where the modules that are not public are, by name, for the processes that do not host them. The same
	// settings hold in every process of an installation; a process that hosts all modules uses none of them.
	Modules map[string]*ModuleAddress

	Data
	Database Database
	Trust    Trust
	Settings map[string]any // the modules' own, by name: what [module.Module.Settings] made. See [SettingsOf].
	Demo     Demo
	Log      Log

	modules []module.Module // all that there are, in the order of [module.Sorted]
}

// Data is what the process keeps.
type Data struct {
	DataDir string `koanf:"data_dir" kind:"path"` // databases, keys and certificates; made with mode 0700 where it is missing
}

// Database is how every module keeps its database.
type Database struct {
	// MinFree is how much is to stay free on the disk of a database (0 to 1024 GiB). Below it, what adds is refused with 503,
	// and what reads, finishes or frees goes on. 0 refuses nothing before the disk is full.
	MinFree config.Size `koanf:"min_free"`
}

// Server is how this process is reached.
type Server struct {
	// Address is host:port of the public HTTPS listener, in the process that hosts the gateway. An empty host listens
	// on every interface; port 0 lets the system choose one.
	Address string `koanf:"address"`

	// PublicURL is what the world calls the service: the issuer of its tokens, their audience at the edge, and the base
	// of redirects. It is https://host or https://host:port, without a path, in lower case, as browsers send it; "auto" is
	// that of Address ([Config.PublicURL]).
	PublicURL string `koanf:"public_url"`

	// AdminAddress is host:port of the health and metrics listener: plain HTTP, so on loopback only. "auto" is the port
	// of this process's first listener + 100 ([Config.AdminAddress]).
	AdminAddress string `koanf:"admin_address"`

	Modules         []string      `koanf:"modules"`          // what this process hosts: "all", or any of the modules' names
	ShutdownTimeout time.Duration `koanf:"shutdown_timeout"` // how long a stopping process waits for accepted requests (1s to 10m)
	TLS             TLS           `koanf:"tls"`

	CORS CORS `koanf:"cors"`

	// TrustedProxies are the networks (CIDR) and addresses of the proxies in front of the public listener. Forwarded (RFC
	// 7239) and X-Forwarded-For are believed from them alone; without them a request is from whoever has connected.
	TrustedProxies []string `koanf:"trusted_proxies"`

	Limits Limits `koanf:"limits"`
}

// Limits bound what anybody can take of this process.
type Limits struct {
	// Memory is what all requests under way may hold together, their bodies and unread answers (16 MiB to 64 GiB). One user
	// or one address holds a quarter of it at most. What the process takes besides is some 100 MiB.
	Memory config.Size `koanf:"memory"`

	Requests int64 `koanf:"requests"` // how many requests are served at once, a quarter of them for one user or one address (16 to 1,000,000)

	Rates limits.RateSettings `koanf:"rates"` // how often clients may come to the public listener
}

// ModuleAddress is where one module is found, and where it listens.
type ModuleAddress struct {
	// URL is where other processes find the module: https://host:port. Empty, the module is not assigned: calls to it
	// from other processes fail at once.
	URL string `koanf:"url"`

	// Listen is host:port where the module listens, when that differs from host and port of URL, for example because
	// URL names a machine or a balancer and the listener is to be on every interface. Empty is host and port of URL.
	Listen string `koanf:"listen"`
}

// CORS is what scripts of other sites may do in a browser (Fetch, 3.3).
type CORS struct {
	// Origins are those whose scripts may read what the API and the key set answer, exactly as browsers send them:
	// https://shop.example.com.
	Origins []string `koanf:"origins"`
}

// TLS is the certificate of the public listener: both files are set, or neither is, and the public root issues one.
type TLS struct {
	CertFile string `koanf:"cert_file" kind:"path"` // the certificate chain in PEM, leaf first
	KeyFile  string `koanf:"key_file" kind:"path"`  // the private key in PEM that belongs to it
}

// Trust is whom this installation believes.
type Trust struct {
	// Domain names the installation in certificates and internal tokens: spiffe://DOMAIN/MODULE. The private root is
	// made for it, so it cannot change afterwards.
	Domain string `koanf:"domain"`

	// Profile is how modules of different processes prove to each other who calls and for whom: exchange, transaction or
	// peer, the same in all processes. docs/trust.md compares them.
	Profile string `koanf:"profile"`

	// FeedMaxAge is how long a process that hears nothing from the STS goes on letting users in by what it knew (5s to
	// 24h). After that users' calls are refused there until it hears again; what nobody is behind goes on.
	FeedMaxAge time.Duration `koanf:"feed_max_age"`

	CertificateTTL   time.Duration `koanf:"certificate_ttl"`   // the lifetime of the certificates of modules (1m to 720h); they are renewed at half of it
	RootAnnouncement time.Duration `koanf:"root_announcement"` // how long a new root is trusted everywhere before it signs (1s to 720h)

	// RootOverlap is how long a replaced root is still trusted after the new one signs (1s to 8760h). It is at
	// least CertificateTTL, because certificates end with the trust in the root that has signed them.
	RootOverlap time.Duration `koanf:"root_overlap"`

	WorkloadKeyOverlap time.Duration    `koanf:"workload_key_overlap"` // how long a replaced key of a module still counts (profile peer; 1s to 24h)
	Issuers            []issuers.Issuer `koanf:"issuers"`              // the external issuers whose access tokens the gateway accepts
}

// Demo is the demonstration data: users with known passwords, and stock.
type Demo struct {
	Enabled     bool `koanf:"enabled"`      // seeds the demo data; off, demo accounts cannot sign in, also those seeded earlier
	AllowRemote bool `koanf:"allow_remote"` // permits the demo accounts, whose passwords are public, where a listener or the host of public_url is not on loopback
}

// Log is what the process tells about itself on standard error.
type Log struct {
	Level  string `koanf:"level"`  // the least severe level that is written: debug, info, warn or error
	Format string `koanf:"format"` // text, for people, or json, for collectors
}

// Defaults is the configuration of a process that is told nothing: all of the modules in one process, on loopback.
func Defaults(modules []module.Module) Config {
	c := Config{
		Server: Server{
			PublicURL:       autoURL,
			AdminAddress:    adminAuto,
			Modules:         []string{allModules},
			ShutdownTimeout: 30 * time.Second, // what Kubernetes grants before it kills
			CORS:            CORS{Origins: []string{}},
			TrustedProxies:  []string{},
			Limits:          limitDefaults(),
		},
		Modules: map[string]*ModuleAddress{},
		Data:    Data{DataDir: "data"},
		// Four times what a write-ahead log may take for a while, so that what frees always has room.
		Database: Database{MinFree: 256 * config.MiB},
		Trust: Trust{
			Domain:           "orders.local",
			Profile:          profileNames()[0],
			FeedMaxAge:       15 * time.Minute, // the STS can be moved to another machine meanwhile
			CertificateTTL:   24 * time.Hour,
			RootAnnouncement: time.Hour,
			RootOverlap:      48 * time.Hour, // twice certificate_ttl: a renewal may be late

			WorkloadKeyOverlap: 5 * time.Minute, // longer than any attempt is under way
			Issuers:            []issuers.Issuer{},
		},
		Settings: map[string]any{},
		Demo:     Demo{Enabled: true},
		Log:      Log{Level: "info", Format: "text"},
		modules:  module.Sorted(modules),
	}
	for _, m := range c.modules {
		if m.Public {
			c.Server.Address, _ = config.HostPort(m.URL, "") // [Load] judges what is made of a bad one
		} else {
			c.Modules[m.Name] = &ModuleAddress{URL: m.URL}
		}
		if m.Settings != nil {
			c.Settings[m.Name] = m.Settings()
		}
	}
	return c
}

// limitDefaults keep a process below 256 MiB, whatever is sent to it.
func limitDefaults() Limits {
	return Limits{
		Memory:   48 * config.MiB, // garbage and stacks take as much again
		Requests: 512,             // two processors serve no more of them for being begun at once
		Rates:    limits.DefaultRates(),
	}
}

// Loaded is a configuration that holds, together with where each value came from.
type Loaded struct {
	Config Config
	*config.Loaded
}

// Load reads the configuration of a process that is assembled from these modules. A list that cannot work is refused first.
func Load(o config.LoadOptions, modules []module.Module) (*Loaded, error) {
	if err := module.Check(modules); err != nil {
		return nil, err
	}
	c := Defaults(modules)
	loaded, err := config.Load(o, c.sections()...)
	if err != nil {
		return nil, err
	}
	return &Loaded{c, loaded}, nil
}

// sections are the parts of the configuration in the order of config.yaml, which is also that of its problems.
func (c *Config) sections() []config.Section {
	list := []config.Section{{Path: "server", Into: &c.Server, Check: c.serverProblems}}
	for _, m := range c.modules {
		if !m.Public {
			at := c.Modules[m.Name]
			list = append(list, config.Section{Path: "modules." + m.Name, Into: at, Check: func() []config.Problem { return at.problems(m.URL) }})
		}
	}
	list = append(list,
		config.Section{Into: &c.Data, Check: c.processProblems},
		config.Section{Path: "database", Into: &c.Database},
		config.Section{Path: "trust", Into: &c.Trust, Check: c.issuerProblems},
	)
	for _, m := range c.modules {
		if settings := c.Settings[m.Name]; settings != nil {
			list = append(list, config.Section{Path: m.Name, Into: settings})
		}
	}
	return append(list,
		config.Section{Path: "demo", Into: &c.Demo, Check: c.demoProblems},
		config.Section{Path: "log", Into: &c.Log},
	)
}

// SettingsOf are a module's own settings: T is the struct that its package made them of.
func SettingsOf[T any](c Config, module string) T { return *c.Settings[module].(*T) }
