package host

import (
	"time"

	"oms/platform/config"
)

// Settings are the module's part of the configuration, under its name.
type Settings struct {
	// PublicRead lets anyone read one order by its id; then only id, name and items are shown.
	PublicRead bool `koanf:"public_read"`

	// PendingTimeout is how long an order may stay pending before it is given up (1s to 168h).
	PendingTimeout time.Duration `koanf:"pending_timeout"`
}

// DefaultSettings are those of a module that is told nothing.
func DefaultSettings() *Settings {
	return &Settings{PublicRead: true, PendingTimeout: 15 * time.Minute}
}

// Problems is everything about the values that cannot stay.
func (s Settings) Problems() []config.Problem {
	return config.Between("pending_timeout", s.PendingTimeout, 7*24*time.Hour)
}
