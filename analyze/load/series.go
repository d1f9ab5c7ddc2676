package load

import (
	"cmp"
	"fmt"
	"slices"
	"unique"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/internal/openmetrics"
)

// seriesKey tells series apart; texts are those of many keys.
type seriesKey struct {
	reporter, sourceNS, source, destNS, dest, service unique.Handle[string]
	mtls                                              bool
}

// Counters of connections (istio/ztunnel src/proxy/metrics.rs).
const (
	tcpOpened = "istio_tcp_connections_opened"
	tcpFailed = "istio_tcp_connections_failed"
)

// seriesReader sums the TCP counters of all ztunnels.
type seriesReader struct {
	*reading
	by map[seriesKey]*mesh.Series
}

// addSeries sums ztunnel's TCP counters over flags, revisions and zones: a
// failure is counted in another series than the opening of its connection.
func (l *seriesReader) addSeries(z *mesh.Ztunnel, set *openmetrics.Set, file string) error {
	for name, add := range map[string]func(*mesh.Series, float64){
		tcpOpened + "_total": func(s *mesh.Series, v float64) { s.Opened += v },
		tcpFailed + "_total": func(s *mesh.Series, v float64) { s.Failed += v },
	} {
		samples, _ := set.Lookup(name)
		for _, sample := range samples {
			text := func(label string) unique.Handle[string] { return unique.Make(sample.Get(label)) }
			k := seriesKey{
				reporter: text("reporter"),
				sourceNS: text("source_workload_namespace"), source: text("source_workload"),
				destNS: text("destination_workload_namespace"), dest: text("destination_workload"),
				service: text("destination_service"),
				mtls:    sample.Get("connection_security_policy") == "mutual_tls",
			}
			s := l.by[k]
			if s == nil {
				if len(l.by) == mostSeries {
					return fmt.Errorf("is of more than %d series that differ, which no mesh has", mostSeries)
				}
				s = &mesh.Series{
					Reporter: k.reporter.Value(), SourceNamespace: k.sourceNS.Value(), SourceWorkload: k.source.Value(), SourcePrincipal: text("source_principal").Value(),
					DestinationNamespace: k.destNS.Value(), DestinationWorkload: k.dest.Value(), DestinationService: k.service.Value(), MutualTLS: k.mtls,
				}
				l.by[k] = s
			}
			if s.Source.File == "" || s.Opened == 0 && name == tcpOpened+"_total" {
				s.Source = mesh.Evidence{File: file, Line: sample.Line}
				s.Sample, s.SampleValue = name, sample.Value
			}
			if n := len(s.Ztunnels); n == 0 || s.Ztunnels[n-1] != z {
				s.Ztunnels = append(s.Ztunnels, z)
			}
			add(s, sample.Value)
		}
	}
	return nil
}

func (l *seriesReader) finish() {
	for _, s := range l.by {
		l.mesh.Series = append(l.mesh.Series, s)
	}
	slices.SortFunc(l.mesh.Series, func(a, b *mesh.Series) int {
		return cmp.Or(
			cmp.Compare(a.Reporter, b.Reporter),
			cmp.Compare(a.SourceNamespace, b.SourceNamespace), cmp.Compare(a.SourceWorkload, b.SourceWorkload),
			cmp.Compare(a.DestinationNamespace, b.DestinationNamespace), cmp.Compare(a.DestinationWorkload, b.DestinationWorkload),
			cmp.Compare(a.DestinationService, b.DestinationService), boolOrder(a.MutualTLS, b.MutualTLS))
	})
	l.by = nil
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
