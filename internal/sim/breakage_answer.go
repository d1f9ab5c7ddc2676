package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/kubeapi"
)

// answerBreakages are the ways in which an answer can be broken.
func answerBreakages() []string {
	return []string{"hang", "hang-in-body", "reset", "truncated", "invalid", "500", "429", "drip", "wrong", "huge"}
}

// answer gives a broken form of what next would answer.
func (b *breaker) answer(part string, w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch b.how[part] {
	case "hang":
		<-r.Context().Done()
		return
	case "reset":
		panic(http.ErrAbortHandler)
	case "500":
		refuse(w, http.StatusInternalServerError, metav1.StatusReasonInternalError, "etcdserver: request timed out")
		return
	case "429":
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests, "too many requests, please try again later")
		return
	case "wrong":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, loginPage)
		return
	case "huge":
		huge(part, w, r)
		return
	}
	whole := &recorder{ResponseWriter: w, code: http.StatusOK}
	next.ServeHTTP(whole, r)
	half := whole.body.Bytes()[:whole.body.Len()/2]
	if b.how[part] == "invalid" {
		w.Header().Del("Content-Length")
		w.WriteHeader(whole.code)
		_, _ = w.Write(append(bytes.Clone(half), "\n%%% \x00 no such thing %%%\n"...))
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(whole.body.Len()))
	w.WriteHeader(whole.code)
	if b.how[part] == "drip" {
		drip(w, r, whole.body.Bytes())
		return
	}
	_, _ = w.Write(half)
	if http.NewResponseController(w).Flush() != nil {
		return
	}
	if b.how[part] == "hang-in-body" {
		<-r.Context().Done()
		return
	}
	panic(http.ErrAbortHandler)
}

// recorder holds an answer back.
type recorder struct {
	http.ResponseWriter
	code int
	body bytes.Buffer
}

func (r *recorder) WriteHeader(code int) { r.code = code }

func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// loginPage is what a proxy answers in the place of the one that was asked.
const loginPage = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form action=\"/login\"></form></body></html>\n"

// refuse answers as the API server does; pods' answers have no form of their own.
func refuse(w http.ResponseWriter, code int, reason metav1.StatusReason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	text, err := json.Marshal(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Code: int32(code), Reason: reason, Message: message,
	})
	if err == nil {
		_, _ = w.Write(text)
	}
}

// drip sends the first bytes one by one, and goes on for as long as anybody listens.
func drip(w http.ResponseWriter, r *http.Request, body []byte) {
	const pause = 100 * time.Millisecond
	ticks := time.NewTicker(pause)
	defer ticks.Stop()
	for i := range body {
		if _, err := w.Write(body[i : i+1]); err != nil {
			return
		}
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-ticks.C:
		case <-r.Context().Done():
			return
		}
	}
}

// hugeBytes is the size of an answer that is larger than anybody expects.
const hugeBytes = 300 << 20

// huge streams an answer of the right form and of hugeBytes.
func huge(part string, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	item, head, tail := "", "", ""
	filling := strings.Repeat("x", 1000) // so that an item is as long as a real one
	if part == partZtunnel {
		filling = strings.Repeat(filling, 32) // each is a pod that nothing backs: thousands tell as much as hundreds of thousands
	}
	switch part {
	case partLogs:
		hugeLog(w, r)
		return
	case partMetrics:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		head = "# HELP istio_tcp_connections_opened The total number of TCP connections opened.\n# TYPE istio_tcp_connections_opened counter\n"
		item = "istio_tcp_connections_opened_total{reporter=\"source\",source_workload=\"w-%[1]d\"} %[1]d\n"
		tail = "# EOF\n"
	case partZtunnel:
		head, tail = "{\n  \"workloads\": [\n    ", "\n  ]\n}"
		item = `{"uid": "Kubernetes//Pod/huge/w-%[1]d", "name": "w-%[1]d", "namespace": "huge", "workloadIps": ["fd00::%[1]x"], "protocol": "HBONE", "services": ["` + filling + `"]}`
	case partIstiod:
		head, tail = `{"policies": [], "services": [], "workloads": [`, "]}"
		item = `{"uid": "Kubernetes//Pod/huge/w-%[1]d", "name": "w-%[1]d", "namespace": "huge", "workloadName": "` + filling + `"}`
	case partLists:
		head, tail = `{"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[`, "]}\n"
		item = `{"metadata":{"name":"s-%[1]d","namespace":"huge"},"spec":{"type":"ClusterIP"}}`
	}
	between := ",\n    "
	if part == partMetrics {
		between = ""
	}
	_, err := io.WriteString(w, head)
	var chunk bytes.Buffer
	sent := 0
	for i := 0; err == nil && sent < hugeBytes; i++ {
		if i > 0 {
			chunk.WriteString(between)
		}
		fmt.Fprintf(&chunk, item, i)
		if chunk.Len() > 256<<10 {
			sent += chunk.Len()
			_, err = chunk.WriteTo(w)
		}
	}
	if err == nil {
		_, _ = io.WriteString(w, chunk.String()+tail)
	}
}

// hugeLog has the lines of hugeBytes, each a hundredth of a second after the one before.
func hugeLog(w http.ResponseWriter, r *http.Request) {
	const width = 160
	lines := hugeBytes / width
	options, err := kubeapi.ParseLogOptions(r.URL.Query(), time.Time{})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	begin := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	const apart = 10 * time.Millisecond
	first := 0
	if !options.Since.IsZero() {
		first = min(max(int(options.Since.Sub(begin)/apart), 0), lines)
	}
	if options.Tail != kubeapi.Unlimited {
		first = max(first, lines-options.Tail)
	}
	limit := hugeBytes * 2
	if options.Limit != kubeapi.Unlimited {
		limit = options.Limit
	}
	var chunk bytes.Buffer
	for i := first; i < lines && limit > 0; i++ {
		at := begin.Add(time.Duration(i) * apart)
		if options.Timestamps {
			chunk.WriteString(at.Format(kubeapi.RuntimeStamp) + " ")
		}
		fmt.Fprintf(&chunk, "%s\tinfo\taccess\tconnection %08d %0*d\n", at.Format("2006-01-02T15:04:05.000000Z"), i, width-60, i)
		if chunk.Len() >= 64<<10 || i == lines-1 || chunk.Len() > limit {
			part := chunk.Next(min(chunk.Len(), limit))
			limit -= len(part)
			if _, err := w.Write(part); err != nil {
				return
			}
			chunk.Reset()
		}
	}
}
