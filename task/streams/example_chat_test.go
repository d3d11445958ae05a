package streams_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/goasyncio/asyncio/task/streams"
)

// A room passes on what each of its guests says. One handler runs at a time, and none is
// interrupted but where it awaits, so there is nothing to lock.
type room struct {
	guests map[*streams.Writer]string // their names
}

// tooFarBehind is how many bytes may wait for a guest who does not read.
const tooFarBehind = 1 << 20

// tell writes a line to all guests but one. It awaits nothing: nobody comes or goes
// meanwhile, and nobody has to wait for a slow guest. One who is too slow is shown out.
func (r *room) tell(except *streams.Writer, line string) {
	for guest := range r.guests {
		if guest == except {
			continue
		}
		if _, err := guest.Write([]byte(line + "\n")); err != nil || guest.WriteBufferSize() > tooFarBehind {
			guest.Abort() // its own handler sees the end of the connection, and tidies up
		}
	}
}

// chat is the handler of a guest. The first line is the guest's name.
func (r *room) chat(ctx context.Context, in *streams.Reader, out *streams.Writer) error {
	name, err := in.ReadLine(ctx)
	if err != nil {
		return err
	}
	who := strings.TrimSpace(string(name))
	r.guests[out] = who
	r.tell(out, who+" comes in")
	defer func() {
		delete(r.guests, out)
		r.tell(out, who+" leaves")
	}()
	for line, err := range in.Lines(ctx) {
		if err != nil {
			return err
		}
		r.tell(out, who+": "+strings.TrimSpace(string(line)))
	}
	return nil
}

// A chat room: what the clients share needs no lock.
func Example_chat() {
	run(func(ctx context.Context) error {
		salon := &room{guests: make(map[*streams.Writer]string)}
		server, err := streams.StartServer(ctx, salon.chat, "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer server.Close()

		enter := func(name string) (*streams.Reader, *streams.Writer, error) {
			r, w, err := streams.OpenConnection(ctx, server.Addrs()[0].String())
			if err != nil {
				return nil, nil, err
			}
			return r, w, w.WriteAll(ctx, []byte(name+"\n"))
		}
		hear := func(name string, r *streams.Reader) error {
			line, err := r.ReadLine(ctx)
			fmt.Printf("(%s) %s", name, line)
			return err
		}

		ann, annSays, err := enter("Ann")
		if err != nil {
			return err
		}
		defer annSays.Close()
		if _, err := annSays.Write([]byte("is anybody here?\n")); err != nil {
			return err
		}
		bob, bobSays, err := enter("Bob")
		if err != nil {
			return err
		}
		if err := hear("Ann", ann); err != nil {
			return err
		}
		if _, err := annSays.Write([]byte("hello Bob\n")); err != nil {
			return err
		}
		if err := hear("Bob", bob); err != nil {
			return err
		}
		if err := bobSays.Close(); err != nil {
			return err
		}
		return hear("Ann", ann)
	})
	// Output:
	// (Ann) Bob comes in
	// (Bob) Ann: hello Bob
	// (Ann) Bob leaves
}
