package bench

import (
	"errors"
	"net"
)

// SocketPairs opens n connections of this process with itself and returns their ends.
func SocketPairs(n int) (near, far []net.Conn, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	for range n {
		a, failed := net.Dial("tcp", listener.Addr().String())
		if failed != nil {
			return near, far, errors.Join(failed, CloseAll(near, far))
		}
		near = append(near, a)
		b, failed := listener.Accept()
		if failed != nil {
			return near, far, errors.Join(failed, CloseAll(near, far))
		}
		far = append(far, b)
	}
	return near, far, nil
}

// CloseAll closes the ends of socket pairs.
func CloseAll(ends ...[]net.Conn) error {
	var err error
	for _, conns := range ends {
		for _, conn := range conns {
			err = errors.Join(err, conn.Close())
		}
	}
	return err
}
