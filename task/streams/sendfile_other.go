//go:build !linux

package streams

import (
	"io"
	"net"
	"os"
)

func (s *socket) canSendFile() bool {
	_, ok := s.file.(*net.TCPConn)
	return ok
}

// sendFileStep sends n bytes of the file, or fewer at its end, in the way that package net
// knows for this system.
func (s *socket) sendFileStep(f *os.File, offset int64, n int) (sent int, err error) {
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return 0, err
	}
	m, err := s.file.(*net.TCPConn).ReadFrom(&io.LimitedReader{R: f, N: int64(n)})
	return int(m), err
}
