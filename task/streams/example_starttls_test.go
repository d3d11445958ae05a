package streams_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"

	"github.com/goasyncio/asyncio/task/streams"
)

// A connection that begins in the clear and goes on with TLS, as those of mail servers do.
// The reader and the writer stay the same.
func Example_startTLS() {
	certificate, roots, err := certificateFor("mail.example")
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	handle := func(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
		request, err := r.ReadLine(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("server: %s", request)
		if err := w.WriteAll(ctx, []byte("go ahead\n")); err != nil {
			return err
		}
		if err := w.StartTLS(ctx, &tls.Config{Certificates: []tls.Certificate{certificate}}); err != nil {
			return err
		}
		secret, err := r.ReadLine(ctx)
		fmt.Printf("server: %s", secret)
		return err
	}
	run(func(ctx context.Context) error {
		server, err := streams.StartServer(ctx, handle, "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer server.Close()
		r, w, err := streams.OpenConnection(ctx, server.Addrs()[0].String())
		if err != nil {
			return err
		}
		defer w.Close()
		if err := w.WriteAll(ctx, []byte("STARTTLS\n")); err != nil {
			return err
		}
		answer, err := r.ReadLine(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("client: %s", answer)
		if err := w.StartTLS(ctx, &tls.Config{ServerName: "mail.example", RootCAs: roots}); err != nil {
			return err
		}
		state, _ := w.ConnectionState()
		fmt.Println("client: now with", tls.VersionName(state.Version))
		if err := w.WriteAll(ctx, []byte("a secret\n")); err != nil {
			return err
		}
		_, err = r.ReadAll(ctx) // until the server has closed
		return err
	})
	// Output:
	// server: STARTTLS
	// client: go ahead
	// client: now with TLS 1.3
	// server: a secret
}

// certificateFor makes a certificate that only those trust who have it.
func certificateFor(host string) (tls.Certificate, *x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		DNSNames:     []string{host},
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots, nil
}
