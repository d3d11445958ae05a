package debughttp

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// guard refuses what must not get in, and sets the headers of all answers.
//
// A browser may be led here under a name whose owner has it point to this machine: then
// the page that did so has the same origin as the handler. So names are not welcome, but
// those that cannot be pointed elsewhere. An IP address is no name.
func (h *handler) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusForbidden, "a page of another origin may not do that")
	}))
	next = cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", thePage.policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		if !h.settings.allows(r.Host) {
			writeError(w, http.StatusForbidden, fmt.Sprintf("the host %q is neither an IP address nor localhost, nor allowed by AllowHosts", r.Host))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// allows reports whether a request may name that host.
func (s *settings) allows(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	host = strings.ToLower(host)
	return host == "localhost" || slices.Contains(s.hosts, host)
}
