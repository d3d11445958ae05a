// Package museum shows bugs that were found in production elsewhere, each with the test that
// finds it, and mended. See the tests of one fail:
//
//	go test ./task/tasktest/internal/museum -run Everybody -bugs
package museum
