//go:build linux && !mips && !mipsle && !mips64 && !mips64le

package streams

// soReusePort is SO_REUSEPORT, which package syscall does not have for all processors.
const soReusePort = 0xf
