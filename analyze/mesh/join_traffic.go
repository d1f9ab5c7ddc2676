package mesh

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// sameCall is how far apart the two ends may log one call: real pairs were
// never more than 10 ms apart on one clock, nodes' clocks are not one.
const sameCall = 2 * time.Second

// joinTraffic makes flows of what the ztunnels saw: successes of both ends
// become one, and a failure at the source is told by the destination's text
// where that is in the bundle.
func (m *Mesh) joinTraffic() {
	var atSource, atDestination []*Flow
	merged := successes{by: map[ends]*Flow{}}
	peers := map[peerKey]*Peer{}
	for i, o := range m.Observations {
		f := m.flow(o, peers)
		m.Observations[i] = nil // there may be hundreds of thousands
		switch {
		case f.Class == "":
			merged.add(f)
		case o.Inbound:
			atDestination = append(atDestination, f.kept())
		default:
			atSource = append(atSource, f.kept())
		}
	}
	good := merged.flows
	failures := mergeFailures(atSource, atDestination)
	m.settleFailures(failures, good)
	m.settleStates(failures, good)
	m.Flows = append(good, failures...)
	m.Observations = nil
	m.joinSeries()
	m.plainSeries()
	m.joinServicesOfFlows()
	sortFlows(m.Flows)
}

// plainSeries adds the plain text between captured HBONE workloads that only
// the counters tell of: access lines may be off, or rotated away.
func (m *Mesh) plainSeries() {
	type pair struct{ source, destination string }
	logged := map[pair]bool{}
	for _, f := range m.Flows {
		if f.Class == "" && !f.HBONE {
			logged[pair{workloadName(f.Source), workloadName(f.Destination)}] = true
		}
	}
	for _, s := range m.Series {
		k := pair{s.SourceNamespace + "/" + s.SourceWorkload, s.DestinationNamespace + "/" + s.DestinationWorkload}
		if s.MutualTLS || !s.BothHBONE || s.Opened == 0 || logged[k] {
			continue
		}
		logged[k] = true
		m.Flows = append(m.Flows, &Flow{
			Source:      &Peer{Namespace: s.SourceNamespace, Name: s.SourceWorkload, HBONE: true, Captured: true},
			Destination: &Peer{Namespace: s.DestinationNamespace, Name: s.DestinationWorkload, HBONE: true, Captured: true},
			Service:     known(s.DestinationService), Origin: "metrics", Count: int(s.Opened), Ztunnels: s.Ztunnels,
			AtSource: s.Reporter == "source", AtDestination: s.Reporter == "destination",
			YoungestPodSeconds: s.YoungestPodSeconds, OldestZtunnelSeconds: s.OldestZtunnelSeconds, Evidences: s.Evidence(),
		})
	}
}

// known is a label's value, "" for ztunnel's "unknown".
func known(v string) string {
	if v == "unknown" {
		return ""
	}
	return v
}

// workloadName is how metrics name a peer: by its controller.
func workloadName(p *Peer) string {
	if p.Workload != nil && p.Workload.Spec != nil {
		return p.Namespace + "/" + p.Workload.Spec.WorkloadName
	}
	return p.Namespace + "/" + p.Name
}

func (m *Mesh) joinServicesOfFlows() {
	hosts := make(map[string]*Service, len(m.Services))
	for _, s := range m.Services {
		hosts[s.Hostname] = s
	}
	for _, f := range m.Flows {
		f.Called = hosts[f.Service]
		f.InReach = inReach(f)
		for _, p := range []*Peer{f.Source, f.Destination} {
			if p.Workload != nil {
				p.Workload.Flows = append(p.Workload.Flows, f)
			}
		}
	}
}

func sortFlows(flows []*Flow) {
	type ends struct{ source, about string }
	keys := make(map[*Flow]ends, len(flows))
	for _, f := range flows {
		keys[f] = ends{f.Source.subjectKey(), f.Subject().Key()}
	}
	slices.SortStableFunc(flows, func(a, b *Flow) int {
		return cmp.Or(
			cmp.Compare(a.Class, b.Class),
			cmp.Compare(keys[a].source, keys[b].source),
			cmp.Compare(keys[a].about, keys[b].about),
			cmp.Compare(a.Service, b.Service),
			cmp.Compare(a.Port, b.Port),
			a.First.Compare(b.First),
		)
	})
}

func (m *Mesh) flow(o *Observation, peers map[peerKey]*Peer) Flow {
	f := Flow{
		Source: m.peer(peerKey{o.SourceIP, o.Source}, peers), Destination: m.peer(peerKey{o.DestIP, o.Dest}, peers),
		Service: o.Service, Target: o.Target, Port: o.Port, HBONE: o.HBONE, Origin: o.Origin,
		AtSource: !o.Inbound, AtDestination: o.Inbound,
		Class: o.Class, Error: o.Error, Policy: o.Policy, Count: o.Count,
		BytesSent: o.Sent, BytesReceived: o.Received, First: o.First, Last: o.Last,
		LastSeconds: m.Age(o.Last), Aftermath: o.Aftermath, Evidences: o.Evidences,
	}
	if o.Inbound {
		f.DestinationClass = o.Class
		// A line's bytes are told from its own pod's end.
		f.BytesSent, f.BytesReceived = o.Received, o.Sent
	} else {
		f.SourceClass = o.Class
	}
	f.Strict = f.Class == "policy-denied" && deniedByStrict(&f)
	if f.Service == "" && f.Destination.Pod == nil && f.Target != "" {
		f.Service = m.hostOf(f.Target)
	}
	if a := o.ByService[f.Service]; a != nil {
		f.Aftermath = *a
	}
	return f
}

// Names of the policies that istiod makes of PeerAuthentications (istio/istio
// pilot/pkg/serviceregistry/ambient/authorization.go, pilot/pkg/model/authentication.go).
const (
	staticStrict  = "istio_converted_static_strict"
	convertedAuth = "converted_peer_authentication_"
)

// deniedByStrict goes by the policy's name where ztunnel gives one. Up to 1.23
// it gives none: then plain text to a workload bound to such a policy counts.
func deniedByStrict(f *Flow) bool {
	made := func(policy string) bool {
		_, name, _ := strings.Cut(policy, "/")
		return name == staticStrict || strings.HasPrefix(name, convertedAuth)
	}
	if f.Policy != "" || strings.Contains(f.Error, "none allowed") {
		return made(f.Policy)
	}
	w := f.Destination.Workload
	return !f.HBONE && w != nil && w.Spec != nil && slices.ContainsFunc(w.Spec.Policies, made)
}

// hostOf names the service that owns the address a client dialled.
func (m *Mesh) hostOf(target string) string {
	i := strings.LastIndexByte(target, ':')
	if i < 0 {
		return ""
	}
	ip := strings.Trim(target[:i], "[]")
	if m.index.byVIP == nil {
		m.index.byVIP = map[string]*Service{}
		for _, s := range m.Services {
			for _, v := range append(s.VIPs, s.ClusterIPs...) {
				m.index.byVIP[v] = s
			}
		}
	}
	if s := m.index.byVIP[ip]; s != nil {
		return s.Hostname
	}
	return ""
}

// peerKey is how lines name a peer; what they name alike is one.
type peerKey struct {
	ip   string
	name Name
}

func (m *Mesh) peer(k peerKey, peers map[peerKey]*Peer) *Peer {
	if p := peers[k]; p != nil {
		return p
	}
	ip, n := k.ip, k.name
	p := &Peer{Address: ip, Namespace: n.Namespace, Name: n.Name, Identity: n.Identity}
	if n.Name != "" {
		p.Pod = m.index.podByName[n.Namespace+"/"+n.Name]
		p.Workload = m.index.byPod[n.Namespace+"/"+n.Name]
		p.Gone = p.Pod == nil && len(m.Pods) > 0 && (p.Workload == nil || p.Workload.Kind == "Pod")
	} else if ip != "" {
		p.Pod = m.index.podByIP[ip]
		p.Workload = m.index.byIP[ip]
	}
	if p.Workload == nil && p.Pod != nil {
		p.Workload = p.Pod.Workload
	}
	if p.Pod == nil && p.Workload != nil {
		p.Pod = p.Workload.Pod
	}
	_, p.NodeAddress = m.index.nodeByIP[ip]
	m.settlePeer(p)
	peers[k] = p
	return p
}

// subjectKey is kept: flows are joined and sorted by it.
func (p *Peer) subjectKey() string {
	if p.key == "" {
		p.key = p.Subject().Key()
	}
	return p.key
}

func (m *Mesh) settlePeer(p *Peer) {
	if w := p.Workload; w != nil {
		p.HBONE, p.Captured = w.HBONE, w.Captured
		if p.Name == "" {
			p.Namespace, p.Name = w.Namespace, w.Name
		}
		if w.Spec != nil {
			p.Envoy = w.Spec.NativeTunnel
			p.Ztunnel = m.index.ztunnels[w.Spec.Node]
			if p.Identity == "" {
				p.Identity = "spiffe://" + w.Spec.TrustDomain + "/ns/" + w.Spec.Namespace + "/sa/" + w.Spec.ServiceAccount
			}
		}
	}
	if pod := p.Pod; pod != nil {
		p.Ztunnel = pod.Ztunnel
		p.Envoy = p.Envoy || pod.Sidecar || pod.Component == "waypoint" || pod.Component == "gateway"
		if p.Name == "" {
			p.Namespace, p.Name = pod.Namespace, pod.Name
		}
		p.Identity = pod.Identity
		p.Captured = pod.InPod != nil && pod.InPod.State == "Up"
	}
}

type ends struct {
	source, destination string
	port                int
	hbone               bool
	origin              string
}

func (f *Flow) ends() ends {
	return ends{f.Source.subjectKey(), f.Destination.subjectKey(), f.Port, f.HBONE, f.Origin}
}

// successes are the calls that went well: one flow of what both ends saw of
// the same. The service is the one the client called, which only the source knows.
type successes struct {
	by    map[ends]*Flow
	flows []*Flow
}

func (s *successes) add(f Flow) {
	k := f.ends()
	g := s.by[k]
	if g == nil {
		g = f.kept()
		s.by[k] = g
		s.flows = append(s.flows, g)
		return
	}
	if g.AtSource == f.AtSource {
		g.Count += f.Count
		g.BytesSent += f.BytesSent
		g.BytesReceived += f.BytesReceived
	} else {
		g.Count = max(g.Count, f.Count)
		if f.AtSource && f.Service != "" || g.Service == "" {
			g.Service = f.Service
		}
	}
	g.absorb(&f)
}

// kept is the flow where it stays: most that are made end in another one.
func (f Flow) kept() *Flow { return &f }

func (f *Flow) absorb(g *Flow) {
	f.AtSource = f.AtSource || g.AtSource
	f.AtDestination = f.AtDestination || g.AtDestination
	if g.First.Before(f.First) {
		f.First = g.First
	}
	if g.Last.After(f.Last) {
		f.Last, f.LastSeconds = g.Last, g.LastSeconds
	}
	f.Aftermath.merge(g.Aftermath)
	f.Evidences = append(f.Evidences, g.Evidences...)
}

// mergeFailures joins each failure that a source saw with the destination's
// line of it: by the source's address, the destination's address and the
// time. Ports can't be used: the destination sees a pooled tunnel's.
func mergeFailures(atSource, atDestination []*Flow) []*Flow {
	type pair struct{ source, destination string }
	by := map[pair][]*Flow{}
	for _, f := range atDestination {
		k := pair{f.Source.Address, f.Destination.Address}
		by[k] = append(by[k], f)
	}
	taken := map[*Flow]bool{}
	out := make([]*Flow, 0, len(atSource))
	for _, s := range atSource {
		for _, d := range by[pair{s.Source.Address, s.Destination.Address}] {
			if !twoSidesOfOne(s, d) {
				continue
			}
			s.Class, s.DestinationClass, s.Error = d.Class, d.Class, d.Error
			if d.Policy != "" {
				s.Policy = d.Policy
			}
			taken[d] = true
			// The destination's line stands first: it says why.
			evidences := append([]Evidence{}, d.Evidences...)
			own := s.Evidences
			s.absorb(d)
			s.Evidences = append(evidences, own...)
			break
		}
		out = append(out, s)
	}
	for _, d := range atDestination {
		if !taken[d] {
			out = append(out, d)
		}
	}
	return out
}

// answers are the destination's classes that each class at the source can stand for.
var answers = map[string][]string{
	"http-401":       {"policy-denied"},
	"http-503":       {"app-refused", "app-timeout", "other"},
	"http-400":       {"unknown-service", "no-port", "ip-mismatch", "other"},
	"untrusted-peer": {"tls-handshake"},
	"san-mismatch":   {"tls-handshake"},
	"tls-handshake":  {"tls-handshake"},
	"reset":          {"signing-error", "tls-handshake", "trust-domain-mismatch", "policy-denied"},
	"handshake-eof":  {"signing-error", "tls-handshake", "trust-domain-mismatch"},
	"refused":        {},
}

func twoSidesOfOne(s, d *Flow) bool {
	if !slices.Contains(answers[s.Class], d.Class) {
		return false
	}
	if s.Port != 0 && d.Port != 0 && s.Port != d.Port {
		return false
	}
	return !d.First.After(s.Last.Add(sameCall)) && !s.First.After(d.Last.Add(sameCall))
}

// settleFailures tells which failures are over, or came of a pod or a ztunnel
// that was not up yet.
func (m *Mesh) settleFailures(failures, good []*Flow) {
	type pair struct{ source, destination string }
	last := map[pair]time.Time{}
	for _, f := range good {
		if f.Origin != "access-log" {
			continue
		}
		// What fails for the source's own sake is over once it reaches anyone.
		source := f.Source.subjectKey()
		for _, k := range []pair{{source, f.Destination.subjectKey()}, {source, ""}} {
			if f.Last.After(last[k]) {
				last[k] = f.Last
			}
		}
	}
	for _, f := range failures {
		k := pair{f.Source.subjectKey(), f.Destination.subjectKey()}
		if f.Class == "unknown-local-workload" || f.Class == "identity-unavailable" {
			k.destination = ""
		}
		f.OKAfter = last[k].After(f.Last)
		if p := f.Destination.Pod; p != nil {
			started := p.Created
			if p.Started.After(started) {
				started = p.Started
			}
			f.DestinationYoung = !started.IsZero() && f.Last.Before(started.Add(time.Minute))
		}
		if z := f.Destination.Ztunnel; z != nil && !z.StartedAt.IsZero() {
			f.DestinationZtunnelDown = !z.StartedAt.Before(f.Last.Add(-sameCall))
		}
	}
}

// joinSeries tells of each pair of workload names whether all of its pods are
// HBONE and captured, so that plain text between them is a contradiction.
func (m *Mesh) joinSeries() {
	byName := map[string][]*Workload{}
	for _, w := range m.Workloads {
		if w.Spec != nil && w.Kind == "Pod" {
			byName[w.Namespace+"/"+w.Spec.WorkloadName] = append(byName[w.Namespace+"/"+w.Spec.WorkloadName], w)
		}
	}
	type pods struct {
		captured bool
		youngest float64 // 0 where it is not known
	}
	of := make(map[string]pods, len(byName))
	for name, ws := range byName {
		p := pods{captured: allCaptured(ws)}
		for _, w := range ws {
			if w.Pod != nil {
				p.youngest = younger(p.youngest, w.Pod.AgeSeconds)
			}
		}
		of[name] = p
	}
	for _, s := range m.Series {
		src, dst := of[s.SourceNamespace+"/"+s.SourceWorkload], of[s.DestinationNamespace+"/"+s.DestinationWorkload]
		s.BothHBONE = src.captured && dst.captured
		s.YoungestPodSeconds = younger(src.youngest, dst.youngest)
		for _, z := range s.Ztunnels {
			s.OldestZtunnelSeconds = max(s.OldestZtunnelSeconds, z.UpSeconds)
		}
	}
}

// younger is the lesser of two ages, of which 0 is none.
func younger(a, b float64) float64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func allCaptured(ws []*Workload) bool {
	for _, w := range ws {
		if !w.HBONE || !w.Captured || w.Spec.NativeTunnel || w.Pod == nil || w.Pod.Sidecar || w.Pod.Component != "" {
			return false
		}
	}
	return true
}
