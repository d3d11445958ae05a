package streams

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"
)

// tlsSettings returns the settings of an operation, checked.
func tlsSettings(p purpose, host string, opts ...Option) (*settings, error) {
	s, err := settingsOf("Test", p, opts)
	if err != nil {
		return nil, err
	}
	return s, s.checkTLS(host)
}

func TestTLSOptionsThatMakeNoSense(t *testing.T) {
	client := TLS(&tls.Config{})
	for _, test := range []struct {
		name    string
		purpose purpose
		opts    []Option
		text    string
	}{
		{"nil config", connecting, []Option{TLS(nil)}, "the config is nil"},
		{"handshake timeout 0", connecting, []Option{client, HandshakeTimeout(0)}, "0s is not a positive time"},
		{"handshake timeout -10", connecting, []Option{client, HandshakeTimeout(-10)}, "-10ns is not a positive time"},
		{"shutdown timeout 0", connecting, []Option{client, ShutdownTimeout(0)}, "0s is not a positive time"},
		{"handshake timeout of a plain client", connecting, []Option{HandshakeTimeout(1)}, "HandshakeTimeout is only meaningful with TLS"},
		{"shutdown timeout of a plain client", connecting, []Option{ShutdownTimeout(1)}, "ShutdownTimeout is only meaningful with TLS"},
		{"handshake timeout of a plain server", serving, []Option{HandshakeTimeout(1)}, "HandshakeTimeout is only meaningful with TLS"},
		{"shutdown timeout of a plain server", serving, []Option{ShutdownTimeout(1)}, "ShutdownTimeout is only meaningful with TLS"},
		{"handshake timeout of a plain socket", wrapping, []Option{HandshakeTimeout(1)}, "HandshakeTimeout is only meaningful with TLS"},
		{"shutdown timeout of a plain socket", wrapping, []Option{ShutdownTimeout(1)}, "ShutdownTimeout is only meaningful with TLS"},
		{"client without a name", wrapping, []Option{client}, "you must set ServerName"},
		{"server without a certificate", serving, []Option{client}, "must have a certificate"},
		{"server side without a certificate", wrapping, []Option{client, ServerSide()}, "must have a certificate"},
		{"server side of a client", connecting, []Option{ServerSide()}, "does not apply"},
		{"TLS in StartTLS", securing, []Option{client}, "does not apply"},
	} {
		_, err := tlsSettings(test.purpose, "", test.opts...)
		if !errors.Is(err, ErrInvalidArgument) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestTLSServerNameIsTheHostUnlessItIsSet(t *testing.T) {
	for _, test := range []struct {
		name, host string
		insecure   bool
		want       string
	}{
		{"", "host.test", false, "host.test"},
		{"", "host.test", true, "host.test"},
		{"", "127.0.0.1", false, "127.0.0.1"},
		{"name.test", "host.test", false, "name.test"},
		{"name.test", "", false, "name.test"},
		{"", "", true, ""},
	} {
		config := &tls.Config{ServerName: test.name, InsecureSkipVerify: test.insecure}
		s, err := tlsSettings(connecting, test.host, TLS(config))
		if err != nil {
			t.Errorf("%+v: %v", test, err)
			continue
		}
		if s.tls.ServerName != test.want {
			t.Errorf("%+v: the name is %q", test, s.tls.ServerName)
		}
		if config.ServerName != test.name {
			t.Errorf("%+v: the program's config was changed", test)
		}
	}
}

func TestTLSServersNeedACertificateOrAWayToGetOne(t *testing.T) {
	for _, config := range []*tls.Config{
		tlsServerConfig(),
		{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }},
		{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, nil }},
	} {
		if _, err := tlsSettings(serving, "", TLS(config)); err != nil {
			t.Error(err)
		}
	}
}

func TestTLSTimeoutsHaveDefaults(t *testing.T) {
	s, err := tlsSettings(connecting, "host.test", TLS(&tls.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	if s.handshakeTimeout != time.Minute || s.shutdownTimeout != 30*time.Second {
		t.Errorf("%v, %v", s.handshakeTimeout, s.shutdownTimeout)
	}
	s, err = tlsSettings(connecting, "host.test", TLS(&tls.Config{}), HandshakeTimeout(1), ShutdownTimeout(2))
	if err != nil {
		t.Fatal(err)
	}
	if s.handshakeTimeout != 1 || s.shutdownTimeout != 2 {
		t.Errorf("%v, %v", s.handshakeTimeout, s.shutdownTimeout)
	}
}

// A connection whose options make no sense is left to the caller.
func TestTLSFromConnLeavesTheConnectionIfItsOptionsMakeNoSense(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		defer s.Close()
		if _, _, err := FromConn(ctx, c, TLS(&tls.Config{})); !errors.Is(err, ErrInvalidArgument) {
			t.Errorf("error %v", err)
		}
		return c.Close()
	})
}
