package interop

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCurlTalksToOurServer(t *testing.T) {
	curl := program(t, "curl")
	page := string(bigPage())
	file := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	const hello = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\n"
	const summary = "%{http_code} %{num_connects} %{size_download}\n"
	inTheClearAndWithTLS(t, func(t *testing.T, a *authority) {
		// fetch runs curl and compares what it prints. It returns what curl says of the connection.
		fetch := func(ctx context.Context, want string, args ...string) (said string, err error) {
			command := []string{curl, "--disable", "--silent", "--show-error", "--verbose", "--noproxy", "*"}
			if a != nil {
				command = append(command, "--cacert", a.cafile, "--tlsv1.3")
			}
			got, said, err := output(ctx, append(command, args...)...)
			if err != nil {
				return said, err
			}
			t.Logf("curl printed %.100q", got)
			if err := expect(nil, []byte(got), want); err != nil {
				return said, fmt.Errorf("curl %s: %w", strings.Join(args, " "), err)
			}
			return said, nil
		}
		site(t, a, func(ctx context.Context, url string) error {
			said, err := fetch(ctx, hello+"hello\n", "--include", url+"/hello")
			if err != nil {
				return err
			}
			t.Logf("curl said\n%s", said)
			if a != nil && !strings.Contains(said, "SSL connection using TLSv1.3") {
				t.Error("the connection has not TLS 1.3")
			}
			if _, err := fetch(ctx, hello, "--head", url+"/hello"); err != nil {
				return err
			}

			// The second page comes on the same connection, unless HTTP/1.0 is spoken.
			if _, err := fetch(ctx, "hello\n200 1 6\nhello\n200 0 6\n", "--write-out", summary, url+"/hello", url+"/hello"); err != nil {
				return err
			}
			if _, err := fetch(ctx, "hello\n200 1 6\nhello\n200 1 6\n", "--http1.0", "--write-out", summary, url+"/hello", url+"/hello"); err != nil {
				return err
			}

			if _, err := fetch(ctx, page, url+"/big"); err != nil {
				return err
			}
			if _, err := fetch(ctx, page, url+"/chunked"); err != nil {
				return err
			}
			said, err = fetch(ctx, page, "--header", "Expect: 100-continue", "--data-binary", "@"+file, url+"/echo")
			if err != nil {
				return err
			}
			if !strings.Contains(said, "< HTTP/1.1 100 Continue") {
				t.Error("curl was not told to continue")
			}
			_, err = fetch(ctx, page, "--header", "Transfer-Encoding: chunked", "--upload-file", file, url+"/echo")
			return err
		})
	})
}
