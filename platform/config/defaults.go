package config

import "time"

// Defaults is the configuration of a process that is told nothing: everything in one process, on loopback.
func Defaults() Config {
	return Config{
		Server: Server{
			Address:         "localhost:9090",
			PublicURL:       "https://localhost:9090",
			AdminAddress:    adminAuto,
			Modules:         []string{allModules},
			ShutdownTimeout: 30 * time.Second, // what Kubernetes grants before it kills
		},
		Modules: Modules{
			STS:       ModuleAddress{URL: "https://localhost:9445"},
			Order:     ModuleAddress{URL: "https://localhost:9092"},
			Inventory: ModuleAddress{URL: "https://localhost:9091"},
		},
		DataDir: "data",
		Trust: Trust{
			Domain:           "orders.local",
			Profile:          profileExchange,
			CertificateTTL:   24 * time.Hour,
			RootAnnouncement: time.Hour,
			RootOverlap:      48 * time.Hour, // twice certificate_ttl: a renewal may be late

			WorkloadKeyOverlap: 5 * time.Minute, // longer than any attempt is under way
			Issuers:            []Issuer{},
		},
		STS: STS{
			AccessTokenTTL:         5 * time.Minute,
			SessionTTL:             12 * time.Hour,
			InternalTokenTTL:       2 * time.Minute,
			TransactionTokenTTL:    30 * time.Second,
			WorkloadTokenTTL:       time.Hour,
			SigningKeyAnnouncement: 10 * time.Minute,
			SigningKeyOverlap:      24 * time.Hour, // the longest access_token_ttl that can be written
		},
		Order: Order{PublicRead: true, PendingTimeout: 15 * time.Minute},
		Demo:  Demo{Enabled: true},
		Log:   Log{Level: "info", Format: "text"},
	}
}

// defaults is an element of trust.issuers that sets nothing. Scopes stays empty on purpose: an issuer can grant only
// what someone has written down.
func (Issuer) defaults() any {
	return Issuer{
		Algorithms:  []string{"RS256"}, // what RFC 7518 recommends and nearly every issuer signs with
		Types:       []string{"at+jwt", "JWT"},
		MaxLifetime: 24 * time.Hour,
		ScopeClaim:  "scope", // RFC 9068, section 2.2.3
		Scopes:      []string{},
	}
}
