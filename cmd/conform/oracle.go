package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The oracle is CPython itself, which runs the reference interpreter of the
// language on programs that the generator makes.
var (
	//go:embed language/reference.py
	referencePy []byte
	//go:embed language/generate.py
	generatePy []byte
)

// profiles lists the kinds of random programs, which generate.py defines.
func profiles() []string {
	return []string{"core", "combinators", "scopes", "sync", "queues", "eager", "mixed"}
}

// batch is how many programs the reference interpreter runs in one process.
const batch = 500

type oracle struct {
	python        string
	seed, profile string
	count         int
	progress      io.Writer
}

// check compares random programs. It returns the exit status.
func (o *oracle) check(c *checker, stderr io.Writer) int {
	if err := o.validate(); err != nil {
		fmt.Fprintf(stderr, "conform: -oracle: %v\n", err)
		return misuse
	}
	folder, err := os.MkdirTemp("", "conform")
	if err == nil {
		defer os.RemoveAll(folder)
		var rate string
		if rate, err = o.compare(c, folder); err == nil {
			return c.summary(rate)
		}
	}
	fmt.Fprintf(stderr, "conform: -oracle: %v\n", err)
	return misuse
}

// validate refuses what cannot work, before anything else happens.
func (o *oracle) validate() error {
	if o.count < 1 {
		return fmt.Errorf("-count: %d: at least one program is needed", o.count)
	}
	if o.profile != "" && !slices.Contains(profiles(), o.profile) {
		return fmt.Errorf("-profile: there is no profile %q: the profiles are %s", o.profile, strings.Join(profiles(), ", "))
	}
	const ask = "import sys; print(sys.implementation.name, *sys.version_info[:3])"
	out, err := exec.Command(o.python, "-c", ask).Output()
	if err != nil {
		return fmt.Errorf("%s cannot be run: %w", o.python, err)
	}
	var name string
	var major, minor, patch int
	if _, err := fmt.Sscan(string(out), &name, &major, &minor, &patch); err != nil {
		return fmt.Errorf("%s does not tell its version but %q", o.python, out)
	}
	if name != "cpython" || major != 3 || minor < 13 {
		return fmt.Errorf("%s is %s %d.%d.%d: CPython 3.13 or later is needed", o.python, name, major, minor, patch)
	}
	return nil
}

// delivery is a batch of programs with the traces that CPython gave.
type delivery struct {
	specimens []specimen
	err       error
}

// compare lets CPython work on one batch while the library runs the batch before
// it.
func (o *oracle) compare(c *checker, folder string) (rate string, err error) {
	for name, text := range map[string][]byte{"reference.py": referencePy, "generate.py": generatePy} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o666); err != nil {
			return "", err
		}
	}
	began := time.Now()
	deliveries := make(chan delivery, 1)
	stop := make(chan struct{})
	defer func() {
		close(stop)
		for range deliveries {
		}
	}()
	go func() {
		defer close(deliveries)
		o.deliver(folder, deliveries, stop)
	}()
	compared := 0
	perSecond := func() int { return int(float64(compared) / time.Since(began).Seconds()) }
	for d := range deliveries {
		if d.err != nil {
			return "", d.err
		}
		if err := c.compare(d.specimens); err != nil {
			return "", err
		}
		compared += len(d.specimens)
		fmt.Fprintf(o.progress, "%d of %d programs, %d failed, %d programs a second\n", compared, o.count, c.failed, perSecond())
	}
	return fmt.Sprintf(" (%d programs a second)", perSecond()), nil
}

// deliver generates programs and runs them on CPython, batch by batch, until
// there are enough or stop is closed.
func (o *oracle) deliver(folder string, deliveries chan<- delivery, stop <-chan struct{}) {
	fail := func(err error) { deliveries <- delivery{err: err} }
	args := []string{filepath.Join(folder, "generate.py"), "--seed", o.seed, "--count", strconv.Itoa(o.count)}
	if o.profile != "" {
		args = append(args, "--profile", o.profile)
	}
	generator := exec.Command(o.python, args...)
	var complaints bytes.Buffer
	generator.Stderr = &complaints
	pipe, err := generator.StdoutPipe()
	if err != nil {
		fail(err)
		return
	}
	if err := generator.Start(); err != nil {
		fail(err)
		return
	}
	programs := bufio.NewReader(pipe)
	for {
		lines, err := readLines(programs, batch)
		if err != nil || len(lines) == 0 {
			if err == nil {
				err = generator.Wait()
			}
			if err != nil {
				fail(fmt.Errorf("generate.py: %w\n%s", err, complaints.Bytes()))
			}
			return
		}
		specimens, err := o.ask(folder, lines)
		select {
		case <-stop: // the other side has given up
			pipe.Close()
			generator.Wait() // it was cut off: its complaints mean nothing
			return
		case deliveries <- delivery{specimens, err}:
		}
	}
}

// readLines reads at most n lines.
func readLines(source *bufio.Reader, n int) ([][]byte, error) {
	var lines [][]byte
	for len(lines) < n {
		line, err := source.ReadBytes('\n')
		if len(line) > 0 {
			lines = append(lines, line)
		}
		if err == io.EOF {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// ask runs programs on CPython, each of them one line, and returns them with
// their traces.
func (o *oracle) ask(folder string, programs [][]byte) ([]specimen, error) {
	source, target := filepath.Join(folder, "programs.jsonl"), filepath.Join(folder, "traces.jsonl")
	if err := os.WriteFile(source, bytes.Join(programs, nil), 0o666); err != nil {
		return nil, err
	}
	reference := exec.Command(o.python, filepath.Join(folder, "reference.py"), "--batch", source, target)
	if out, err := reference.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("reference.py: %w\n%s", err, out)
	}
	file, err := os.Open(target)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	specimens := make([]specimen, len(programs))
	answers := json.NewDecoder(bufio.NewReader(file))
	for i, program := range programs {
		if err := answers.Decode(&specimens[i]); err != nil {
			return nil, fmt.Errorf("reference.py: trace %d: %w", i+1, err)
		}
		specimens[i].Program = program
	}
	return specimens, nil
}
