package tasktest

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/task/tasktest/internal/choice"
)

// Tokens of failures are kept in testdata/asyncio, in one file for each test. A line is a
// token; what comes after a # is a comment.

// savedFile is the file of a test's tokens. The slashes of subtests, and what a file's name
// should not contain, are escaped as in URLs.
func savedFile(test string) string {
	return filepath.Join("testdata", "asyncio", url.PathEscape(test))
}

// savedTokens reads the tokens that were kept for a test.
func savedTokens(t testing.TB) (tokens []choice.Token) {
	t.Helper()
	file := savedFile(t.Name())
	text, err := os.ReadFile(file)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the stored schedules: %v", err)
		}
		return nil
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		token, err := choice.ParseToken(line)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		tokens = append(tokens, token)
	}
	return tokens
}

// save keeps a schedule for a test.
func save(t testing.TB, s choice.Schedule) {
	t.Helper()
	for _, token := range savedTokens(t) {
		if token.String() == s.String() {
			return
		}
	}
	file := savedFile(t.Name())
	if err := appendLine(file, s.String()); err != nil {
		t.Errorf("the schedule %v cannot be kept: %v", s, err)
	}
}

func appendLine(file, line string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}
