package scenario

import (
	"encoding/json"
	"fmt"
	"strings"
)

// parameter says what an argument of a statement is, which decides how it is
// written in JSON and which field of the argument holds it.
type parameter int

const (
	variable      parameter = iota // text: the name of a variable
	variables                      // items: names of variables
	item                           // items: one variable or {"coro": NAME}
	items                          // items: an array of those
	coroName                       // text: the name of a coroutine
	callback                       // text: the name of a callback
	word                           // text: any text
	count                          // number
	limit                          // number, or null
	flag                           // flag
	anyValue                       // value
	exception                      // err
	block                          // body
	handlerList                    // handlers
	eagerWord                      // the text "eager"
	queueKind                      // text: a kind of queue
	waitCondition                  // text: what wait waits for
	chunk                          // chunks: one of data
	chunks                         // chunks: an array of those
)

// argument is one argument of a statement. Its parameter says in which field it
// is. An argument that was left out is not given; a limit may be null.
type argument struct {
	text     string
	number   int64
	null     bool
	flag     bool
	given    bool
	value    Value
	err      func() error
	items    []itemSpec
	chunks   [][]byte
	body     []statement
	handlers []handler
}

// itemSpec is a variable or a new call of a coroutine.
type itemSpec struct{ variable, coro string }

// handler is one handler of a try statement.
type handler struct {
	kind handlerKind
	body []statement
}

// argument parses one argument.
func (p *parser) argument(kind parameter, data any) (argument, error) {
	a := argument{given: true}
	var err error
	switch kind {
	case variable, word:
		a.text, err = stringOf(data)
	case coroName:
		if a.text, err = stringOf(data); err == nil {
			err = p.checkCoro(a.text)
		}
	case callback:
		if a.text, err = stringOf(data); err == nil && !p.callbacks[a.text] {
			err = fmt.Errorf("there is no callback %s", a.text)
		}
	case eagerWord:
		err = p.oneOf(&a.text, data, "eager")
	case queueKind:
		err = p.oneOf(&a.text, data, "fifo", "priority", "lifo")
	case waitCondition:
		err = p.oneOf(&a.text, data, allCompleted, firstCompleted, firstException)
	case count:
		a.number, err = integerOf(data)
	case limit:
		if a.null = data == nil; !a.null {
			a.number, err = integerOf(data)
		}
	case flag:
		var ok bool
		if a.flag, ok = data.(bool); !ok {
			err = fmt.Errorf("%v is not a boolean", data)
		}
	case anyValue:
		a.value, err = parseValue(data)
	case exception:
		a.err, err = parseException(data)
	case item:
		a.items = make([]itemSpec, 1)
		a.items[0], err = p.item(data)
	case items, variables:
		a.items, err = p.items(data, kind == items)
	case chunk:
		a.chunks = make([][]byte, 1)
		a.chunks[0], err = chunkOf(data)
	case chunks:
		a.chunks, err = chunksOf(data)
	case block:
		a.body, err = p.body(data)
	case handlerList:
		a.handlers, err = p.handlers(data)
	}
	return a, err
}

func (p *parser) checkCoro(name string) error {
	if !p.coros[name] {
		return fmt.Errorf("there is no coroutine %s", name)
	}
	return nil
}

func (p *parser) oneOf(target *string, data any, words ...string) error {
	for _, known := range words {
		if data == known {
			*target = known
			return nil
		}
	}
	return fmt.Errorf("%v is not one of %q", data, words)
}

func (p *parser) item(data any) (itemSpec, error) {
	if object, ok := data.(map[string]any); ok {
		name, err := stringOf(object["coro"])
		if err == nil {
			err = p.checkCoro(name)
		}
		return itemSpec{coro: name}, err
	}
	name, err := stringOf(data)
	return itemSpec{variable: name}, err
}

func (p *parser) items(data any, coros bool) ([]itemSpec, error) {
	list, ok := data.([]any)
	if !ok {
		return nil, fmt.Errorf("%v is not an array", data)
	}
	specs := make([]itemSpec, len(list))
	for i, element := range list {
		var err error
		if specs[i], err = p.item(element); err != nil {
			return nil, err
		}
		if specs[i].coro != "" && !coros {
			return nil, fmt.Errorf("a coroutine cannot be given here")
		}
	}
	return specs, nil
}

func (p *parser) handlers(data any) ([]handler, error) {
	list, ok := data.([]any)
	if !ok {
		return nil, fmt.Errorf("%v is not an array of handlers", data)
	}
	handlers := make([]handler, len(list))
	for i, element := range list {
		pair, ok := element.([]any)
		if !ok || len(pair) != 2 {
			return nil, fmt.Errorf("%v is not a handler", element)
		}
		kind, err := stringOf(pair[0])
		if err != nil || !handlerKind(kind).valid() {
			return nil, fmt.Errorf("%v is not a kind of exception", pair[0])
		}
		body, err := p.body(pair[1])
		if err != nil {
			return nil, err
		}
		handlers[i] = handler{kind: handlerKind(kind), body: body}
	}
	return handlers, nil
}

// shown is the argument as the label of a statement shows it.
func (a argument) shown(kind parameter) string {
	switch kind {
	case count, limit:
		return integer(a.number).show()
	case item:
		if a.items[0].coro != "" {
			return a.items[0].coro
		}
		return a.items[0].variable
	}
	return a.text
}

func stringOf(data any) (string, error) {
	s, ok := data.(string)
	if !ok {
		return "", fmt.Errorf("%v is not a string", data)
	}
	return s, nil
}

// chunkOf reads data: a text, or [TEXT, TIMES] for one that is repeated.
func chunkOf(data any) ([]byte, error) {
	times := int64(1)
	if pair, ok := data.([]any); ok && len(pair) == 2 {
		var err error
		if times, err = integerOf(pair[1]); err != nil || times < 0 {
			return nil, fmt.Errorf("%v is not a number of times", pair[1])
		}
		data = pair[0]
	}
	s, err := stringOf(data)
	return []byte(strings.Repeat(s, int(times))), err
}

func chunksOf(data any) ([][]byte, error) {
	list, ok := data.([]any)
	if !ok {
		return nil, fmt.Errorf("%v is not an array", data)
	}
	chunks := make([][]byte, len(list))
	for i, element := range list {
		var err error
		if chunks[i], err = chunkOf(element); err != nil {
			return nil, err
		}
	}
	return chunks, nil
}

func integerOf(data any) (int64, error) {
	n, ok := data.(json.Number)
	if !ok {
		return 0, fmt.Errorf("%v is not an integer", data)
	}
	return n.Int64()
}
