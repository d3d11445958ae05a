// Package streams is a test of connections: random programs over TCP, Unix sockets, TLS and
// pairs, with all that can go wrong at random moments: cancellations, aborts, resets,
// pauses, StartTLS, Detach, servers and loops that are closed. The flags -seed and
// -duration choose the programs. A seed does not repeat all that the system decides.
package streams
