package streams

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// tlsName is the name that the certificate of the tests is for.
const tlsName = "streams.test"

// tlsConfigs returns configurations of a server and of a client that trusts it.
var tlsConfigs = sync.OnceValues(func() (server, client *tls.Config) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: tlsName},
		DNSNames:              []string{tlsName},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	server = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return server, &tls.Config{RootCAs: roots, ServerName: tlsName}
})

func tlsServerConfig() *tls.Config {
	server, _ := tlsConfigs()
	return server
}

func tlsClientConfig() *tls.Config {
	_, client := tlsConfigs()
	return client
}

// tlsTransports are the connections below TLS that the tests try.
var tlsTransports = map[string]func(testing.TB) (a, b net.Conn){
	"TCP":  tcpPair,
	"Pipe": func(testing.TB) (a, b net.Conn) { return net.Pipe() },
}

// tlsEnds makes both ends of a TLS connection streams of the same loop.
func tlsEnds(ctx context.Context, c, s net.Conn, opts ...Option) (client, server End, err error) {
	accepted := task.CreateOn(mustLoop(ctx), task.Coroutine[End](func(ctx context.Context) (End, error) {
		r, w, err := FromConn(ctx, s, append(opts[:len(opts):len(opts)], TLS(tlsServerConfig()), ServerSide())...)
		return End{r, w}, err
	}))
	r, w, err := FromConn(ctx, c, append(opts[:len(opts):len(opts)], TLS(tlsClientConfig()))...)
	if err != nil {
		return client, server, err
	}
	server, err = accepted.Await(ctx)
	return End{r, w}, server, err
}

func mustLoop(ctx context.Context) *loop.Loop {
	l, ok := loop.FromContext(ctx)
	if !ok {
		panic("no loop")
	}
	return l
}

// plainly runs fn on a goroutine that may block. What it returns is the result of the
// returned function, which waits for that.
func plainly(fn func() error) (join func() error) {
	result := make(chan error, 1)
	go func() { result <- fn() }()
	return func() error { return <-result }
}

// joinPlain waits, in a task, for a goroutine that runs beside the loop.
func joinPlain(ctx context.Context, join func() error) error {
	_, err := task.ToThread(ctx, func(context.Context) (struct{}, error) { return struct{}{}, join() })
	return err
}
