package scenario

import (
	"context"

	"github.com/goasyncio/asyncio/task"
)

// lookUp returns the object that a variable is bound to. It must be a T: one of
// the library's types, or an interface that several kinds of objects implement.
func lookUp[T any](a *activation, ctx context.Context, name string) (T, error) {
	var none T
	obj := a.object(ctx, name)
	if obj == nil {
		return none, &unboundError{name}
	}
	t, ok := obj.(T)
	if !ok {
		return none, &kindError{name}
	}
	return t, nil
}

// object returns what a variable is bound to, or nil.
func (a *activation) object(ctx context.Context, name string) any {
	switch name {
	case "$me":
		if current := task.Current(ctx); current != nil {
			return current
		}
		return nil
	case "$fut":
		if a.future != nil {
			return a.future
		}
		return nil
	}
	return a.variables[name]
}

// settableFuture looks up a future that the program itself made: only these have
// results that it may set.
func (a *activation) settableFuture(ctx context.Context, name string) (aFuture, error) {
	obj, err := lookUp[futureLike](a, ctx, name)
	if err != nil {
		return nil, err
	}
	f, ok := obj.(aFuture)
	if !ok || !a.settable[f] {
		return nil, &kindError{name}
	}
	return f, nil
}

// bind binds a variable to a future; one that is met for the first time is
// named after the variable.
func (a *activation) bind(name string, obj futureLike) {
	a.futures.baptize(obj, name)
	a.variables[name] = obj
}

// futuresOf looks up the variables among items. The elements for coroutines stay
// nil: none may start before all variables have been checked.
func (a *activation) futuresOf(ctx context.Context, items []itemSpec) ([]futureLike, error) {
	found := make([]futureLike, len(items))
	for i, item := range items {
		if item.coro != "" {
			continue
		}
		var err error
		if found[i], err = lookUp[futureLike](a, ctx, item.variable); err != nil {
			return nil, err
		}
	}
	return found, nil
}
