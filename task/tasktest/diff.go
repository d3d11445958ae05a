package tasktest

import (
	"fmt"
	"strings"
)

// diffContext is how many equal lines are shown around those that differ.
const diffContext = 3

// An edit is a line of a diff: one that is in both texts (' '), only in the first ('-'), or
// only in the second ('+').
type edit struct {
	op   byte
	line string
}

// edits returns what makes got of want, with as many lines in common as there can be.
func edits(want, got []string) []edit {
	var all []edit
	for len(want) > 0 && len(got) > 0 && want[0] == got[0] { // the rest costs the square of its length
		all = append(all, edit{' ', want[0]})
		want, got = want[1:], got[1:]
	}
	end := 0
	for end < min(len(want), len(got)) && want[len(want)-1-end] == got[len(got)-1-end] {
		end++
	}
	equal := want[len(want)-end:]
	want, got = want[:len(want)-end], got[:len(got)-end]

	// common[i][j] is how many lines want[i:] and got[j:] have in common.
	common := make([][]int32, len(want)+1)
	for i := range common {
		common[i] = make([]int32, len(got)+1)
	}
	for i := len(want) - 1; i >= 0; i-- {
		for j := len(got) - 1; j >= 0; j-- {
			if want[i] == got[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(want) || j < len(got) {
		switch {
		case i < len(want) && j < len(got) && want[i] == got[j]:
			all = append(all, edit{' ', want[i]})
			i, j = i+1, j+1
		case i < len(want) && (j == len(got) || common[i+1][j] >= common[i][j+1]):
			all = append(all, edit{'-', want[i]})
			i++
		default:
			all = append(all, edit{'+', got[j]})
			j++
		}
	}
	for _, line := range equal {
		all = append(all, edit{' ', line})
	}
	return all
}

// inCommon is the number of lines that two texts have in common.
func inCommon(all []edit) (n int) {
	for _, e := range all {
		if e.op == ' ' {
			n++
		}
	}
	return n
}

// unified formats edits as a unified diff. It is empty if nothing differs.
func unified(all []edit) string {
	var b strings.Builder
	left, right := 1, 1 // the numbers of the lines at which a hunk begins
	for begin := 0; begin < len(all); {
		from, to := hunk(all, begin)
		for _, e := range all[begin:from] {
			left, right = left+count(e, '-'), right+count(e, '+')
		}
		if from == len(all) {
			break
		}
		if b.Len() == 0 {
			b.WriteString("--- want\n+++ got\n")
		}
		lefts, rights := 0, 0
		for _, e := range all[from:to] {
			lefts, rights = lefts+count(e, '-'), rights+count(e, '+')
		}
		fmt.Fprintf(&b, "@@ -%s +%s @@\n", lineRange(left, lefts), lineRange(right, rights))
		for _, e := range all[from:to] {
			fmt.Fprintf(&b, "%c%s\n", e.op, e.line)
		}
		left, right = left+lefts, right+rights
		begin = to
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// count is 1 if an edit has a line of the side of op.
func count(e edit, op byte) int {
	if e.op == ' ' || e.op == op {
		return 1
	}
	return 0
}

// hunk returns the edits from begin on that are shown together: differences between which
// there are few equal lines, and the lines around them. If nothing differs both are the end.
func hunk(all []edit, begin int) (from, to int) {
	first, last := -1, 0
	for i := begin; i < len(all); i++ {
		switch {
		case all[i].op == ' ':
		case first < 0:
			first, last = i, i
		case i-last > 2*diffContext+1:
			return max(first-diffContext, begin), last + diffContext + 1
		default:
			last = i
		}
	}
	if first < 0 {
		return len(all), len(all)
	}
	return max(first-diffContext, begin), min(last+diffContext+1, len(all))
}

// lineRange names n lines from a line on, as diff does: no lines are after the line before.
func lineRange(first, n int) string {
	switch n {
	case 0:
		return fmt.Sprintf("%d,0", first-1)
	case 1:
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d,%d", first, n)
}
