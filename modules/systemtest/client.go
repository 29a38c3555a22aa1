package systemtest

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"time"
)

// AnsweredWithin is how long a client waits for a whole answer.
const AnsweredWithin = 30 * time.Second

// ClientOptions say how a client connects. The zero value is HTTP/1.1 to whoever answers.
type ClientOptions struct {
	Roots       func() (*x509.CertPool, error) // what it trusts, asked for every connection; nil is everybody
	HTTP2       bool
	Certificate *tls.Certificate // what it proves itself with; nil is nothing
	Address     string           // where it goes, whatever the URL says; empty is where the URL says
	From        net.IP           // where it comes from; nil is anywhere
}

// NewClient makes a client that follows no redirect.
func NewClient(o ClientOptions) *http.Client {
	transport := &http.Transport{DialTLSContext: o.dial, Protocols: new(http.Protocols), DisableCompression: true}
	transport.Protocols.SetHTTP1(!o.HTTP2)
	transport.Protocols.SetHTTP2(o.HTTP2)
	return &http.Client{
		Transport: transport, Timeout: AnsweredWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (o ClientOptions) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{ServerName: host, NextProtos: []string{"http/1.1"}, InsecureSkipVerify: o.Roots == nil}
	if o.HTTP2 {
		config.NextProtos = []string{"h2"}
	}
	if o.Roots != nil {
		if config.RootCAs, err = o.Roots(); err != nil {
			return nil, err
		}
	}
	if o.Certificate != nil { // whatever authorities the server names
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return o.Certificate, nil }
	}
	dialer := tls.Dialer{NetDialer: &net.Dialer{}, Config: config}
	if o.From != nil {
		dialer.NetDialer.LocalAddr = &net.TCPAddr{IP: o.From}
	}
	return dialer.DialContext(ctx, network, cmp.Or(o.Address, address))
}

// Reply is a whole answer.
type Reply struct {
	Status int // 0 where there was no answer
	Header http.Header
	Body   string
	Proto  int // 1 or 2
}

// Fetch sends a request and reads the whole answer. Where only a part of it came, there is a status and an error.
func Fetch(client *http.Client, r *http.Request) (Reply, error) {
	answer, err := client.Do(r)
	if err != nil {
		return Reply{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return Reply{answer.StatusCode, answer.Header, string(text), answer.ProtoMajor}, err
}
