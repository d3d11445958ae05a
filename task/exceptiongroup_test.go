package task_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// The errors of groups in these tests: those with small letters are to be matched.
type letter string

func (l letter) Error() string { return string(l) }

func small(err error) bool {
	var l letter
	return errors.As(err, &l) && strings.ToLower(string(l)) == string(l)
}

func group(message string, errs ...error) *task.ExceptionGroup {
	return &task.ExceptionGroup{Message: message, Errors: errs}
}

// outline shows how an error is built, as in "outer[a inner[b] C]".
func outline(err error) string {
	g, ok := err.(*task.ExceptionGroup)
	switch {
	case err == nil:
		return "nil"
	case !ok:
		return err.Error()
	}
	members := make([]string, len(g.Errors))
	for i, member := range g.Errors {
		members[i] = outline(member)
	}
	return g.Message + "[" + strings.Join(members, " ") + "]"
}

// part is outline for the first result of Split and Except, which is no error if it
// is nil.
func part(g *task.ExceptionGroup) string {
	if g == nil {
		return "nil"
	}
	return outline(g)
}

func TestExceptionGroupSplit(t *testing.T) {
	a, b, c, x, y, z := letter("a"), letter("b"), letter("c"), letter("X"), letter("Y"), letter("Z")
	for _, test := range []struct {
		name          string
		g             *task.ExceptionGroup
		matched, rest string
	}{
		{"some match", group("g", a, x, b, y), "g[a b]", "g[X Y]"},
		{"all match", group("g", a, b), "g[a b]", "nil"},
		{"none match", group("g", x, y), "nil", "g[X Y]"},
		{"one error twice", group("g", a, a, x, x), "g[a a]", "g[X X]"},
		{"a nested group is divided", group("g", x, group("h", a, y, b), c), "g[h[a b] c]", "g[X h[Y]]"},
		{"a nested group matches", group("g", x, group("h", a, b)), "g[h[a b]]", "g[X]"},
		{"no nested group matches", group("g", a, group("h", x, y)), "g[a]", "g[h[X Y]]"},
		{"all match in all groups", group("g", a, group("h", b)), "g[a h[b]]", "nil"},
		{"none match in any group", group("g", x, group("h", y)), "nil", "g[X h[Y]]"},
		{"several levels",
			group("1", group("2", group("3", a, x), y), group("4", group("5", group("6", b))), group("7", z)),
			"1[2[3[a]] 4[5[6[b]]]]", "1[2[3[X] Y] 7[Z]]"},
		{"groups of one", group("1", group("2", group("3", a, x))), "1[2[3[a]]]", "1[2[3[X]]]"},
		{"a wrapped error is a leaf", group("g", fmt.Errorf("on: %w", a), fmt.Errorf("on: %w", x)), "g[on: a]", "g[on: X]"},
		{"joined errors are a leaf", group("g", errors.Join(a), errors.Join(x)), "g[a]", "g[X]"},
		{"no errors", group("g"), "nil", "g[]"},
		{"a group without errors in another one", group("g", a, group("h")), "g[a]", "g[h[]]"},
		{"nil among the errors", group("g", nil, a, nil, x), "g[a]", "g[X]"},
		{"no group", nil, "nil", "nil"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := part(test.g)
			matched, rest := test.g.Split(small)
			check.Equal(t, "matched", part(matched), test.matched)
			check.Equal(t, "rest", outline(rest), test.rest)
			check.Equal(t, "the group afterwards", part(test.g), before)
			switch test.name {
			case "all match", "all match in all groups":
				check.Equal(t, "matched is the group itself", matched == test.g, true)
				check.Equal(t, "the rest is no error", rest == nil, true)
			case "none match", "none match in any group", "no errors":
				check.Equal(t, "the rest is the group itself", rest == error(test.g), true)
			}

			if test.g != nil { // Except divides it in the same way, wrapped or not
				matched, rest := task.Except(test.g, small)
				check.Equal(t, "matched by Except", part(matched), test.matched)
				check.Equal(t, "rest of Except", outline(rest), test.rest)
				matched, _ = task.Except(fmt.Errorf("twice: %w", fmt.Errorf("wrapped: %w", test.g)), small)
				wrapped := test.matched
				if wrapped != "nil" {
					wrapped = "twice: wrapped: " + wrapped
				}
				check.Equal(t, "matched by Except in what was wrapped", part(matched), wrapped)
			}
		})
	}
}

func TestExceptionGroupSplitKeepsGroupsThatAreNotDivided(t *testing.T) {
	whole, divided, other := group("whole", letter("a")), group("divided", letter("a"), letter("X")), group("other", letter("Y"))
	wrapped := fmt.Errorf("wrapped: %w", group("whole", letter("b")))
	matched, rest := group("g", whole, divided, other, wrapped).Split(small)
	check.Equal(t, "matched", part(matched), "g[whole[a] divided[a] wrapped: whole (1 sub-exception): b]")
	check.Equal(t, "the very group", matched.Errors[0] == error(whole), true)
	check.Equal(t, "the very wrapper", matched.Errors[2] == wrapped, true)
	check.Equal(t, "the very group in the rest", rest.(*task.ExceptionGroup).Errors[1] == error(other), true)
}

// A test with errors.Is would find every group that has a matching error in it.
func TestExceptionGroupSplitAsksForLeavesOnly(t *testing.T) {
	var asked []error
	joined := errors.Join(letter("a"), letter("X"))
	g := group("g", letter("a"), group("h", letter("X"), fmt.Errorf("wrapped: %w", group("i", letter("b")))), joined)
	g.Split(func(err error) bool {
		asked = append(asked, err)
		return false
	})
	check.Equal(t, "asked about", asked, []error{letter("a"), letter("X"), letter("b"), joined})
	check.Equal(t, "the leaves", slices.Collect(g.Leaves()), asked)
}

func TestExceptDoesNotAskForNil(t *testing.T) {
	never := func(err error) bool {
		t.Errorf("asked about %v", err)
		return true
	}
	for _, err := range []error{nil, group("g", nil, nil), fmt.Errorf("wrapped: %w", group("g", nil))} {
		task.Except(err, never)
	}
}

func TestExceptionGroupSplitOfAWrappedGroup(t *testing.T) {
	divided := func(message string) error { return group(message, letter("a"), letter("X")) }
	for _, test := range []struct {
		name          string
		err           error
		matched, rest string
	}{
		{"the text before the group is kept", fmt.Errorf("shard 3: %w", divided("failed")), "g[shard 3: failed[a]]", "g[shard 3: failed[X]]"},
		{"of a group without a message", fmt.Errorf("shard 3: %w", divided("")), "g[shard 3:[a]]", "g[shard 3:[X]]"},
		{"the text around it is not", fmt.Errorf("shard 3: %w (twice)", divided("failed")), "g[failed[a]]", "g[failed[X]]"},
		{"a panic", &task.PanicError{Value: divided("failed")}, "g[panic: failed[a]]", "g[panic: failed[X]]"},
	} {
		matched, rest := group("g", test.err).Split(small)
		check.Equal(t, test.name+": matched", part(matched), test.matched)
		check.Equal(t, test.name+": rest", outline(rest), test.rest)
	}
}

func TestExceptOfWhatIsNoGroup(t *testing.T) {
	matched, rest := task.Except(nil, small)
	check.Equal(t, "matched in nil", matched == nil, true)
	check.Equal(t, "rest of nil", rest == nil, true)

	var none *task.ExceptionGroup
	matched, rest = task.Except(none, small)
	check.Equal(t, "matched in a nil group", matched == nil, true)
	check.Equal(t, "rest of a nil group", rest == nil, true)

	for _, err := range []error{letter("a"), fmt.Errorf("wrapped: %w", letter("a")), errors.Join(letter("a"), letter("X"))} {
		matched, rest = task.Except(err, small)
		check.Equal(t, "message", matched.Message, "")
		check.Equal(t, "matched", matched.Errors, []error{err})
		check.Equal(t, "rest", rest == nil, true)
	}

	for _, err := range []error{letter("X"), fmt.Errorf("wrapped: %w", letter("X"))} {
		matched, rest = task.Except(err, small)
		check.Equal(t, "matched", matched == nil, true)
		check.Equal(t, "the very error", rest == err, true)
	}
}

func TestExceptReturnsTheVeryErrorOfWhichNothingMatches(t *testing.T) {
	err := fmt.Errorf("wrapped: %w", group("g", letter("X"), group("h", letter("Y"))))
	matched, rest := task.Except(err, small)
	check.Equal(t, "matched", matched == nil, true)
	check.Equal(t, "rest", rest == err, true)
}

// One clause after the other, over what a TaskGroup fails with.
func TestExceptOfAGroupOfTasks(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(func(ctx context.Context) error { return task.WithTimeout(ctx, time.Second, sleepsLong) })
			g.Go(func(ctx context.Context) error {
				return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
					g.Go(failsWhenCancelled(letter("a")))
					g.Go(failsWhenCancelled(errTest))
					return nil
				})
			})
			return nil
		})
		late, err := task.Except(err, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) })
		isGroupOf(t, late, future.ErrTimeout)
		letters, err := task.Except(err, small)
		check.Equal(t, "letters", part(letters), "unhandled errors in a TaskGroup[unhandled errors in a TaskGroup[a]]")
		check.Equal(t, "what is left", outline(err), "unhandled errors in a TaskGroup[unhandled errors in a TaskGroup[test error]]")
		cancelled, err := task.Except(err, future.IsCancelled)
		check.Equal(t, "cancelled", part(cancelled), "nil")
		_, err = task.Except(err, func(err error) bool { return err == errTest })
		check.NoError(t, err)
	})
}

func TestExceptionGroupLeaves(t *testing.T) {
	var none *task.ExceptionGroup
	g := group("g", letter("1"), nil, group("h", letter("2"), group("i"), group("j", letter("3"))), none, letter("4"))
	var all []string
	for err := range g.Leaves() {
		all = append(all, err.Error())
	}
	check.Equal(t, "leaves", all, []string{"1", "2", "3", "4"})
	for end, want := range map[string]int{"1": 1, "2": 2, "3": 3} {
		n := 0
		for err := range g.Leaves() {
			if n++; err == letter(end) {
				break
			}
		}
		check.Equal(t, "leaves up to "+end, n, want)
	}
	for err := range (*task.ExceptionGroup)(nil).Leaves() {
		t.Errorf("a nil group has the leaf %v", err)
	}
}

func TestExceptionGroupsMayBeNestedDeeply(t *testing.T) {
	const depth = 20_000
	g := group("g", letter("a"), letter("X"))
	for range depth {
		g = group("g", letter("a"), g, letter("X"))
	}
	asked := 0
	matched, rest := g.Split(func(err error) bool {
		asked++
		return small(err)
	})
	const leaves = 2 * (depth + 1)
	check.Equal(t, "tests", asked, leaves)
	count := func(g *task.ExceptionGroup) (n int) {
		for range g.Leaves() {
			n++
		}
		return n
	}
	check.Equal(t, "leaves", count(g), leaves)
	check.Equal(t, "leaves that matched", count(matched), leaves/2)
	check.Equal(t, "leaves that are left", count(rest.(*task.ExceptionGroup)), leaves/2)
	for range depth {
		matched = matched.Errors[1].(*task.ExceptionGroup)
	}
	check.Equal(t, "the innermost group", part(matched), "g[a]")
	text := g.Error()
	check.Equal(t, "groups in the text", strings.Count(text, "sub-exceptions"), depth+1)
	check.Equal(t, "length of the text", len(text), depth*len("g (3 sub-exceptions): a; ; X")+len("g (2 sub-exceptions): a; X"))
}

func TestExceptionGroupError(t *testing.T) {
	for _, test := range []struct {
		g    *task.ExceptionGroup
		want string
	}{
		{group("g", letter("a")), "g (1 sub-exception): a"},
		{group("g", letter("a"), letter("b")), "g (2 sub-exceptions): a; b"},
		{group("", letter("a")), "(1 sub-exception): a"},
		{group("g"), "g (0 sub-exceptions)"},
		{group("g", group("h", letter("a"), nil), letter("b")), "g (2 sub-exceptions): h (2 sub-exceptions): a; <nil>; b"},
	} {
		check.Equal(t, outline(test.g), test.g.Error(), test.want)
	}
}
