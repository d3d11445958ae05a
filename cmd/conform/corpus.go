package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// specimen is a program and its expected trace.
type specimen struct {
	Program json.RawMessage `json:"program"`
	Trace   []string        `json:"trace"`
}

// readCorpus reads a file with one specimen on each line, or a directory of
// programs with their traces beside them.
func readCorpus(path string) ([]specimen, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return readDirectory(path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var source io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if source, err = gzip.NewReader(file); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	specimens, err := readSpecimens(source)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return specimens, nil
}

func readSpecimens(source io.Reader) ([]specimen, error) {
	var specimens []specimen
	decoder := json.NewDecoder(bufio.NewReader(source))
	for {
		var s specimen
		switch err := decoder.Decode(&s); {
		case errors.Is(err, io.EOF):
			return specimens, nil
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", len(specimens)+1, err)
		case s.Program == nil || s.Trace == nil:
			return nil, fmt.Errorf("line %d: not of the form {\"program\": ..., \"trace\": [...]}", len(specimens)+1)
		}
		specimens = append(specimens, s)
	}
}

// readDirectory reads the programs in a directory and their traces. A program
// without a trace is an error: it must not look like one that passed.
func readDirectory(directory string) ([]specimen, error) {
	paths, err := filepath.Glob(filepath.Join(directory, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s: no programs (*.json)", directory)
	}
	specimens := make([]specimen, len(paths))
	for i, path := range paths {
		if specimens[i].Program, err = os.ReadFile(path); err != nil {
			return nil, err
		}
		trace, err := os.ReadFile(tracePath(path))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s has no trace beside it: %w", path, err)
		}
		if err != nil {
			return nil, err
		}
		specimens[i].Trace = splitLines(trace)
	}
	return specimens, nil
}

func tracePath(program string) string {
	return strings.TrimSuffix(program, ".json") + ".trace"
}

func splitLines(data []byte) []string {
	data = bytes.TrimSuffix(data, []byte("\n"))
	if len(data) == 0 {
		return nil
	}
	return strings.Split(string(data), "\n")
}

// write stores the specimen as a program and a trace in a directory.
func (s specimen) write(directory, name string) error {
	if err := os.MkdirAll(directory, 0o777); err != nil {
		return err
	}
	path := filepath.Join(directory, filepath.Base(name)+".json")
	if err := os.WriteFile(path, append(bytes.TrimSpace(s.Program), '\n'), 0o666); err != nil {
		return err
	}
	return os.WriteFile(tracePath(path), []byte(strings.Join(s.Trace, "\n")+"\n"), 0o666)
}
