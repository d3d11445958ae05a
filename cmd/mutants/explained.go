package main

import (
	_ "embed"
	"fmt"
	"strings"
)

// explanations has a section for each package, and in it the mutants that may survive:
// lines of the form "FUNCTION | CHANGE", each followed by an indented line that says why.
//
//go:embed explained.txt
var explanations string

// parseExplanations returns the reasons by package and key.
func parseExplanations(text string) (map[string]map[string]string, error) {
	all := map[string]map[string]string{}
	section, key := "", ""
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "package "):
			section, key = strings.TrimPrefix(line, "package "), ""
			all[section] = map[string]string{}
		case strings.HasPrefix(line, " ") && key != "":
			all[section][key] = strings.TrimSpace(all[section][key] + " " + strings.TrimSpace(line))
		case strings.Contains(line, " | ") && section != "":
			key = line
			all[section][key] = ""
		default:
			return nil, fmt.Errorf("explained.txt:%d: neither a package, a mutant nor a reason: %s", n, line)
		}
	}
	for section, reasons := range all {
		for key, reason := range reasons {
			if reason == "" {
				return nil, fmt.Errorf("explained.txt: no reason for %s: %s", section, key)
			}
		}
	}
	return all, nil
}
