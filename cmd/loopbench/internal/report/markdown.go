package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// WriteMarkdown writes the report's tables for a document.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s: %s, %s", r.Started.UTC().Format("2006-01-02"), r.Machine, strings.Join(r.versions(), ", "))
	if size := r.size(); size != "" {
		b.WriteString("; " + size)
	}
	b.WriteString(".\n")
	for _, sweep := range []bool{false, true} {
		if rows := r.rows(sweep); len(rows) > 1 {
			if sweep {
				b.WriteString("\nCost against scale:\n")
			}
			b.WriteString("\n")
			pipes(&b, rows)
		}
	}
	if rows := r.latencyRows(); len(rows) > 1 {
		b.WriteString("\nSingle operations:\n\n")
		pipes(&b, rows)
	}
	if rows := r.trafficRows(); len(rows) > 1 {
		b.WriteString("\nServers:\n\n")
		pipes(&b, rows)
	}
	b.WriteString("\n")
	for _, line := range r.legend() {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func pipes(b *strings.Builder, rows [][]cell) {
	for i, row := range rows {
		for _, c := range row {
			fmt.Fprintf(b, "| %s ", strings.ReplaceAll(c.text, "|", `\|`))
		}
		b.WriteString("|\n")
		if i == 0 {
			for _, c := range row {
				if c.left {
					b.WriteString("|---")
				} else {
					b.WriteString("|---:")
				}
			}
			b.WriteString("|\n")
		}
	}
}

// The report replaces what is between these lines of a document.
const (
	docBegin = "<!-- loopbench: begin -->\n"
	docEnd   = "<!-- loopbench: end -->\n"
)

// errNoMarkers is the error for a document that has no place for a report.
var errNoMarkers = errors.New("report: document: there must be one line " + strings.TrimSpace(docBegin) +
	" and, after it, one line " + strings.TrimSpace(docEnd))

// CheckDocument returns an error if the document at path has no place for a report.
func CheckDocument(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	_, _, err = splitDocument(string(text))
	return err
}

// UpdateDocument writes the report into its place in the document at path.
func (r *Report) UpdateDocument(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, after, err := splitDocument(string(text))
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(before + docBegin)
	if err := r.WriteMarkdown(&b); err != nil {
		return err
	}
	b.WriteString(docEnd + after)
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

func splitDocument(text string) (before, after string, err error) {
	before, rest, begins := strings.Cut(text, docBegin)
	old, after, ends := strings.Cut(rest, docEnd)
	if !begins || !ends || strings.Contains(before+after, docEnd) || strings.Contains(old+after, docBegin) {
		return "", "", errNoMarkers
	}
	return before, after, nil
}
