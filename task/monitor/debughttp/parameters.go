package debughttp

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// parameters are the parameters of a request, and what is wrong with them.
type parameters struct {
	values url.Values
	wrong  string
}

func newParameters(r *http.Request) *parameters {
	return &parameters{values: r.URL.Query()}
}

// refused answers the request if something is wrong.
func (p *parameters) refused(w http.ResponseWriter) bool {
	if p.wrong != "" {
		writeError(w, http.StatusBadRequest, p.wrong)
	}
	return p.wrong != ""
}

// number returns a number that is not negative, 0 if there is none.
func (p *parameters) number(name string) int {
	return int(p.id(name) & (1<<31 - 1))
}

func (p *parameters) id(name string) uint64 {
	text := p.values.Get(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		p.wrong = fmt.Sprintf("%s=%s: it must be a number", name, text)
	}
	return n
}

// one returns a value that must be one of those, the first one if there is none.
func (p *parameters) one(name string, of ...string) string {
	text := p.values.Get(name)
	if !p.values.Has(name) || text == "" {
		return of[0]
	}
	for _, value := range of {
		if value == text {
			return text
		}
	}
	p.wrong = fmt.Sprintf("%s=%s: it must be one of %s", name, text, strings.TrimLeft(strings.Join(of, ", "), ", "))
	return ""
}
