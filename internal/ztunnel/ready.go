package ztunnel

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxReadyBody bounds what is read of a readiness answer.
const maxReadyBody = 64 << 10

// Tasks that a ztunnel can wait for, from src/readiness.rs and its callers.
const (
	TaskStateManager    = "state manager"
	TaskProxy           = "proxy"
	TaskDNSProxy        = "dns proxy"
	TaskWorkloadManager = "workload proxy manager"
)

// Readiness is an answer of /healthz/ready (src/readiness/server.rs).
type Readiness struct {
	Code  int // HTTP status
	Ready bool
	// Pending are the tasks that it waits for, empty when ready.
	Pending []string
	Body    string
}

// ReadReady reads an answer as status line, empty line (header lines before it
// are skipped) and body.
func ReadReady(r io.Reader) (Readiness, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxReadyBody))
	if err != nil {
		return Readiness{}, fmt.Errorf("read readiness: %w", err)
	}
	head, body, whole := strings.Cut(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n\n")
	status, _, _ := strings.Cut(head, "\n")
	proto, rest, ok := strings.Cut(status, " ")
	if !ok || !strings.HasPrefix(proto, "HTTP/") {
		return Readiness{}, errors.New("read readiness: no HTTP status line")
	}
	if !whole {
		return Readiness{}, errors.New("read readiness: it is cut off")
	}
	text, _, _ := strings.Cut(rest, " ")
	code, err := strconv.Atoi(text)
	if err != nil {
		return Readiness{}, fmt.Errorf("read readiness: status %q is not a number", text)
	}
	out := Readiness{Code: code, Ready: code == http.StatusOK, Body: strings.TrimRight(body, "\n")}
	if _, tasks, ok := strings.Cut(out.Body, "pending: "); ok {
		out.Pending = strings.Split(strings.TrimSpace(tasks), ", ")
	}
	return out, nil
}
