package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goasyncio/asyncio/task/monitor/debughttp"
)

// commandNames are the words that are no addresses.
var commandNames = []string{"ps", "pstree", "groups", "stack", "stuck", "stats", "cancel", "watch"}

// interpret sorts out the words of the command line.
func (o *options) interpret(words []string) error {
	if len(words) > 0 && !slices.Contains(commandNames, words[0]) {
		o.address, words = words[0], words[1:]
		if !isAddress(o.address) {
			return fmt.Errorf("%q is neither an address nor a command", o.address)
		}
	}
	if len(words) == 0 {
		return nil
	}
	o.command, words = words[0], words[1:]
	if !slices.Contains(commandNames, o.command) {
		return fmt.Errorf("there is no command %q: it is one of %s", o.command, strings.Join(commandNames, ", "))
	}
	if o.command == "stack" || o.command == "cancel" {
		if len(words) == 0 {
			return fmt.Errorf("%s needs the ID of a task, which ps shows", o.command)
		}
		id, err := strconv.ParseUint(words[0], 10, 64)
		if err != nil || id == 0 {
			return fmt.Errorf("%s: %q is not the ID of a task, which is a number that ps shows", o.command, words[0])
		}
		o.task, words = id, words[1:]
	}
	if len(words) > 0 {
		return fmt.Errorf("%s: unexpected argument %q", o.command, words[0])
	}
	return nil
}

// isAddress reports whether a word can be an address.
func isAddress(word string) bool {
	_, err := strconv.Atoi(word)
	return err == nil || strings.Contains(word, ":")
}

// place is where a monitor is served.
type place struct {
	network, address string  // what to dial
	base             url.URL // of its documents
	guess            bool    // whether the path is a guess
}

// locate finds the place that an address means. The sockets are those of processes that listen, which may be needed.
func locate(address string, sockets func() ([]debughttp.Socket, error)) (place, error) {
	pid, err := strconv.Atoi(address)
	switch {
	case address == "":
		return onlySocket(sockets)
	case err == nil:
		return socketOf(pid, sockets)
	case strings.HasPrefix(address, "unix:"):
		return unixPlace(strings.TrimPrefix(address, "unix:")), nil
	case strings.HasPrefix(address, "http://"), strings.HasPrefix(address, "https://"):
		u, err := url.Parse(address)
		if err != nil {
			return place{}, err
		}
		u.RawQuery, u.Fragment = "", ""
		guess := u.Path == "" || u.Path == "/"
		if !strings.HasSuffix(u.Path, "/") {
			u.Path += "/"
		}
		return place{base: *u, guess: guess}, nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return place{}, fmt.Errorf("%q is no address: %w", address, err)
	}
	if host == "" {
		host = "localhost"
	}
	return place{base: url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: "/"}, guess: true}, nil
}

func unixPlace(path string) place {
	return place{network: "unix", address: path, base: url.URL{Scheme: "http", Host: "localhost", Path: "/"}, guess: true}
}

// socketOf finds the socket of a process.
func socketOf(pid int, sockets func() ([]debughttp.Socket, error)) (place, error) {
	all, err := sockets()
	if err != nil {
		return place{}, err
	}
	for _, s := range all {
		if s.PID == pid {
			return unixPlace(s.Path), nil
		}
	}
	return place{}, fmt.Errorf("process %d has no socket: it must call debughttp.Listen with an empty address, as this user", pid)
}

// onlySocket finds the only process that listens.
func onlySocket(sockets func() ([]debughttp.Socket, error)) (place, error) {
	all, err := sockets()
	if err != nil {
		return place{}, err
	}
	switch len(all) {
	case 0:
		return place{}, errors.New("no process of yours listens: it must call debughttp.Listen with an empty address, " +
			"or serve debughttp.Handler and you give its address")
	case 1:
		return unixPlace(all[0].Path), nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d processes listen: give the number of one", len(all))
	for _, s := range all {
		fmt.Fprintf(&b, "\n  asynctop %-8d %s", s.PID, filepath.ToSlash(s.Path))
	}
	return place{}, errors.New(b.String())
}
