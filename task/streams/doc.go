// Package streams has asyncio's streams: connections that tasks read and write.
package streams
