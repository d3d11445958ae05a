//go:build unix && !linux

package streams

// hungUp reports whether nobody can read any more what is written to a pipe or socket:
// that is what the network poller tells of, which has been waited for.
func hungUp(_ uintptr, waited bool) bool { return waited }
