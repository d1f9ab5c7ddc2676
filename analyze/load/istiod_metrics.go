package load

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/internal/openmetrics"
)

// convergence is the histogram of how long a change takes to reach a proxy
// (istio/istio pilot/pkg/xds/monitoring.go), in seconds.
const convergence = "pilot_proxy_convergence_time"

// csrErrors counts certificates that istiod could not sign (security/pkg/server/ca/monitoring.go).
const csrErrors = "citadel_server_csr_sign_err_count"

func (l *istiodReader) istiodMetrics(t *istiodFiles, f bundle.File) error {
	set, err := openmetrics.Parse(l.lines.of(f.Reader), csrErrors, convergence)
	if v, ok := set.Sum(csrErrors, nil); ok {
		t.i.CSRSignErrors = v
	}
	if q, count, ok := quantile(set, convergence, 0.99); ok {
		t.i.Convergence99Seconds, t.i.ConvergenceCount = q, count
		samples, _ := set.Lookup(convergence + "_bucket")
		t.i.ConvergenceMetric.Source = mesh.Evidence{File: f.Path, Line: samples[0].Line, Text: convergence}
	}
	return err
}

// quantile is the bound of the histogram's bucket that the share q of its
// values lies below, and how many values there are; label sets are summed. A
// value above all bounds is told as the highest.
func quantile(set *openmetrics.Set, name string, q float64) (bound, count float64, ok bool) {
	type bucket struct{ le, count float64 }
	var buckets []bucket
	samples, _ := set.Lookup(name + "_bucket")
	for _, s := range samples {
		le, err := strconv.ParseFloat(s.Get("le"), 64)
		if err != nil {
			continue
		}
		at := slices.IndexFunc(buckets, func(b bucket) bool { return b.le == le })
		if at < 0 {
			buckets = append(buckets, bucket{le, s.Value})
			continue
		}
		buckets[at].count += s.Value
	}
	if len(buckets) == 0 {
		return 0, 0, false
	}
	slices.SortFunc(buckets, func(a, b bucket) int { return cmp.Compare(a.le, b.le) })
	count = buckets[len(buckets)-1].count
	highest := 0.0
	for _, b := range buckets {
		if !math.IsInf(b.le, 1) {
			highest = b.le
		}
		if b.count >= q*count {
			break
		}
	}
	return highest, count, true
}
