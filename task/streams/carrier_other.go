//go:build !unix

package streams

func (c *carrier) readRaw(uintptr) bool { panic("unreachable") }
