package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// openTerminal makes a terminal of a size. What is written to keyboard is typed, and what is read from it is shown.
func openTerminal(t *testing.T, cols, rows uint16) (keyboard, tty *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("there are no terminals: %v", err)
	}
	var number, unlocked uint32
	size := struct{ rows, cols, width, height uint16 }{rows: rows, cols: cols}
	control := func(request uint, argument unsafe.Pointer) {
		conn, err := keyboard.SyscallConn()
		check.NoError(t, err)
		check.NoError(t, conn.Control(func(fd uintptr) {
			if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, uintptr(request), uintptr(argument)); errno != 0 {
				t.Fatal(errno)
			}
		}))
	}
	control(syscall.TIOCGPTN, unsafe.Pointer(&number))
	control(syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	control(syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	check.NoError(t, err)
	t.Cleanup(func() {
		_ = tty.Close()
		_ = keyboard.Close()
	})
	return keyboard, tty
}

// TestTerminalIsUsedAndRestored runs the whole program on a real terminal.
func TestTerminalIsUsedAndRestored(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	keyboard, tty := openTerminal(t, 50, 24)
	server := scene(t, "shop")
	status := make(chan int, 1)
	var errs strings.Builder
	go func() { status <- run(t.Context(), []string{server.URL}, tty, tty, &errs) }()
	var shown strings.Builder
	until := func(text string) {
		t.Helper()
		shown.Reset()
		for buffer := make([]byte, 4096); !strings.Contains(shown.String(), text); {
			n, err := keyboard.Read(buffer)
			shown.Write(buffer[:n])
			if err != nil {
				t.Fatalf("%v before %q, after\n%q", err, text, shown.String())
			}
		}
	}
	until("s age|name") // the last line of the first frame
	check.Contains(t, shown.String(), alternateScreen, styles[title]+"COUNT  OLDEST", "lag p50 0.5ms p99…\x1b[K", "\x1b[23;1H"+prompt)
	_, err := io.WriteString(keyboard, "t\n")
	check.NoError(t, err)
	until("── Task-1 in main.main.func1")
	_, err = io.WriteString(keyboard, "q\n")
	check.NoError(t, err)
	until(normalScreen)
	check.Equal(t, "status", <-status, well)
	check.Equal(t, "stderr", errs.String(), "")
}
