package scenario

import (
	"context"

	"github.com/goasyncio/asyncio/task"
)

// activation is one call of a coroutine or of a callback.
type activation struct {
	*run
	future futureLike // $fut, in a done callback
	caught []error    // the exceptions that are being handled, the innermost last
}

// coroutine returns the program's coroutine of that name, to be run as a task or
// awaited.
func (r *run) coroutine(name string) coroutine {
	return func(ctx context.Context) (Value, error) {
		defer r.watch()
		r.futures.meet(task.Current(ctx))
		return r.call(ctx, name)
	}
}

// call runs a coroutine of the program in the current task.
func (r *run) call(ctx context.Context, name string) (Value, error) {
	r.log(ctx, "start "+name)
	a := &activation{run: r}
	end, err := a.execute(ctx, r.program.coros[name])
	if err != nil {
		r.log(ctx, "end "+name+" ! "+showException(err))
		return nil, err
	}
	var value Value
	if end != nil {
		value = end.value
	}
	r.log(ctx, "end "+name+" = "+show(value))
	return value, nil
}

// execute executes statements. Its result is not nil if one of them returned.
func (a *activation) execute(ctx context.Context, body []statement) (*returned, error) {
	for _, s := range body {
		if s.op.flow != nil {
			if end, err := s.op.flow(a, ctx, s.args); err != nil || end != nil {
				return end, err
			}
			continue
		}
		if err := a.perform(ctx, s); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// perform carries out a statement that contains no others, and writes its line.
func (a *activation) perform(ctx context.Context, s statement) error {
	value, err := s.op.do(a, ctx, s.args)
	switch value.(type) {
	case silence:
		return err
	case nothing:
		if err == nil {
			a.log(ctx, s.label)
			return nil
		}
	}
	if err != nil {
		a.log(ctx, s.label+" ! "+showException(err))
		return err
	}
	a.log(ctx, s.label+" = "+show(value))
	return nil
}

// callback is called by the loop to run the program's callback of that name,
// as a done callback of obj unless that is nil. An exception leaves it as a
// panic, which the loop hands to its exception handler.
func (r *run) callback(name string, obj futureLike) {
	defer r.watch()
	line := "run " + name
	if obj != nil {
		line += " " + r.futures.name(obj)
	}
	r.log(r.ctx, line)
	a := &activation{run: r, future: obj}
	for _, s := range r.program.callbacks[name] {
		if err := a.perform(r.ctx, s); err != nil {
			panic(thrown{err})
		}
	}
}
