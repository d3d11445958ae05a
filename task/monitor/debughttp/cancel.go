package debughttp

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"

	"github.com/goasyncio/asyncio/task/monitor"
)

// cancel asks a task to end. A form cannot send JSON, so no page gets this far by mistake.
func (h *handler) cancel(w http.ResponseWriter, r *http.Request) {
	if !h.settings.cancel {
		writeError(w, http.StatusForbidden, "the program does not allow it: see AllowCancel")
		return
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		writeError(w, http.StatusUnsupportedMediaType, "the body must be JSON")
		return
	}
	var c Cancel
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	body.DisallowUnknownFields()
	if err := body.Decode(&c); err != nil {
		writeError(w, http.StatusBadRequest, fmt.Sprintf("the body is not as it should be: %v", err))
		return
	}
	ctx, cancel := inTime(r)
	defer cancel()
	err := h.source.Cancel(ctx, c.Loop, c.Task, c.Name, "cancelled by "+clientOf(r)+" through the debug handler")
	switch {
	case errors.Is(err, monitor.ErrNoTask):
		writeError(w, http.StatusNotFound, err.Error())
	case err != nil:
		writeNoAnswer(w, err)
	default:
		writeJSON(w, http.StatusOK, Cancelled{V: Version, Cancelled: true})
	}
}

// clientOf says who asks.
func clientOf(r *http.Request) string {
	if r.RemoteAddr == "" || r.RemoteAddr == "@" {
		return "a client" // of a Unix socket
	}
	return r.RemoteAddr
}
