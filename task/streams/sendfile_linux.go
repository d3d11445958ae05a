package streams

import (
	"net"
	"os"
	"syscall"
)

func (s *socket) canSendFile() bool {
	_, ok := s.file.(net.Conn)
	return ok && s.raw != nil
}

// sendFileStep sends at most n bytes of the file, as soon as some can be sent. It returns
// 0 at the end of the file.
func (s *socket) sendFileStep(f *os.File, offset int64, n int) (sent int, err error) {
	in, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	var waitErr error
	controlErr := in.Control(func(in uintptr) {
		waitErr = s.raw.Write(func(out uintptr) bool {
			err = syscall.EINTR
			for err == syscall.EINTR {
				sent, err = syscall.Sendfile(int(out), int(in), &offset, n)
			}
			return err != syscall.EAGAIN
		})
	})
	switch {
	case controlErr != nil:
		return 0, controlErr
	case waitErr != nil:
		return 0, waitErr
	case err != nil:
		return 0, s.opError("sendfile", err)
	}
	return sent, nil
}
