package debughttp

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

//go:embed page.html
var pageText string

// thePage is the page, and the policy that lets it have its own script and style and
// nothing else. The policy goes with all answers.
var thePage = newPage(pageText)

type page struct{ text, policy string }

func newPage(text string) page {
	return page{text, fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; connect-src 'self'; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'", hashOf(text, "script"), hashOf(text, "style"))}
}

// hashOf is the hash of the one element of that name, as browsers compute it.
func hashOf(text, element string) string {
	_, content, _ := strings.Cut(text, "<"+element+">")
	content, _, _ = strings.Cut(content, "</"+element+">")
	sum := sha256.Sum256([]byte(content))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func (h *handler) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(thePage.text))
}
