// Package tasktest tests coroutines on virtual time, and the orders in which things may
// happen.
package tasktest
