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

// flowJoin makes flows of what single lines tell, and finds their ends once.
type flowJoin struct {
	mesh  *Mesh
	peers map[peerKey]*Peer
	byVIP map[string]*Service // by each of its addresses
}

// joinFlows makes flows of what the ztunnels saw: successes of both ends
// become one, and a failure at the source is told by the destination's text
// where that is in the bundle.
func joinFlows(m *Mesh) {
	j := &flowJoin{mesh: m, peers: map[peerKey]*Peer{}}
	var atSource, atDestination []*Flow
	merged := successes{by: map[ends]*Flow{}}
	for i, o := range m.Observations {
		f := j.flow(o)
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
	j.settleFailures(failures, good)
	j.settleStates(failures, good)
	m.Flows = append(good, failures...)
	m.Observations = nil
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

func (j *flowJoin) flow(o *Observation) Flow {
	f := Flow{
		Source: j.peer(peerKey{o.SourceIP, o.Source}), Destination: j.peer(peerKey{o.DestIP, o.Dest}),
		Service: o.Service, Target: o.Target, Port: o.Port, HBONE: o.HBONE, Origin: o.Origin,
		AtSource: !o.Inbound, AtDestination: o.Inbound,
		Class: o.Class, Error: o.Error, Policy: o.Policy, Count: o.Count,
		BytesSent: o.Sent, BytesReceived: o.Received, First: o.First, Last: o.Last,
		LastSeconds: j.mesh.Age(o.Last), Aftermath: o.Aftermath, Evidences: o.Evidences,
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
		f.Service = j.hostOf(f.Target)
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
func (j *flowJoin) hostOf(target string) string {
	i := strings.LastIndexByte(target, ':')
	if i < 0 {
		return ""
	}
	ip := strings.Trim(target[:i], "[]")
	if j.byVIP == nil {
		j.byVIP = map[string]*Service{}
		for _, s := range j.mesh.Services {
			for _, v := range append(s.VIPs, s.ClusterIPs...) {
				j.byVIP[v] = s
			}
		}
	}
	if s := j.byVIP[ip]; s != nil {
		return s.Hostname
	}
	return ""
}

// peerKey is how lines name a peer; what they name alike is one.
type peerKey struct {
	ip   string
	name Name
}

func (j *flowJoin) peer(k peerKey) *Peer {
	if p := j.peers[k]; p != nil {
		return p
	}
	ip, n := k.ip, k.name
	p := &Peer{Address: ip, Namespace: n.Namespace, Name: n.Name, Identity: n.Identity}
	if n.Name != "" {
		p.Pod = j.mesh.index.podByName[n.Namespace+"/"+n.Name]
		p.Workload = j.mesh.index.byPod[n.Namespace+"/"+n.Name]
		p.Gone = p.Pod == nil && len(j.mesh.Pods) > 0 && (p.Workload == nil || p.Workload.Kind == "Pod")
	} else if ip != "" {
		p.Pod = j.mesh.index.podByIP[ip]
		p.Workload = j.mesh.index.byIP[ip]
	}
	if p.Workload == nil && p.Pod != nil {
		p.Workload = p.Pod.Workload
	}
	if p.Pod == nil && p.Workload != nil {
		p.Pod = p.Workload.Pod
	}
	_, p.NodeAddress = j.mesh.index.nodeByIP[ip]
	j.settlePeer(p)
	j.peers[k] = p
	return p
}

// subjectKey is kept: flows are joined and sorted by it.
func (p *Peer) subjectKey() string {
	if p.key == "" {
		p.key = p.Subject().Key()
	}
	return p.key
}

func (j *flowJoin) settlePeer(p *Peer) {
	if w := p.Workload; w != nil {
		p.HBONE, p.Captured = w.HBONE, w.Captured
		if p.Name == "" {
			p.Namespace, p.Name = w.Namespace, w.Name
		}
		if w.Spec != nil {
			p.Envoy = w.Spec.NativeTunnel
			p.Ztunnel = j.mesh.index.ztunnels[w.Spec.Node]
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
func (j *flowJoin) settleFailures(failures, good []*Flow) {
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
