package streams

import "syscall"

// hungUp reports whether nobody can read any more what is written to a pipe or socket. The
// network poller tells of changes only, and perhaps before anybody waits for them. So this
// asks for the state, of a poller of its own. That is seldom: when the watch begins, and
// when the network poller has told of something.
//
// What the other side of a socket sends is not taken for its end, unlike in asyncio.
func hungUp(fd uintptr, waited bool) bool {
	poller, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return waited
	}
	defer syscall.Close(poller)
	event := syscall.EpollEvent{Events: syscall.EPOLLRDHUP} // and EPOLLERR, EPOLLHUP, always
	if err := syscall.EpollCtl(poller, syscall.EPOLL_CTL_ADD, int(fd), &event); err != nil {
		return waited
	}
	n, err := syscall.EpollWait(poller, make([]syscall.EpollEvent, 1), 0)
	return n > 0 || err != nil && waited
}
