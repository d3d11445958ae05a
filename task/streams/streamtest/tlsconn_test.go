package streamtest

import (
	"crypto/tls"
	"net"
	"net/http/httptest"
	"testing"
)

// A tls.Conn that the program has made is a net.Conn like any other.
func TestTLSConn(t *testing.T) {
	s := httptest.NewTLSServer(nil) // has a certificate
	defer s.Close()
	client := &tls.Config{InsecureSkipVerify: true}
	checkBoth(t, connected(func() (a, b net.Conn, err error) {
		a, b, err = dial("tcp", "127.0.0.1:0")()
		if err != nil {
			return nil, nil, err
		}
		return tls.Client(a, client), tls.Server(b, s.TLS), nil
	}))
}
