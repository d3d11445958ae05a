package streams

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	random "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

var (
	seed     = flag.Uint64("seed", 1, "of the first program")
	duration = flag.Duration("duration", time.Second, "how long to run random programs")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestConnectionsSurviveRandomPrograms checks that every task ends, that what is read is
// the beginning of what was written, that nothing is reported to the exception handler, and
// that neither goroutines nor descriptors are left.
func TestConnectionsSurviveRandomPrograms(t *testing.T) {
	certificate := selfSigned(t)
	before := descriptors()
	end := time.Now().Add(*duration)
	n := *seed
	for ; time.Now().Before(end) && !t.Failed(); n++ {
		p := &program{t: t, seed: n, rnd: random.New(random.NewPCG(n, 0)), certificate: certificate, path: filepath.Join(t.TempDir(), "s")}
		p.run()
	}
	t.Logf("%d programs", n-*seed)
	if err := goleak.Find(goleak.IgnoreCurrent()); err != nil {
		t.Error(err)
	}
	if after := descriptors(); before > 0 && after > before+2 { // the runtime's own
		t.Errorf("%d descriptors are left of %d", after, before)
	}
}

// descriptors counts the open descriptors, 0 where that cannot be done.
func descriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

func selfSigned(t *testing.T) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, InsecureSkipVerify: true}
}

// A program is one loop with connections. Only the task that runs uses it.
type program struct {
	t           *testing.T
	seed        uint64
	rnd         *random.Rand
	certificate *tls.Config
	path        string
	mixed       bool // plain text and TLS: an end that is late reads what is not for it
	server      *streams.Server
	accepted    chan streams.End
	tasks       []*task.Task[struct{}]
	ends        []streams.End
	begun       int
	over        int
}

func (p *program) errorf(format string, args ...any) {
	p.t.Errorf("seed %d: %s", p.seed, fmt.Sprintf(format, args...))
}

func (p *program) run() {
	handoff := []task.Handoff{task.Channels, task.IterPull}[p.rnd.IntN(2)]
	l := loop.New()
	task.SetHandoff(l, handoff)
	l.SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) {
		if e.Message != "Task was destroyed but it is pending!" { // Close of the loop with tasks says so
			p.errorf("report: %s: %v", e.Message, e.Err)
		}
	})
	watchdog := time.AfterFunc(time.Minute, func() {
		buf := make([]byte, 1<<20)
		panic(fmt.Sprintf("seed %d hangs\n%s", p.seed, buf[:runtime.Stack(buf, true)]))
	})
	defer watchdog.Stop()
	_, err := task.RunUntilComplete(l, task.Void(p.main))
	if err != nil {
		p.errorf("the loop ended with %v", err)
	}
	if err := l.Close(); err != nil {
		p.errorf("Close: %v", err)
	}
	if p.begun != p.over {
		p.errorf("%d of %d tasks have not ended", p.begun-p.over, p.begun)
	}
}

func (p *program) main(ctx context.Context) error {
	kind := p.rnd.IntN(5)
	p.mixed = kind == 4
	for range 1 + p.rnd.IntN(4) {
		if err := p.connect(ctx, kind); err != nil {
			return err
		}
	}
	for range p.rnd.IntN(60) {
		if err := p.disturb(ctx); err != nil {
			return err
		}
	}
	if p.rnd.IntN(3) == 0 {
		return nil // Close of the loop ends all
	}
	for _, t := range p.tasks { // some may have been waiting for ever
		if p.rnd.IntN(2) == 0 {
			t.Cancel()
		}
	}
	for _, e := range p.ends {
		w := e.W
		if p.rnd.IntN(2) == 0 {
			w.Abort()
		} else if err := w.CloseWithin(ctx, time.Duration(p.rnd.IntN(5))*time.Millisecond); err != nil && ctx.Err() != nil {
			return err
		}
	}
	if p.server != nil {
		if _, err := p.server.Shutdown(ctx, time.Duration(p.rnd.IntN(3))*time.Millisecond); err != nil {
			return err
		}
	}
	_, _, err := task.Wait(ctx, p.tasks)
	return err
}

// connect makes two connected ends, and tasks that read and write.
func (p *program) connect(ctx context.Context, kind int) error {
	if kind == 0 {
		var opts []streams.PairOption
		if p.rnd.IntN(2) == 0 {
			opts = append(opts, streams.Window(1+p.rnd.IntN(100_000)))
		}
		if p.rnd.IntN(2) == 0 {
			opts = append(opts, streams.Latency(time.Duration(p.rnd.IntN(500))*time.Microsecond))
		}
		if p.rnd.IntN(2) == 0 {
			opts = append(opts, streams.Chunk(1+p.rnd.IntN(10_000)))
		}
		left, right, link := streams.Pair(ctx, opts...)
		p.use(ctx, left, right)
		p.spawn(ctx, func(ctx context.Context) error { return p.meddle(ctx, link) })
		return nil
	}
	if p.server == nil {
		p.accepted = make(chan streams.End, 100)
		handler := func(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
			w.KeepOpen()
			p.accepted <- streams.End{R: r, W: w}
			return nil
		}
		var opts []streams.Option
		if kind == 2 {
			opts = append(opts, streams.TLS(p.certificate))
		}
		var err error
		if kind == 3 {
			p.server, err = streams.StartUnixServer(ctx, handler, p.path, opts...)
		} else {
			p.server, err = streams.StartServer(ctx, handler, "127.0.0.1:0", opts...)
		}
		if err != nil {
			return err
		}
	}
	var client streams.End
	var err error
	switch kind {
	case 3:
		client.R, client.W, err = streams.OpenUnixConnection(ctx, p.path)
	case 2:
		client.R, client.W, err = streams.OpenConnection(ctx, p.server.Addrs()[0].String(), streams.TLS(p.certificate))
	default:
		client.R, client.W, err = streams.OpenConnection(ctx, p.server.Addrs()[0].String())
	}
	if err != nil {
		return err
	}
	for len(p.accepted) == 0 {
		if err := task.Yield(ctx); err != nil {
			return err
		}
	}
	server := <-p.accepted
	p.use(ctx, client, server)
	if kind == 4 { // upgrades at any moment, which may well fail
		patient := p.pause()
		p.spawn(ctx, func(ctx context.Context) error { return p.upgrade(ctx, client.W, patient) })
		p.spawn(ctx, func(ctx context.Context) error { return p.upgrade(ctx, server.W, patient) })
	}
	return nil
}

func (p *program) pause() time.Duration { return time.Duration(p.rnd.IntN(2000)) * time.Microsecond }

func (p *program) upgrade(ctx context.Context, w *streams.Writer, after time.Duration) error {
	if err := task.Sleep(ctx, after); err != nil {
		return err
	}
	return w.StartTLS(ctx, p.certificate)
}

func (p *program) spawn(ctx context.Context, fn func(ctx context.Context) error) {
	p.begun++
	begun := false
	t := task.Create(ctx, task.Void(func(ctx context.Context) error {
		begun = true
		defer func() { p.over++ }()
		_ = fn(ctx) // it may fail by whatever was done to its connection
		return nil
	}))
	t.AddDoneCallback(func() {
		if !begun {
			p.over++
		}
	})
	p.tasks = append(p.tasks, t)
}

func (p *program) use(ctx context.Context, a, b streams.End) {
	p.ends = append(p.ends, a, b)
	for _, ends := range [][2]streams.End{{a, b}, {b, a}} {
		key := byte(p.rnd.IntN(256))
		from, to := ends[0], ends[1]
		p.spawn(ctx, func(ctx context.Context) error { return p.write(ctx, from.W, key) })
		p.spawn(ctx, func(ctx context.Context) error { return p.read(ctx, to.R, key) })
	}
}

// content is what is written at an offset of the stream.
func content(key byte, offset, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		o := offset + i
		b[i] = key + byte(o) + byte(o>>8)*3 + byte(o>>16)*7
	}
	return b
}

func (p *program) size() int {
	if p.rnd.IntN(8) == 0 {
		return p.rnd.IntN(300_000)
	}
	return 1 + p.rnd.IntN(2000)
}

func (p *program) write(ctx context.Context, w *streams.Writer, key byte) error {
	sent := 0
	for range p.rnd.IntN(60) {
		b := content(key, sent, p.size())
		n, err := w.Write(b)
		sent += n
		if err != nil {
			return err
		}
		switch p.rnd.IntN(6) {
		case 0:
			err = task.Sleep(ctx, p.pause())
		case 1:
			err = task.Yield(ctx)
		case 2, 3:
			err = w.Drain(ctx)
		}
		if err != nil {
			return err
		}
	}
	if p.rnd.IntN(2) == 0 {
		return w.WriteEOF()
	}
	return w.Close()
}

func (p *program) read(ctx context.Context, r *streams.Reader, key byte) error {
	got := 0
	for {
		b, err := p.readSome(ctx, r)
		if !p.mixed && !bytes.Equal(b, content(key, got, len(b))) {
			p.errorf("%v: %d bytes at %d are wrong", r, len(b), got)
		}
		got += len(b)
		var late interface{ Timeout() bool }
		switch {
		case errors.As(err, &late) && late.Timeout() && r.Err() == nil: // the read was cancelled
		case err != nil:
			return err
		}
		if p.rnd.IntN(10) == 0 {
			if err := task.Sleep(ctx, p.pause()); err != nil {
				return err
			}
		}
	}
}

func (p *program) readSome(ctx context.Context, r *streams.Reader) (b []byte, err error) {
	n := p.size()
	read := func(ctx context.Context) error {
		b, err = r.Read(ctx, n)
		return err
	}
	switch p.rnd.IntN(4) {
	case 0:
		read = func(ctx context.Context) error {
			b, err = r.ReadExactly(ctx, n)
			var short *streams.IncompleteReadError
			if errors.As(err, &short) {
				b, err = short.Partial, io.EOF
			}
			return err
		}
	case 1:
		err = task.WithTimeout(ctx, p.pause()/4, read)
		return b, err
	}
	return b, read(ctx)
}

// disturb does something to one of the connections or tasks.
func (p *program) disturb(ctx context.Context) error {
	e := p.ends[p.rnd.IntN(len(p.ends))]
	r, w := e.R, e.W
	switch p.rnd.IntN(40) {
	case 0:
		w.Abort()
	case 1:
		_ = w.Close()
	case 2, 3:
		p.tasks[p.rnd.IntN(len(p.tasks))].Cancel()
	case 4, 5:
		p.spawn(ctx, func(ctx context.Context) error {
			nc, _, err := w.Detach(ctx)
			if err == nil {
				_ = nc.Close()
			}
			return err
		})
	case 6:
		if p.server != nil {
			_ = p.server.Close()
		}
	case 7:
		if p.server != nil && p.rnd.IntN(3) == 0 {
			p.server.AbortClients()
		}
	case 8, 9, 10, 11:
		r.Pause()
		wait := p.pause()
		p.spawn(ctx, func(ctx context.Context) error {
			defer r.Resume()
			return task.Sleep(ctx, wait)
		})
	case 12:
		if c, ok := w.NetConn().(*net.TCPConn); ok && !w.IsClosing() {
			_ = c.SetLinger(0) // its Close is a reset
		}
	case 13:
		return w.SetWriteBufferLimits(p.rnd.IntN(100_000), 0)
	default:
		return task.Sleep(ctx, p.pause()/2)
	}
	return task.Yield(ctx)
}

func (p *program) meddle(ctx context.Context, link *streams.Link) error {
	for range 50 {
		if err := task.Sleep(ctx, p.pause()); err != nil {
			return err
		}
		way := streams.Direction(p.rnd.IntN(2))
		switch p.rnd.IntN(12) {
		case 0:
			link.Reset(errors.New("reset"))
			return nil
		case 1:
			link.CloseWrite(way)
		case 2, 3, 4:
			link.Stall(way)
		default:
			link.Resume(way)
		}
	}
	return nil
}
