package load

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/internal/openmetrics"
)

// slowAnswer is in seconds: resolvers that answer at all answer sooner.
const slowAnswer = 1

// dnsMetrics begins the names of what ztunnel forwarded.
const dnsMetrics = "istio_dns_upstream_"

// dns reads the counters of ztunnel's DNS proxy (istio/ztunnel src/dns/metrics.rs).
func dns(set *openmetrics.Set, file string) mesh.DNS {
	var d mesh.DNS
	d.Requests, _ = set.Sum(dnsMetrics+"requests_total", nil)
	d.Failures, _ = set.Sum(dnsMetrics+"failures_total", nil)
	d.Answered, _ = set.Sum(dnsMetrics+"request_duration_seconds_count", nil)
	buckets, _ := set.Lookup(dnsMetrics + "request_duration_seconds_bucket")
	quick := map[string]float64{} // by all labels but le: the cumulative count of the last bucket below slowAnswer
	last := map[string]float64{}
	for _, b := range buckets {
		le, err := strconv.ParseFloat(b.Get("le"), 64)
		key := withoutBound(b.Labels)
		if err != nil || le > slowAnswer || le < last[key] {
			continue
		}
		quick[key], last[key] = b.Value, le
		d.Source = mesh.Evidence{File: file, Line: b.Line, Text: fmt.Sprintf("istio_dns_upstream_request_duration_seconds_bucket{le=%q} %v", b.Get("le"), b.Value)}
	}
	if len(buckets) == 0 {
		return d
	}
	d.Slow = d.Answered
	for _, n := range quick {
		d.Slow -= n
	}
	d.Source.Text += fmt.Sprintf(" of %v", d.Answered)
	return d
}

// withoutBound tells the histograms of one family apart.
func withoutBound(labels openmetrics.Labels) string {
	var b strings.Builder
	for _, l := range labels {
		if l.Name != "le" {
			fmt.Fprintf(&b, "%s=%q ", l.Name, l.Value)
		}
	}
	return b.String()
}
