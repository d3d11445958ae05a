package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// A Program is a parsed scenario. It does not change, so one program may be
// run by several goroutines at once.
type Program struct {
	Name      string
	eager     bool
	coros     map[string][]statement
	callbacks map[string][]statement
}

// statement is one statement: its operation, its arguments in order, and the
// text that names it in a trace.
type statement struct {
	op    *operation
	args  []argument
	label string
}

// Parse reads a program and checks that it has the form that the language
// demands: known operations with arguments of the right form, synchronous ones
// in callbacks, names of coroutines and callbacks that exist.
func Parse(data []byte) (*Program, error) {
	var raw struct {
		Name      string         `json:"name"`
		Eager     bool           `json:"eager"`
		Coros     map[string]any `json:"coros"`
		Callbacks map[string]any `json:"callbacks"`
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&raw); err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	p := parser{coros: map[string]bool{}, callbacks: map[string]bool{}}
	for name := range raw.Coros {
		p.coros[name] = true
	}
	for name := range raw.Callbacks {
		p.callbacks[name] = true
	}
	if !p.coros["main"] {
		return nil, fmt.Errorf("scenario: program %q has no coroutine main", raw.Name)
	}
	program := &Program{Name: raw.Name, eager: raw.Eager}
	var err error
	p.inCoroutine = true
	if program.coros, err = p.bodies(raw.Coros); err == nil {
		p.inCoroutine = false
		program.callbacks, err = p.bodies(raw.Callbacks)
	}
	if err != nil {
		return nil, fmt.Errorf("scenario: program %q: %w", raw.Name, err)
	}
	return program, nil
}

// parser holds what the check of a statement needs to know of its program.
type parser struct {
	coros, callbacks map[string]bool
	inCoroutine      bool
}

func (p *parser) bodies(raw map[string]any) (map[string][]statement, error) {
	bodies := make(map[string][]statement, len(raw))
	for name, data := range raw {
		body, err := p.body(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		bodies[name] = body
	}
	return bodies, nil
}

func (p *parser) body(data any) ([]statement, error) {
	list, ok := data.([]any)
	if !ok {
		return nil, fmt.Errorf("%v is not an array of statements", data)
	}
	body := make([]statement, len(list))
	for i, element := range list {
		var err error
		if body[i], err = p.statement(element); err != nil {
			return nil, err
		}
	}
	return body, nil
}

func (p *parser) statement(data any) (statement, error) {
	list, ok := data.([]any)
	if !ok || len(list) == 0 {
		return statement{}, fmt.Errorf("%v is not a statement", data)
	}
	name, err := stringOf(list[0])
	if err != nil {
		return statement{}, fmt.Errorf("bad statement %v: %w", list, err)
	}
	op := lookUpOperation(name)
	switch {
	case op == nil:
		err = errors.New("there is no such operation")
	case !p.inCoroutine && !op.anywhere:
		err = errors.New("a callback cannot wait")
	case len(list)-1 < len(op.parameters)-op.optional || len(list)-1 > len(op.parameters):
		err = errors.New("wrong number of arguments")
	}
	if err != nil {
		return statement{}, fmt.Errorf("bad statement %v: %w", list, err)
	}
	s := statement{op: op, args: make([]argument, len(op.parameters))}
	for i, element := range list[1:] {
		if s.args[i], err = p.argument(op.parameters[i], element); err != nil {
			return statement{}, fmt.Errorf("bad statement %v: %w", list, err)
		}
	}
	s.label = name
	for i := range min(op.shown, len(s.args)) {
		s.label += " " + s.args[i].shown(op.parameters[i])
	}
	return s, nil
}
