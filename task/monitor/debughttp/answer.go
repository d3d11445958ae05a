package debughttp

import (
	"encoding/json"
	"net/http"
)

// writeJSON writes a document. Nobody is left to be told of an error of the write.
func writeJSON[T any](w http.ResponseWriter, status int, document T) {
	text, err := json.Marshal(document)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

func writeError(w http.ResponseWriter, status int, text string) {
	writeJSON(w, status, Error{V: Version, Error: text})
}
