//go:build !unix

package streams

import "syscall"

// rawOf returns nil: this system cannot tell that a descriptor is ready.
func rawOf(file) syscall.RawConn { return nil }

// pipesArePolled says that the runtime waits for pipes as it does for sockets.
const pipesArePolled = false

func (r *reception) readRaw(uintptr) bool { panic("unreachable") }

func (r *reception) watchRaw(uintptr) bool { panic("unreachable") }

// A trial is an attempt to write without waiting, which this system does not offer.
type trial struct{}

func (*trial) init() {}

func (*trial) write(*socket, []byte) (int, error) { return 0, nil }
