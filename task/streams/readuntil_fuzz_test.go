package streams

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// naiveUntil is readuntil as one would write it without a thought of speed.
func naiveUntil(p []byte, separators [][]byte) (start, end int) {
	for end = 1; end <= len(p); end++ {
		start = -1
		for _, s := range separators {
			if bytes.HasSuffix(p[:end], s) {
				start = max(start, end-len(s))
			}
		}
		if start >= 0 {
			return start, end
		}
	}
	return 0, 0
}

// What ReadUntil returns, with several separators, over a stream that arrives in pieces,
// is what a naive search finds.
func FuzzReadUntil(f *testing.F) {
	f.Add([]byte("aabbaabab"), []byte{3, 1, 2}, []byte("ab|aab"), uint8(4))
	f.Add([]byte("abcabcabc"), []byte{1}, []byte("bc|abc|c"), uint8(1))
	f.Add([]byte("cccccccccccc"), []byte{2, 5}, []byte("ab|cccccc"), uint8(9))
	f.Add([]byte("ABCDEFG"), []byte{9}, []byte("BCDE|DEF"), uint8(3))
	f.Fuzz(func(t *testing.T, data, pieces, separators []byte, limit uint8) {
		alphabet := func(p []byte) []byte {
			var out []byte
			for _, b := range p {
				out = append(out, 'a'+b%3)
			}
			return out
		}
		if len(data) > 300 || len(separators) > 40 {
			return
		}
		var seps [][]byte
		longest := 0
		for _, s := range bytes.Split(separators, []byte("|")) {
			if len(s) > 0 {
				seps = append(seps, alphabet(s))
				longest = max(longest, len(s))
			}
		}
		if len(seps) == 0 {
			return
		}
		data = alphabet(data)
		withReader(t, int(limit)+1, func(ctx context.Context, r *Reader) {
			arrived, taken, ended := 0, 0, false
			next := 0
			arrive := func() {
				if arrived == len(data) {
					ended = true
					r.FeedEOF()
					return
				}
				n := 1
				if len(pieces) > 0 {
					n += int(pieces[next%len(pieces)] % 16)
					next++
				}
				n = min(n, len(data)-arrived)
				r.FeedData(data[arrived : arrived+n])
				arrived += n
			}
			for {
				read := startRead(ctx, func(ctx context.Context) ([]byte, error) { return r.ReadUntil(ctx, seps...) })
				turns(t, ctx, 1)
				for !read.Done() {
					// It waits, so a naive search finds nothing either.
					rest := data[taken:arrived]
					if _, end := naiveUntil(rest, seps); end > 0 {
						t.Fatalf("waits in %q for %q", rest, seps)
					}
					if len(rest)+1-longest > r.limit {
						t.Fatalf("waits in %q, longer than %d", rest, r.limit)
					}
					arrive()
					turns(t, ctx, 1)
				}
				p, err := read.Await(ctx)
				rest := data[taken:arrived]
				start, end := naiveUntil(rest, seps)
				var long *LimitOverrunError
				var incomplete *IncompleteReadError
				switch {
				case err == nil:
					if end == 0 || start > r.limit || !bytes.Equal(p, rest[:end]) {
						t.Fatalf("%q of %q for %q, want %d", p, rest, seps, end)
					}
					taken += end
				case errors.As(err, &long):
					want := max(0, len(rest)+1-longest)
					if long.Found {
						want = start
					}
					if long.Found != (end > 0) || long.Consumed != want || want <= r.limit {
						t.Fatalf("%v of %q for %q: %+v, want %d", err, rest, seps, long, want)
					}
					n, err := r.Discard(long.Consumed)
					check.NoError(t, err)
					taken += n
				case errors.As(err, &incomplete):
					if !ended || end > 0 || !bytes.Equal(incomplete.Partial, rest) {
						t.Fatalf("%v of %q for %q", err, rest, seps)
					}
					return
				default:
					t.Fatal(err)
				}
				left(t, r, string(data[taken:arrived]))
			}
		})
	})
}
