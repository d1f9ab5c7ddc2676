package load

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/internal/openmetrics"
)

type seriesKey struct {
	reporter, sourceNS, source, destNS, dest, service string
	mtls                                              bool
}

// addSeries sums ztunnel's TCP counters over flags, revisions and zones: a
// failure is counted in another series than the opening of its connection.
func (l *loader) addSeries(z *mesh.Ztunnel, set *openmetrics.Set, file string) error {
	for name, add := range map[string]func(*mesh.Series, float64){
		"istio_tcp_connections_opened_total": func(s *mesh.Series, v float64) { s.Opened += v },
		"istio_tcp_connections_failed_total": func(s *mesh.Series, v float64) { s.Failed += v },
	} {
		samples, _ := set.Lookup(name)
		for _, sample := range samples {
			k := seriesKey{
				reporter: sample.Get("reporter"),
				sourceNS: sample.Get("source_workload_namespace"), source: sample.Get("source_workload"),
				destNS: sample.Get("destination_workload_namespace"), dest: sample.Get("destination_workload"),
				service: sample.Get("destination_service"),
				mtls:    sample.Get("connection_security_policy") == "mutual_tls",
			}
			s := l.series[k]
			if s == nil {
				if len(l.series) == mostSeries {
					return fmt.Errorf("is of more than %d series that differ, which no mesh has", mostSeries)
				}
				s = &mesh.Series{
					Reporter: k.reporter, SourceNamespace: k.sourceNS, SourceWorkload: k.source, SourcePrincipal: sample.Get("source_principal"),
					DestinationNamespace: k.destNS, DestinationWorkload: k.dest, DestinationService: k.service, MutualTLS: k.mtls,
				}
				l.series[k] = s
			}
			if s.Source.File == "" || s.Opened == 0 && name == "istio_tcp_connections_opened_total" {
				s.Source = mesh.Evidence{File: file, Line: sample.Line, Text: seriesText(name, k, sample.Value)}
			}
			if n := len(s.Ztunnels); n == 0 || s.Ztunnels[n-1] != z {
				s.Ztunnels = append(s.Ztunnels, z)
			}
			add(s, sample.Value)
		}
	}
	return nil
}

func seriesText(name string, k seriesKey, v float64) string {
	policy := "unknown"
	if k.mtls {
		policy = "mutual_tls"
	}
	return fmt.Sprintf("%s{reporter=%q, %s/%s → %s/%s, connection_security_policy=%q} %v", name, k.reporter, k.sourceNS, k.source, k.destNS, k.dest, policy, v)
}

func (l *loader) finishSeries() {
	for _, s := range l.series {
		l.mesh.Series = append(l.mesh.Series, s)
	}
	slices.SortFunc(l.mesh.Series, func(a, b *mesh.Series) int {
		return cmp.Or(
			cmp.Compare(a.Reporter, b.Reporter),
			cmp.Compare(a.SourceNamespace, b.SourceNamespace), cmp.Compare(a.SourceWorkload, b.SourceWorkload),
			cmp.Compare(a.DestinationNamespace, b.DestinationNamespace), cmp.Compare(a.DestinationWorkload, b.DestinationWorkload),
			cmp.Compare(a.DestinationService, b.DestinationService), boolOrder(a.MutualTLS, b.MutualTLS))
	})
	l.series = nil
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
