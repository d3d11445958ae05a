package report

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

// Machine describes the machine of a run. Fields are empty if the system does not tell.
type Machine struct {
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	CPU        string `json:"cpu,omitempty"`
	CPUs       int    `json:"cpus"`
	GOMAXPROCS int    `json:"gomaxprocs"`
	Memory     int64  `json:"memory_bytes,omitempty"`
	Kernel     string `json:"kernel,omitempty"`
	Go         string `json:"go"`
}

// ThisMachine describes the machine that the program runs on.
func ThisMachine() Machine {
	m := Machine{
		OS:         runtime.GOOS,
		Arch:       runtime.GOARCH,
		CPUs:       runtime.NumCPU(),
		GOMAXPROCS: runtime.GOMAXPROCS(0),
		Go:         runtime.Version(),
	}
	switch runtime.GOOS {
	case "linux":
		m.CPU = fileField("/proc/cpuinfo", "model name")
		if kib, err := strconv.ParseInt(strings.TrimSuffix(fileField("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
			m.Memory = kib * 1024
		}
		kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
		m.Kernel = strings.TrimSpace(string(kernel))
	case "darwin":
		m.CPU = output("sysctl", "-n", "machdep.cpu.brand_string")
		m.Memory, _ = strconv.ParseInt(output("sysctl", "-n", "hw.memsize"), 10, 64)
		m.Kernel = output("uname", "-r")
	}
	return m
}

// fileField returns the value after the colon in the first line of a file in /proc that begins with name.
func fileField(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func output(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// String describes the machine in one line.
func (m Machine) String() string {
	var b strings.Builder
	if m.CPU != "" {
		fmt.Fprintf(&b, "%s, ", m.CPU)
	}
	fmt.Fprintf(&b, "%d CPUs (GOMAXPROCS %d)", m.CPUs, m.GOMAXPROCS)
	if m.Memory > 0 {
		fmt.Fprintf(&b, ", %s of memory", formatBytes(float64(m.Memory)))
	}
	fmt.Fprintf(&b, ", %s/%s", m.OS, m.Arch)
	if m.Kernel != "" {
		fmt.Fprintf(&b, " %s", m.Kernel)
	}
	return b.String()
}

// formatBytes formats a size with three significant digits.
func formatBytes(n float64) string {
	switch {
	case n < 1<<14:
		return bench.Count(int(n)) + " B"
	case n < 1<<20:
		return digits(n/(1<<10)) + " KiB"
	case n < 1<<30:
		return digits(n/(1<<20)) + " MiB"
	}
	return digits(n/(1<<30)) + " GiB"
}
