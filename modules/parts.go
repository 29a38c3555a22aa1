package modules

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"time"

	"oms/platform/config"
	"oms/platform/lifecycle"
	"oms/platform/pki"
)

// Parts are what the process starts, in this order, and stops in reverse: the listeners before the relay, and the
// databases last of all. listening is told the address of each listener. On an error nothing stays open.
func (s *System) Parts(listening func(name string, address net.Addr)) ([]lifecycle.Part, error) {
	parts := []lifecycle.Part{{Name: "databases", Stop: func(context.Context) error { return s.close() }}}
	if s.relay != nil {
		parts = append(parts, lifecycle.Part{Name: "order relay", Run: func(ctx context.Context) error {
			s.relay(ctx)
			return nil
		}})
	}
	parts = append(parts, lifecycle.HTTPServer{
		Name: "admin listener", Address: s.config.AdminAddress(), Handler: s.Admin, Log: s.log,
		Listening: func(address net.Addr) { listening("admin", address) },
	}.Part())
	if s.Edge != nil {
		certificates, err := certificateSource(s.config, s.log)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		parts = append(parts, lifecycle.HTTPServer{
			Name: "public listener", Address: s.config.Server.Address, Handler: s.Edge, Log: s.log,
			TLS:       &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificates},
			Listening: func(address net.Addr) { listening("public", address) },
		}.Part())
	}
	return append(parts, s.readiness()), nil
}

// readiness starts last and stops first: a process says that it is ready when every listener is open, and no more from
// when it is told to stop, so that whoever sends it requests looks elsewhere.
func (s *System) readiness() lifecycle.Part {
	set := func(serving bool) func(context.Context) error {
		return func(context.Context) error {
			s.serving.Store(serving)
			return nil
		}
	}
	return lifecycle.Part{Name: "readiness", Start: set(true), Stop: set(false)}
}

func (s *System) isServing(context.Context) error {
	if !s.serving.Load() {
		return errors.New("it is starting or stopping")
	}
	return nil
}

// RootCertificate is the file of the private root's certificate, for clients to trust.
func RootCertificate(c config.Config) string { return filepath.Join(c.DataDir, "pki", "root.pem") }

// certificateSource is the configured certificate, or one of the private root.
func certificateSource(c config.Config, log *slog.Logger) (pki.CertificateSource, error) {
	if c.Server.TLS.CertFile != "" {
		return pki.LoadServerCertificate(c.Server.TLS.CertFile, c.Server.TLS.KeyFile, log)
	}
	root, err := pki.OpenRoot(filepath.Dir(RootCertificate(c)), c.Trust.Domain, time.Now)
	if err != nil {
		return nil, err
	}
	public, err := url.Parse(c.Server.PublicURL)
	if err != nil {
		return nil, err
	}
	return root.ServerCertificate([]string{public.Hostname(), "localhost", "127.0.0.1", "::1"})
}
