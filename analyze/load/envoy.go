package load

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"unique"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/openmetrics"
)

// envoyFiles gathers what the two looks at one Envoy's metrics held.
type envoyFiles struct {
	first, second map[uint64]envoySample // by what tells samples apart; nil without that look
	cut           mesh.Evidence          // of the second look
}

// envoySample is one counter, with what is needed of its labels.
type envoySample struct {
	service unique.Handle[string] // "" for tunnels
	cut     bool
	value   float64
}

// envoyReader reads what there is of waypoints and gateways.
type envoyReader struct {
	*reading
	components *componentLogs
	by         map[string]*envoyFiles // "<ns>/<pod>"
	// samples counts what is kept of their metrics, told apart by hashes from seed.
	samples int
	seed    maphash.Seed
}

// What waypoints and gateways count (istio/proxy extensions of istio.stats; Envoy's cluster statistics).
const (
	envoyRequests   = "istio_requests"
	envoyTunnelFail = "envoy_cluster_upstream_cx_connect_fail"
	// envoyTunnels ends the names of the clusters that HBONE is sent by (istio/istio pilot/pkg/networking/core/waypoint.go).
	envoyTunnels = "connect_originate"
)

// cutFlags are Envoy's response flags of upstream connections that failed, or ended before an answer.
var cutFlags = []string{"UF", "UC"}

func (l *envoyReader) envoyMetrics(namespace, pod string, second bool, f bundle.File) error {
	set, err := openmetrics.Parse(l.lines.of(f.Reader), envoyRequests, envoyTunnelFail)
	key := namespace + "/" + pod
	t := l.by[key]
	if t == nil {
		t = &envoyFiles{}
		l.by[key] = t
	}
	look := map[uint64]envoySample{}
	for _, family := range set.Families {
		for _, s := range family.Samples {
			one, ok := envoySampleOf(s)
			if !ok {
				continue
			}
			if l.samples++; l.samples > mostSeries {
				return fmt.Errorf("is of more than %d series of gateways, which no mesh has", mostSeries)
			}
			look[l.sampleKey(s)] = one
			if second && one.cut && t.cut.File == "" {
				t.cut = mesh.Evidence{File: f.Path, Line: s.Line, Text: fmt.Sprintf("%s{destination_service=%q, response_flags=%q} %v",
					s.Name, s.Get("destination_service"), s.Get("response_flags"), s.Value)}
			}
		}
	}
	if second {
		t.second = look
	} else {
		t.first = look
	}
	return err
}

func envoySampleOf(s *openmetrics.Sample) (envoySample, bool) {
	switch {
	case strings.HasPrefix(s.Name, envoyRequests):
		return envoySample{
			service: unique.Make(cmp.Or(s.Get("destination_service"), "unknown")), value: s.Value,
			cut: slices.ContainsFunc(strings.Split(s.Get("response_flags"), ","), func(flag string) bool { return slices.Contains(cutFlags, flag) }),
		}, true
	case s.Name == envoyTunnelFail && strings.HasSuffix(strings.TrimSuffix(s.Get("cluster_name"), ";"), envoyTunnels):
		return envoySample{service: unique.Make(""), value: s.Value}, true
	}
	return envoySample{}, false
}

// sampleKey tells samples apart by their names and labels.
func (l *envoyReader) sampleKey(s *openmetrics.Sample) uint64 {
	var h maphash.Hash
	h.SetSeed(l.seed)
	h.WriteString(s.Name)
	for _, label := range s.Labels {
		h.WriteByte(0)
		h.WriteString(label.Name)
		h.WriteByte(0)
		h.WriteString(label.Value)
	}
	return h.Sum64()
}

// finish makes of two looks what was counted between them. The second
// holds only what changed.
func (l *envoyReader) finish(why reasons) {
	for _, p := range l.mesh.Pods {
		t := l.by[p.Namespace+"/"+p.Name]
		if t == nil || t.first == nil || t.second == nil {
			continue
		}
		e := &mesh.Envoy{Pod: p, TunnelsFailed: -1, Source: t.cut, Seconds: why.between(layout.WaypointMetrics.Of(p.Component).Task(), p.Name)}
		byService := map[string]*mesh.EnvoyCalls{}
		for _, s := range t.first {
			if s.service.Value() == "" {
				e.TunnelsFailed = 0
			}
		}
		for key, s := range t.second {
			grown := s.value - t.first[key].value
			if grown < 0 {
				continue // it has restarted in between
			}
			if s.service.Value() == "" {
				e.TunnelsFailed = max(0, e.TunnelsFailed) + grown
				continue
			}
			c := byService[s.service.Value()]
			if c == nil {
				c = &mesh.EnvoyCalls{Service: s.service.Value()}
				byService[c.Service] = c
			}
			c.Requests += grown
			if s.cut {
				c.Cut += grown
			}
		}
		for _, c := range byKey(byService) {
			e.Calls = append(e.Calls, c)
		}
		l.mesh.Envoys = append(l.mesh.Envoys, e)
	}
	l.by = nil
}

// between is how many seconds lay between the two looks of a task at a pod, 0 where that is not known.
func (r reasons) between(task, pod string) float64 {
	first, second := r.byTask[taskKey(task, pod)], r.byTask[taskKey(layout.AfterTask(task), pod)]
	if first.Started.IsZero() || second.Started.IsZero() {
		return 0
	}
	return second.Started.Sub(first.Started).Seconds()
}

func (l *envoyReader) waypointFile(namespace, pod, name string, f bundle.File) error {
	switch name {
	case layout.Log:
		return l.components.read(istio.Gateway, namespace, pod, "", f, false, nil)
	case layout.PreviousLog:
		return l.components.read(istio.Gateway, namespace, pod, "", f, true, nil)
	case layout.Metrics:
		return l.envoyMetrics(namespace, pod, false, f)
	case layout.AfterFile(layout.Metrics):
		return l.envoyMetrics(namespace, pod, true, f)
	}
	return nil
}
