package traffic

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

// receive measures how the server sends p.Ops times bench.BulkSize on one connection. It does so when it is sent the
// number of blocks. One operation before the clock starts has done the handshake and let the window of TCP grow.
func receive(m *meter, p bench.Params) error {
	socket, err := net.Dial("tcp", m.server.Address)
	if err != nil {
		return err
	}
	defer socket.Close()
	defer context.AfterFunc(m.ctx, func() { _ = socket.Close() })()
	conn := socket
	if m.server.TLS != nil {
		conn = tls.Client(socket, m.server.TLS)
	}
	block := make([]byte, bench.BlockSize)
	ask := func(ops int) error {
		blocks := ops * bench.BulkSize / bench.BlockSize
		if _, err := conn.Write(binary.BigEndian.AppendUint64(nil, uint64(blocks))); err != nil {
			return err
		}
		for left := blocks * bench.BlockSize; left > 0; {
			if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
				return err
			}
			n, err := conn.Read(block[:min(left, len(block))])
			left -= n
			if err == io.EOF {
				return fmt.Errorf("the server closed %d bytes before the end", left)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := ask(1); err != nil {
		return err
	}
	if err := m.start(); err != nil {
		return err
	}
	if err := ask(p.Ops); err != nil {
		return err
	}
	return m.stop(p.Ops)
}
