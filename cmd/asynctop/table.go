package main

import "strings"

// table is text in columns.
type table struct {
	head  []string
	right []bool // which columns are numbers
	rows  [][]string
}

// leastColumn is the width below which no column is made narrower. If the table is still too wide, its lines are cut.
const leastColumn = 12

// lines returns the lines of the table, the head first. If they are wider than limit, which is 0 for none, the widest
// columns are made narrower.
func (t *table) lines(limit int) []string {
	widths := make([]int, len(t.head))
	rows := append([][]string{t.head}, t.rows...)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = printableLine(cell)
			widths[i] = max(widths[i], width(row[i]))
		}
	}
	if limit > 0 {
		narrow(widths, limit)
	}
	lines := make([]string, len(rows))
	for n, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			if i > 0 {
				b.WriteString("  ")
			}
			cell = cut(cell, widths[i])
			if t.right != nil && t.right[i] {
				b.WriteString(strings.Repeat(" ", widths[i]-width(cell)))
				b.WriteString(cell)
			} else {
				b.WriteString(pad(cell, widths[i]))
			}
		}
		lines[n] = cut(strings.TrimRight(b.String(), " "), limit)
	}
	return lines
}

// narrow makes the widest columns narrower, until all fit.
func narrow(widths []int, limit int) {
	total := 2 * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for total > limit {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= leastColumn {
			return
		}
		widths[widest]--
		total--
	}
}

// dropFirst takes the first column away.
func (t *table) dropFirst() {
	t.head, t.right = t.head[1:], t.right[1:]
	for i := range t.rows {
		t.rows[i] = t.rows[i][1:]
	}
}

// dropLast takes the last column away.
func (t *table) dropLast() {
	last := len(t.head) - 1
	t.head, t.right = t.head[:last], t.right[:last]
	for i := range t.rows {
		t.rows[i] = t.rows[i][:last]
	}
}
