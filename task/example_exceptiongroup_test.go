package task_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/goasyncio/asyncio/task"
)

// Each clause takes out the errors of its kind, from all groups; what no clause
// takes goes on to the caller. In Python:
//
//	try:
//	    f()
//	except* OSError as e:
//	    print("There were OSErrors")
//	except* SystemError as e:
//	    print("There were SystemErrors")
func ExampleExceptionGroup_Split() {
	errSystem, errRecursion := errors.New("SystemError 2"), errors.New("RecursionError 4")
	group := &task.ExceptionGroup{Message: "group1", Errors: []error{
		&fs.PathError{Op: "open", Path: "1", Err: fs.ErrNotExist},
		errSystem,
		&task.ExceptionGroup{Message: "group2", Errors: []error{
			&fs.PathError{Op: "open", Path: "3", Err: fs.ErrPermission},
			errRecursion,
		}},
	}}
	isPathError := func(err error) bool {
		var e *fs.PathError
		return errors.As(err, &e)
	}
	isSystem := func(err error) bool { return errors.Is(err, errSystem) }

	matched, rest := group.Split(isPathError)
	if matched != nil {
		fmt.Println("There were OSErrors:", matched)
	}
	matched, rest = task.Except(rest, isSystem)
	if matched != nil {
		fmt.Println("There were SystemErrors:", matched)
	}
	fmt.Println("left:", rest)
	// Output:
	// There were OSErrors: group1 (2 sub-exceptions): open 1: file does not exist; group2 (1 sub-exception): open 3: permission denied
	// There were SystemErrors: group1 (1 sub-exception): SystemError 2
	// left: group1 (1 sub-exception): group2 (1 sub-exception): RecursionError 4
}

// Two clauses over what a group of tasks fails with. Except takes any error, nil
// too, so that nothing need be asked before.
func ExampleExcept() {
	errFull := errors.New("the disk is full")
	runVirtually(func(ctx context.Context) error {
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			for _, failure := range []error{fs.ErrNotExist, errFull, fs.ErrNotExist} {
				g.Go(func(ctx context.Context) error { return failure })
			}
			return nil
		})

		missing, err := task.Except(err, func(err error) bool { return errors.Is(err, fs.ErrNotExist) })
		for e := range missing.Leaves() {
			fmt.Println("not so bad:", e)
		}
		full, err := task.Except(err, func(err error) bool { return errors.Is(err, errFull) })
		for e := range full.Leaves() {
			fmt.Println("serious:", e)
		}
		return err // what is left: nothing
	})
	// Output:
	// not so bad: file does not exist
	// not so bad: file does not exist
	// serious: the disk is full
}
