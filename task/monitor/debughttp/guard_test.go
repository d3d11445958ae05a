package debughttp

import (
	"net/http"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestGuardKnowsHosts(t *testing.T) {
	h := serve(shop(), AllowHosts("debug.example.com", "Other")).serving()
	for host, status := range map[string]int{
		"localhost": 200, "localhost:6060": 200, "LOCALHOST": 200, "127.0.0.1": 200, "127.0.0.1:6060": 200,
		"[::1]": 200, "[::1]:6060": 200, "192.0.2.7:80": 200, "debug.example.com:1": 200, "Debug.Example.com": 200, "other": 200,
		"": 403, "evil.example": 403, "localhost6": 403, "localhost.": 403, "localhost.localdomain": 403,
		"localhost.evil.example": 403, "127.0.0.1.evil.example": 403, "127.0.0.1.nip.io:6060": 403, "[::1].evil.example": 403,
		"0x7f.1": 403, "2130706433": 403, "x.debug.example.com": 403, "debug.example.com.evil.example": 403,
		"localhost:6060.evil.example:80": 403, "evil.example:localhost": 403, "[localhost": 403, "[": 403, "[]": 403,
	} {
		check.Equal(t, "status for "+host, ask(t, h, "GET", "tasks", "", "Host", host).StatusCode, status)
	}
}

func TestGuardSetsHeadersOfAllAnswers(t *testing.T) {
	h := serve(shop()).serving()
	for _, r := range []*http.Response{
		ask(t, h, "GET", "", ""), ask(t, h, "GET", "tasks", ""), ask(t, h, "GET", "nothing", ""),
		ask(t, h, "GET", "tasks", "", "Host", "evil.example"), ask(t, h, "DELETE", "tasks", ""),
	} {
		policy := r.Header.Get("Content-Security-Policy")
		check.Contains(t, policy, "default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "script-src 'sha256-", "style-src 'sha256-")
		check.False(t, "unsafe", strings.Contains(policy, "unsafe"))
		check.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"), "nosniff")
		check.Equal(t, "cache", r.Header.Get("Cache-Control"), "no-store")
		check.Equal(t, "referrer", r.Header.Get("Referrer-Policy"), "no-referrer")
	}
}

const body = `{"loop": 1, "task": 7, "name": "orders"}`

func TestCancelNeedsTheOption(t *testing.T) {
	f := shop()
	r := ask(t, serve(f).serving(), "POST", "cancel", body, "Content-Type", "application/json")
	check.Equal(t, "status", r.StatusCode, http.StatusForbidden)
	check.Contains(t, text(t, r), "AllowCancel")
	check.Equal(t, "cancelled", len(f.cancelled), 0)
}

func TestCancelIsNotForOtherPages(t *testing.T) {
	f := shop()
	h := serve(f, AllowCancel()).serving()
	for status, requests := range map[int][][]string{
		http.StatusForbidden: {
			{body, "Content-Type", "application/json", "Sec-Fetch-Site", "cross-site"},
			{body, "Content-Type", "application/json", "Sec-Fetch-Site", "same-site"},
			{body, "Content-Type", "application/json", "Origin", "https://evil.example"},
			{body, "Content-Type", "application/json", "Origin", "null"},
			{body, "Content-Type", "application/json", "Host", "evil.example"},
		},
		http.StatusUnsupportedMediaType: {
			{body, "Content-Type", "text/plain"},
			{body, "Content-Type", "application/x-www-form-urlencoded"},
			{body},
		},
		http.StatusBadRequest: {
			{"", "Content-Type", "application/json"},
			{`{"loop": 1, "task": 7, "name": "orders", "all": true}`, "Content-Type", "application/json"},
			{`"` + strings.Repeat("x", 1<<17) + `"`, "Content-Type", "application/json"},
		},
		http.StatusNotFound: {
			{`{"loop": 1, "task": 7, "name": "order"}`, "Content-Type", "application/json"},
			{`{"loop": 1, "task": 8, "name": "orders"}`, "Content-Type", "application/json"},
			{`{"task": 7, "name": "orders"}`, "Content-Type", "application/json"},
		},
	} {
		for _, r := range requests {
			check.Equal(t, strings.Join(r, " ")[:min(90, len(strings.Join(r, " ")))], ask(t, h, "POST", "cancel", r[0], r[1:]...).StatusCode, status)
		}
	}
	check.Equal(t, "status of GET", ask(t, h, "GET", "cancel", "").StatusCode, http.StatusMethodNotAllowed)
	check.Equal(t, "cancelled", len(f.cancelled), 0)
}

func TestCancelSaysWhoAsked(t *testing.T) {
	f := shop()
	h := serve(f, AllowCancel()).serving()
	var answer Cancelled
	decode(t, ask(t, h, "POST", "cancel", body, "Content-Type", "application/json; charset=utf-8", "Sec-Fetch-Site", "same-origin"), 200, &answer)
	check.True(t, "cancelled", answer.Cancelled)
	check.Equal(t, "messages", f.cancelled, []string{"cancelled by 192.0.2.1:1234 through the debug handler"})
}
