package debughttp

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Socket is a Unix socket on which [Listen], called with the empty address, serves a
// process.
type Socket struct {
	PID  int
	Path string
}

// Sockets returns the sockets of the user's processes, by their numbers. Those that dead
// processes have left behind are removed. It is for clients.
func Sockets() ([]Socket, error) {
	dir, err := socketDir()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found []Socket
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), socketSuffix)
		pid, err := strconv.Atoi(name)
		if !ok || err != nil || pid <= 0 {
			continue
		}
		s := Socket{PID: pid, Path: filepath.Join(dir, entry.Name())}
		switch {
		case !abandoned(s.Path):
			found = append(found, s)
		case !alive(pid): // else it may be about to listen
			_ = os.Remove(s.Path)
		}
	}
	return found, nil
}

const socketSuffix = ".sock"

func socketDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "goasyncio"), nil
}

// ownSocket is the path of the socket of this process, in a directory that nobody else
// may enter.
func ownSocket() (string, error) {
	dir, err := socketDir()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s is %v, but must be a directory of mode 0700: %w", dir, info.Mode(), fs.ErrPermission)
	}
	return filepath.Join(dir, strconv.Itoa(os.Getpid())+socketSuffix), nil
}

// abandoned reports whether there is a socket that nobody listens to.
func abandoned(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSocket == 0 {
		return false
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// alive reports whether there is a process of that number.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer p.Release()
	err = p.Signal(syscall.Signal(0))
	return !errors.Is(err, os.ErrProcessDone)
}
