package system

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"oms/platform/pki"
)

// loadCertificate reads the certificate that the operator provides for the public listener, where that is configured, and has it
// told how long it holds.
func (s *System) loadCertificate() (err error) {
	files := s.config.Server.TLS
	if files.CertFile == "" || s.Edge == nil {
		return nil
	}
	if s.certificate, err = pki.LoadServerCertificate(files.CertFile, files.KeyFile, s.log); err != nil {
		return err
	}
	return s.metrics.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "oms_server_certificate_expiry_timestamp_seconds",
		Help: "When the first certificate of server.tls.cert_file ends, in seconds since 1970.",
	}, func() float64 { return float64(s.certificate.Until().Unix()) }))
}

// certificateTrouble is a line that says what clients do not accept of that certificate, or will not accept soon.
func (s *System) certificateTrouble() []string {
	if s.certificate == nil {
		return nil
	}
	if trouble := s.certificate.Trouble(s.config.publicHost(), time.Now()); trouble != nil {
		return []string{"server.tls.cert_file: " + trouble.Error()}
	}
	return nil
}

// tellAgain is how often trouble that goes on is told again.
const tellAgain = 12 * time.Hour

// watchCertificate tells the log of trouble, at once and now and then.
func (s *System) watchCertificate(ctx context.Context) {
	ticker := time.NewTicker(tellAgain)
	defer ticker.Stop()
	for {
		for _, trouble := range s.certificateTrouble() {
			s.log.Warn("clients refuse the server certificate, or will soon", "because", trouble)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
