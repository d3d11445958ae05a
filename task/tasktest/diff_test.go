package tasktest

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestDiffLeadsFromOneTextToTheOther(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func() []string {
		lines := make([]string, random.IntN(9))
		for i := range lines {
			lines[i] = string(rune('a' + random.IntN(3)))
		}
		return lines
	}
	for range 2000 {
		want, got := text(), text()
		all := edits(want, got)
		var left, right []string
		for _, e := range all {
			if e.op != '+' {
				left = append(left, e.line)
			}
			if e.op != '-' {
				right = append(right, e.line)
			}
		}
		if !slices.Equal(left, want) || !slices.Equal(right, got) {
			t.Fatalf("the diff of %v and %v is one of %v and %v", want, got, left, right)
		}
		if n, most := inCommon(all), longestCommon(want, got); n != most {
			t.Fatalf("the diff of %v and %v keeps %d lines, want %d", want, got, n, most)
		}
	}
}

// longestCommon tries all ways to leave out lines.
func longestCommon(a, b []string) int {
	switch {
	case len(a) == 0 || len(b) == 0:
		return 0
	case a[0] == b[0]:
		return 1 + longestCommon(a[1:], b[1:])
	}
	return max(longestCommon(a[1:], b), longestCommon(a, b[1:]))
}

func TestDiffIsUnified(t *testing.T) {
	numbers := strings.Fields("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20")
	changed := func(at ...int) []string {
		lines := slices.Clone(numbers)
		for _, i := range at {
			lines[i-1] = "new " + lines[i-1]
		}
		return lines
	}
	for _, test := range []struct {
		name      string
		want, got []string
		diff      string
	}{
		{"equal", numbers, numbers, ""},
		{"both empty", nil, nil, ""},
		{"nothing wanted", nil, []string{"a", "b"}, "@@ -0,0 +1,2 @@\n+a\n+b"},
		{"nothing came", []string{"a"}, nil, "@@ -1 +0,0 @@\n-a"},
		{"one line", []string{"a"}, []string{"b"}, "@@ -1 +1 @@\n-a\n+b"},
		{"in the middle", numbers, changed(10), "@@ -7,7 +7,7 @@\n 7\n 8\n 9\n-10\n+new 10\n 11\n 12\n 13"},
		{"near each other", numbers, changed(2, 9), "@@ -1,12 +1,12 @@\n 1\n-2\n+new 2\n 3\n 4\n 5\n 6\n 7\n 8\n-9\n+new 9\n 10\n 11\n 12"},
		{"far from each other", numbers, changed(2, 10),
			"@@ -1,5 +1,5 @@\n 1\n-2\n+new 2\n 3\n 4\n 5\n@@ -7,7 +7,7 @@\n 7\n 8\n 9\n-10\n+new 10\n 11\n 12\n 13"},
		{"numbers that shift", numbers, append([]string{"0"}, changed(19)...),
			"@@ -1,3 +1,4 @@\n+0\n 1\n 2\n 3\n@@ -16,5 +17,5 @@\n 16\n 17\n 18\n-19\n+new 19\n 20"},
	} {
		want := test.diff
		if want != "" {
			want = "--- want\n+++ got\n" + want
		}
		if got := unified(edits(test.want, test.got)); got != want {
			t.Errorf("%s: the diff is\n%s\nwant\n%s", test.name, got, want)
		}
	}
}
