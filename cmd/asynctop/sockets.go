package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// sockets returns the sockets of this user's processes.
func sockets() ([]socket, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "goasyncio")
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []socket
	for _, e := range entries {
		if pid, err := strconv.Atoi(strings.TrimSuffix(e.Name(), ".sock")); err == nil {
			all = append(all, socket{pid: pid, path: filepath.Join(dir, e.Name())})
		}
	}
	return all, nil
}
