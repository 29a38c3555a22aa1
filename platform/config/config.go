// Package config is the configuration of the process: one struct that is also its manual.
//
// A value comes from the defaults, the configuration file, the environment or the command line; the later one wins
// ([Load]). The package promises to be strict: an unknown key, a value of the wrong kind and an impossible combination
// are errors, all of them are told at once, and each says where it stands and what to write instead. It reads
// configuration once, at start; it does not watch files, hold global state or log.
package config

import "time"

// Config is everything that can be configured. Keys are the koanf tags joined by dots (server.tls.cert_file); in the
// environment they are written APP_SERVER__TLS__CERT_FILE. Keys are added, and never change their meaning.
type Config struct {
	Server  Server  `koanf:"server"`
	Modules Modules `koanf:"modules"`

	// DataDir is the directory of databases, keys and certificates. It is made with mode 0700 where it is missing.
	DataDir string `koanf:"data_dir" kind:"path"`

	Trust Trust `koanf:"trust"`
	STS   STS   `koanf:"sts"`
	Order Order `koanf:"order"`
	Demo  Demo  `koanf:"demo"`
	Log   Log   `koanf:"log"`
}

// Server is how this process is reached.
type Server struct {
	// Address is host:port of the public HTTPS listener, in the process that hosts the gateway. An empty host listens
	// on every interface; port 0 lets the system choose one.
	Address string `koanf:"address"`

	// PublicURL is what the world calls the service: the issuer of its tokens, their audience at the edge, and the base
	// of redirects. It is https://host or https://host:port, without a path, in lower case, as browsers send it.
	PublicURL string `koanf:"public_url"`

	// AdminAddress is host:port of the health and metrics listener: plain HTTP, so on loopback only. "auto" is the port
	// of this process's first listener + 100 ([Config.AdminAddress]).
	AdminAddress string `koanf:"admin_address"`

	// Modules are what this process hosts: "all", or any of gateway, sts, order, inventory.
	Modules []string `koanf:"modules"`

	// ShutdownTimeout is how long a stopping process waits for the requests that it has accepted (1s to 10m).
	ShutdownTimeout time.Duration `koanf:"shutdown_timeout"`

	TLS TLS `koanf:"tls"`
}

// Modules is where the modules behind the gateway are, for the processes that do not host them. The same settings hold
// in every process of an installation; a process that hosts all modules uses none of them.
type Modules struct {
	STS       ModuleAddress `koanf:"sts"`
	Order     ModuleAddress `koanf:"order"`
	Inventory ModuleAddress `koanf:"inventory"`
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

// TLS is the certificate of the public listener. Without one, the private root of the data directory issues one.
type TLS struct {
	// CertFile is the certificate chain in PEM, leaf first. It is set together with KeyFile, or neither is.
	CertFile string `koanf:"cert_file" kind:"path"`

	// KeyFile is the private key in PEM that belongs to CertFile.
	KeyFile string `koanf:"key_file" kind:"path"`
}

// Trust is whom this installation believes.
type Trust struct {
	// Domain names the installation in certificates and internal tokens: spiffe://DOMAIN/MODULE. The private root is
	// made for it, so it cannot change afterwards.
	Domain string `koanf:"domain"`

	// Profile is how modules of different processes prove to each other who calls and for whom: exchange (the STS issues a
	// token for every hop), transaction (one token for the user, passed on) or peer (every call is signed by its caller).
	// It is the same in all processes. docs/trust.md compares them.
	Profile string `koanf:"profile"`

	// CertificateTTL is the lifetime of the certificates of modules (1m to 720h). They are renewed at half of it.
	CertificateTTL time.Duration `koanf:"certificate_ttl"`

	// RootAnnouncement is how long a new private root is trusted everywhere before it signs (1s to 720h).
	RootAnnouncement time.Duration `koanf:"root_announcement"`

	// RootOverlap is how long a replaced private root is still trusted after the new one signs (1s to 8760h). It is at
	// least CertificateTTL, because certificates end with the trust in the root that has signed them.
	RootOverlap time.Duration `koanf:"root_overlap"`

	// WorkloadKeyOverlap is how long a replaced key of a module still counts (profile peer; 1s to 24h).
	WorkloadKeyOverlap time.Duration `koanf:"workload_key_overlap"`

	// Issuers are the external issuers whose access tokens the gateway accepts. A list in a later source replaces the
	// list of an earlier one.
	Issuers []Issuer `koanf:"issuers"`
}

// Issuer is one external issuer of access tokens, and the most that its tokens can do here.
type Issuer struct {
	// Issuer is the exact value of the claim iss. It is part of the owner's name (ISSUER|SUB), so it holds no "|", and
	// it is never our own public URL.
	Issuer string `koanf:"issuer"`

	// Audience is the value that the claim aud must hold.
	Audience string `koanf:"audience"`

	// JWKSFile is the file of the issuer's public keys (RFC 7517 key set).
	JWKSFile string `koanf:"jwks_file" kind:"path"`

	// Algorithms are the accepted values of the header alg: signatures by a public key only (RFC 7518, 8037). Default:
	// RS256.
	Algorithms []string `koanf:"algorithms"`

	// Types are the accepted values of the header typ. Default: at+jwt (RFC 9068) and, for older issuers, JWT.
	Types []string `koanf:"types"`

	// MaxLifetime is the longest time between iat and exp that a token may have (1s to 175200h, which is 20 years).
	// Default: 24h.
	MaxLifetime time.Duration `koanf:"max_lifetime"`

	// ScopeClaim is the claim that holds the scopes, as one text with spaces or as a list. Default: scope.
	ScopeClaim string `koanf:"scope_claim"`

	// Scopes is the ceiling: what this issuer can grant at most. Default: none, so that its tokens only say who comes.
	Scopes []string `koanf:"scopes"`
}

// STS is the security token service.
type STS struct {
	// AccessTokenTTL is the lifetime of an access token (1s to 24h). It is also how long a withdrawn right can outlive
	// its withdrawal where nobody asks about revocation.
	AccessTokenTTL time.Duration `koanf:"access_token_ttl"`

	// SessionTTL is how long somebody stays signed in to the user interface (1s to 720h).
	SessionTTL time.Duration `koanf:"session_ttl"`

	// InternalTokenTTL is the lifetime of a token that lets one module call another one for a user (1s to 1h).
	InternalTokenTTL time.Duration `koanf:"internal_token_ttl"`

	// TransactionTokenTTL is the lifetime of a token for a user in one transaction (15s to 1m).
	TransactionTokenTTL time.Duration `koanf:"transaction_token_ttl"`

	// WorkloadTokenTTL is the lifetime of a token with which a module speaks for itself (1s to 24h).
	WorkloadTokenTTL time.Duration `koanf:"workload_token_ttl"`

	// SigningKeyAnnouncement is how long a new signing key is published before it signs (1s to 24h), so that everyone
	// who verifies has it by then.
	SigningKeyAnnouncement time.Duration `koanf:"signing_key_announcement"`

	// SigningKeyOverlap is how long a replaced signing key still verifies after the new one signs (1s to 720h).
	SigningKeyOverlap time.Duration `koanf:"signing_key_overlap"`
}

// Order is the order module.
type Order struct {
	// PublicRead lets anyone read one order by its id; then only id, name and items are shown.
	PublicRead bool `koanf:"public_read"`

	// PendingTimeout is how long an order may stay pending before it is given up (1s to 168h).
	PendingTimeout time.Duration `koanf:"pending_timeout"`
}

// Demo is the demonstration data: users with known passwords, and stock.
type Demo struct {
	// Enabled seeds the demo data. When it is off, demo accounts cannot sign in, also those seeded earlier.
	Enabled bool `koanf:"enabled"`

	// AllowRemote permits the demo accounts although a listener is not on loopback. Their passwords are public.
	AllowRemote bool `koanf:"allow_remote"`
}

// Log is what the process tells about itself on standard error.
type Log struct {
	// Level is the least severe level that is written: debug, info, warn or error.
	Level string `koanf:"level"`

	// Format is text, for people, or json, for collectors.
	Format string `koanf:"format"`
}
