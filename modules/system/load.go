package system

import (
	"time"

	"oms/platform/config"
	"oms/platform/issuers"
	"oms/platform/module"
)

// Defaults is the configuration of a process that is told nothing: all of the modules in one process, on loopback.
func Defaults(modules []module.Module) Config {
	c := Config{
		Server: Server{
			AdminAddress:    adminAuto,
			Modules:         []string{allModules},
			ShutdownTimeout: 30 * time.Second, // what Kubernetes grants before it kills
		},
		Modules: map[string]*ModuleAddress{},
		Data:    Data{DataDir: "data"},
		Trust: Trust{
			Domain:           "orders.local",
			Profile:          profileNames()[0],
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
			c.Server.PublicURL = m.URL
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
