// Package interop has only tests: package streams talks to other programs, on this machine. They are CPython's own
// streams, curl, openssl, and the clients and servers of net/http. Each as client and as server, in the clear and with
// TLS. What is not installed is skipped; `go test -v` shows what the programs printed.
package interop
