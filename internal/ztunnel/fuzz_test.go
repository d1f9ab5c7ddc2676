package ztunnel_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/internal/ztunnel"
)

func FuzzReadDump(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ztunnel.ReadDump(bytes.NewReader(data))
		if d == nil {
			t.Fatal("no dump")
		}
		if n := len(d.Workloads) + len(d.Services) + len(d.Policies) + len(d.Certificates) + len(d.WorkloadState); n > len(data) {
			t.Errorf("%d elements of %d bytes", n, len(data))
		}
		for i := range d.Certificates {
			c := &d.Certificates[i]
			c.Unavailable()
			for _, cert := range append(c.Roots(), c.CertChain...) {
				cert.Fingerprint()
				cert.Subject()
				cert.NotAfter()
			}
		}
		again, errAgain := ztunnel.ReadDump(bytes.NewReader(data))
		if diff := cmp.Diff(d.Sections, again.Sections); diff != "" || (err == nil) != (errAgain == nil) || len(d.Workloads) != len(again.Workloads) {
			t.Errorf("the second time: %v, then %v (-first +second):\n%s", err, errAgain, diff)
		}
		if _, err := ztunnel.UnknownKeys(bytes.NewReader(data)); (err == nil) != (errAgain == nil) {
			t.Errorf("unknown keys: %v, though the dump: %v", err, errAgain)
		}
	})
}

func FuzzAccessLog(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		last, lines := 0, strings.Count(text, "\n")+1
		each(t, strings.NewReader(text), func(r *ztunnel.Record) {
			if r.Line <= last || r.Line+r.Continuation > lines {
				t.Errorf("line %d and %d more after %d, of %d", r.Line, r.Continuation, last, lines)
			}
			last = r.Line + r.Continuation
			if len(r.Message) > len(text) || len(r.Fields)+len(r.Spans) > len(r.Raw) {
				t.Errorf("line %d: more than it holds: %+v", r.Line, r)
			}
			r.About()
			if a, ok := r.Access(); ok {
				ztunnel.ClassifyError(a.Direction, a.Error)
				ztunnel.DeniedBy(a.Error)
			}
		})
	})
}

func FuzzReady(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ztunnel.ReadReady(strings.NewReader(text))
		if err != nil {
			return
		}
		if r.Ready && r.Code != 200 {
			t.Errorf("ready with code %d", r.Code)
		}
		if len(r.Pending) > len(text) || len(r.Body) > len(text) {
			t.Errorf("more than it holds: %+v", r)
		}
	})
}
