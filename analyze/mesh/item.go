package mesh

import (
	"fmt"
	"strings"
)

// of names the cluster of a subject.
func (s Subject) of(cluster string) Subject {
	s.Cluster = cluster
	return s
}

func podSubject(ns, name, node string) Subject {
	return Subject{Kind: "pod", Namespace: ns, Name: name, Node: node}
}

func nodeKey(name string) string { return Subject{Kind: "node", Name: name}.Key() }

func podKey(ns, name string) string { return podSubject(ns, name, "").Key() }

func identityKey(id string) string { return Subject{Kind: "identity", Name: id}.Key() }

// keysOf are the keys of the items' subjects.
func keysOf[T Item](items []T) []string {
	keys := make([]string, len(items))
	for n, i := range items {
		keys[n] = i.Subject().Key()
	}
	return keys
}

// refs drops what is unknown and what was named before.
func refs(keys ...string) []string {
	out := make([]string, 0, len(keys))
	seen := make(map[string]bool, len(keys))
	for _, k := range keys {
		if k == "" || strings.HasSuffix(k, "/") || seen[k] {
			continue
		}
		seen[k] = true
		out = append(out, k)
	}
	return out
}

func evidence(es ...Evidence) []Evidence {
	out := make([]Evidence, 0, len(es))
	for _, e := range es {
		if e.File != "" {
			out = append(out, e)
		}
	}
	return out
}

func (n *Namespace) Subject() Subject {
	return Subject{Kind: "namespace", Name: n.Name, Cluster: n.Cluster}
}
func (n *Namespace) Refs() []string          { return refs(n.Subject().Key()) }
func (n *Namespace) Evidence() []Evidence    { return evidence(n.Source) }
func (n *Namespace) Gap(string) (*Gap, bool) { return nil, false }

func (n *Node) Subject() Subject     { return Subject{Kind: "node", Name: n.Name, Cluster: n.Cluster} }
func (n *Node) Refs() []string       { return refs(n.Subject().Key()) }
func (n *Node) Evidence() []Evidence { return evidence(n.Source) }
func (n *Node) Gap(input string) (*Gap, bool) {
	return ztunnelGap(n.Ztunnel, n.Name, input)
}

func (p *Pod) Subject() Subject { return podSubject(p.Namespace, p.Name, p.NodeName).of(p.Cluster) }
func (p *Pod) Refs() []string {
	keys := []string{p.Subject().Key(), nodeKey(p.NodeName), identityKey(p.Identity)}
	if p.Ztunnel != nil && p.Component == "" {
		keys = append(keys, p.Ztunnel.keys()...)
	}
	if p.Node != nil && p.Node.CNI != nil && p.Component == "" {
		keys = append(keys, p.Node.CNI.Subject().Key())
	}
	return refs(keys...)
}
func (p *Pod) Evidence() []Evidence { return evidence(p.Source) }
func (p *Pod) Gap(input string) (*Gap, bool) {
	return ztunnelGap(p.Ztunnel, p.NodeName, input)
}

func ztunnelKeys(zs []*Ztunnel) []string {
	var keys []string
	for _, z := range zs {
		keys = append(append(keys, z.keys()...), nodeKey(z.NodeName))
	}
	return keys
}

// keys are the ztunnel, what it is a part of, and the istiods that tell it what there is.
func (z *Ztunnel) keys() []string {
	keys := []string{z.Subject().Key(), (&Component{Name: "ztunnel", Version: z.Version}).Subject().Key()}
	keys = append(keys, keysOf(z.istiods)...)
	return keys
}

// ztunnelGap answers for the inputs of a node's ztunnel.
func ztunnelGap(z *Ztunnel, node, input string) (*Gap, bool) {
	if !strings.HasPrefix(input, "ztunnel.") {
		return nil, false
	}
	if z == nil {
		return &Gap{Subject: "node " + node, Reason: "no ztunnel of this node is in the bundle"}, true
	}
	return z.MissingInput(input), true
}

func (d *DaemonSet) Subject() Subject {
	return Subject{Kind: "daemonset", Namespace: d.Namespace, Name: d.Name}
}
func (d *DaemonSet) Refs() []string {
	keys := []string{d.Subject().Key()}
	for _, p := range d.Pods {
		keys = append(keys, p.Refs()...)
	}
	for _, n := range d.Lacking {
		keys = append(keys, nodeKey(n.Name))
	}
	return refs(keys...)
}
func (d *DaemonSet) Evidence() []Evidence    { return evidence(d.Source) }
func (d *DaemonSet) Gap(string) (*Gap, bool) { return nil, false }

func (e *Event) Subject() Subject {
	return Subject{Kind: strings.ToLower(e.Kind), Namespace: e.Namespace, Name: e.Name}
}
func (e *Event) Refs() []string {
	keys := []string{e.Subject().Key()}
	if e.pod != nil {
		keys = append(keys, e.pod.Refs()...)
	}
	if e.DaemonSet != nil {
		keys = append(keys, e.DaemonSet.Refs()...)
	}
	return refs(keys...)
}
func (e *Event) Evidence() []Evidence    { return evidence(e.Source) }
func (e *Event) Gap(string) (*Gap, bool) { return nil, false }

// Subject of a pod's workload is the pod, of all others the workload by its uid.
func (w *Workload) Subject() Subject {
	if w.Kind == "Pod" && w.Local {
		node := ""
		if w.Spec != nil {
			node = w.Spec.Node
		}
		return podSubject(w.Namespace, w.Name, node).of(w.Cluster)
	}
	return Subject{Kind: "workload", Name: w.UID, Cluster: w.Cluster}
}
func (w *Workload) Refs() []string {
	keys := []string{w.Subject().Key()}
	if w.Spec != nil {
		keys = append(keys, nodeKey(w.Spec.Node))
	}
	if w.Pod != nil {
		keys = append(keys, w.Pod.Refs()...)
	}
	for _, z := range w.Lacking() {
		keys = append(keys, z.keys()...)
	}
	keys = append(keys, keysOf(w.unknownTo)...)
	return refs(keys...)
}
func (w *Workload) Evidence() []Evidence {
	es := []Evidence{}
	if w.Pod != nil {
		es = append(es, w.Pod.Source)
	}
	if w.Istiod != nil {
		es = append(es, w.Istiod.Source)
	}
	for i, v := range w.Views {
		if i == 2 {
			break
		}
		es = append(es, v.Spec.Source)
	}
	return evidence(es...)
}
func (w *Workload) Gap(input string) (*Gap, bool) {
	if w.Pod == nil || !strings.HasPrefix(input, "ztunnel.") || input == InputZtunnelDump {
		return nil, false
	}
	return w.Pod.Gap(input)
}

func (s *Service) Subject() Subject {
	return Subject{Kind: "service", Namespace: s.Namespace, Name: s.Name, Cluster: s.Cluster}
}
func (s *Service) Refs() []string {
	keys := []string{s.Subject().Key()}
	if s.UseWaypoint != "" {
		keys = append(keys, Subject{Kind: "gateway", Namespace: s.WaypointNamespace, Name: s.UseWaypoint}.Key())
	}
	for _, w := range s.Workloads {
		keys = append(keys, w.Subject().Key())
		if w.Spec != nil {
			keys = append(keys, (&Network{Name: w.Spec.Network}).Subject().Key())
		}
	}
	return refs(append(append(keys, ztunnelKeys(s.MissingFrom)...), ztunnelKeys(s.Empty)...)...)
}
func (s *Service) Evidence() []Evidence    { return evidence(s.Source, s.ZtunnelSource) }
func (s *Service) Gap(string) (*Gap, bool) { return nil, false }

func (p *Policy) Subject() Subject {
	return Subject{Kind: "authorizationpolicy", Namespace: p.Namespace, Name: p.Name, Cluster: p.Cluster}
}
func (p *Policy) Refs() []string {
	keys := []string{p.Subject().Key()}
	return refs(append(append(keys, ztunnelKeys(p.MissingFrom)...), ztunnelKeys(p.Unknown)...)...)
}
func (p *Policy) Evidence() []Evidence    { return evidence(p.Source, p.ZtunnelSource) }
func (p *Policy) Gap(string) (*Gap, bool) { return nil, false }

func (w *Waypoint) Subject() Subject {
	return Subject{Kind: "gateway", Namespace: w.Namespace, Name: w.Name, Cluster: w.Cluster}
}
func (w *Waypoint) Refs() []string {
	keys := []string{w.Subject().Key()}
	keys = append(keys, keysOf(w.Pods)...)
	return refs(keys...)
}
func (w *Waypoint) Evidence() []Evidence    { return evidence(w.Source) }
func (w *Waypoint) Gap(string) (*Gap, bool) { return nil, false }

func (z *Ztunnel) Subject() Subject { return podSubject(z.Namespace, z.Name, z.NodeName).of(z.Cluster) }
func (z *Ztunnel) Refs() []string {
	keys := append(z.keys(), nodeKey(z.NodeName))
	if z.Node != nil && z.Node.CNI != nil {
		keys = append(keys, z.Node.CNI.Subject().Key())
	}
	return refs(keys...)
}
func (z *Ztunnel) Evidence() []Evidence { return evidence(z.Source, z.DumpSource) }
func (z *Ztunnel) Gap(input string) (*Gap, bool) {
	return ztunnelGap(z, z.NodeName, input)
}

func (i *InPod) Subject() Subject { return podSubject(i.Namespace, i.Name, i.Ztunnel.NodeName) }
func (i *InPod) Refs() []string {
	return refs(i.Subject().Key(), i.Ztunnel.Subject().Key(), nodeKey(i.Ztunnel.NodeName))
}
func (i *InPod) Evidence() []Evidence { return evidence(i.Source, i.StartSource) }

// Gap has no say: where a ztunnel could not be read, its entries are not there to be asked.
func (i *InPod) Gap(string) (*Gap, bool) { return nil, false }

func (i *Istiod) Subject() Subject {
	node := ""
	if i.Pod != nil {
		node = i.Pod.NodeName
	}
	return podSubject(i.Namespace, i.Name, node).of(i.Cluster)
}
func (i *Istiod) Refs() []string       { return refs(i.Subject().Key()) }
func (i *Istiod) Evidence() []Evidence { return evidence(i.Source) }
func (i *Istiod) Gap(input string) (*Gap, bool) {
	if !strings.HasPrefix(input, "istiod.") {
		return nil, false
	}
	return i.MissingInput(input), true
}

func (x *XDSStream) Subject() Subject {
	if x.Ztunnel != nil {
		return x.Ztunnel.Subject()
	}
	name, ns, _ := strings.Cut(x.Proxy, ".")
	return podSubject(ns, name, "")
}
func (x *XDSStream) Refs() []string {
	if x.Ztunnel != nil {
		return x.Ztunnel.Refs()
	}
	return refs(x.Subject().Key())
}
func (x *XDSStream) Evidence() []Evidence    { return evidence(x.NackSource, x.Source) }
func (x *XDSStream) Gap(string) (*Gap, bool) { return nil, false }

func (c *CNI) Subject() Subject { return podSubject(c.Namespace, c.Name, c.NodeName).of(c.Cluster) }
func (c *CNI) Refs() []string {
	keys := []string{c.Subject().Key(), nodeKey(c.NodeName)}
	if c.Node != nil && c.Node.Ztunnel != nil {
		keys = append(keys, c.Node.Ztunnel.Subject().Key())
	}
	return refs(keys...)
}
func (c *CNI) Evidence() []Evidence { return evidence(c.Source, c.MetricsSource) }
func (c *CNI) Gap(input string) (*Gap, bool) {
	if !strings.HasPrefix(input, "cni.") {
		return nil, false
	}
	return c.MissingInput(input), true
}

func identitySubject(id, node string) Subject {
	return Subject{Kind: "identity", Name: id, Node: node}
}

func (c *Certificate) Subject() Subject {
	return identitySubject(c.Identity, c.Ztunnel.NodeName).of(c.Ztunnel.Cluster)
}
func (c *Certificate) Refs() []string {
	keys := []string{identityKey(c.Identity), c.Ztunnel.Subject().Key(), nodeKey(c.Ztunnel.NodeName)}
	keys = append(keys, keysOf(c.NeededBy)...)
	keys = append(keys, keysOf(c.signers)...)
	return refs(keys...)
}
func (c *Certificate) Evidence() []Evidence { return evidence(c.Source) }
func (c *Certificate) Gap(input string) (*Gap, bool) {
	return nil, false
}

func (l *LocalIdentity) Subject() Subject {
	return identitySubject(l.Identity, l.Ztunnel.NodeName).of(l.Ztunnel.Cluster)
}
func (l *LocalIdentity) Refs() []string {
	keys := []string{identityKey(l.Identity), l.Ztunnel.Subject().Key(), nodeKey(l.Ztunnel.NodeName)}
	keys = append(keys, keysOf(l.Pods)...)
	keys = append(keys, keysOf(l.signers)...)
	return refs(keys...)
}
func (l *LocalIdentity) Evidence() []Evidence {
	es := []Evidence{}
	if len(l.Pods) > 0 {
		es = append(es, l.Pods[0].Source)
	}
	if l.Certificate != nil {
		es = append(es, l.Certificate.Source)
	} else {
		es = append(es, l.Ztunnel.CertificateList.Source)
	}
	return evidence(es...)
}
func (l *LocalIdentity) Gap(input string) (*Gap, bool) {
	return ztunnelGap(l.Ztunnel, l.Ztunnel.NodeName, input)
}

func (r *Root) Subject() Subject { return Subject{Kind: "root", Name: r.Fingerprint} }
func (r *Root) Refs() []string {
	keys := []string{r.Subject().Key()}
	keys = append(keys, keysOf(r.Ztunnels)...)
	return refs(keys...)
}
func (r *Root) Evidence() []Evidence    { return evidence(r.Source) }
func (r *Root) Gap(string) (*Gap, bool) { return nil, false }

func (a *AddressClash) Subject() Subject {
	return Subject{Kind: "address", Namespace: a.Network, Name: a.Address}
}
func (a *AddressClash) Refs() []string {
	keys := []string{a.Subject().Key()}
	keys = append(keys, keysOf(a.Workloads)...)
	return refs(keys...)
}
func (a *AddressClash) Evidence() []Evidence    { return evidence(a.Source) }
func (a *AddressClash) Gap(string) (*Gap, bool) { return nil, false }

// Subject of a peer is its pod, else the workload that the log names, else its address.
func (p *Peer) Subject() Subject {
	switch {
	case p.Pod != nil:
		return p.Pod.Subject()
	case p.Name != "":
		return podSubject(p.Namespace, p.Name, "")
	default:
		return Subject{Kind: "address", Name: p.Address}
	}
}

func (p *Peer) refs() []string {
	keys := []string{p.Subject().Key(), identityKey(p.Identity)}
	if p.Pod != nil {
		keys = append(keys, p.Pod.Refs()...)
	}
	if p.Ztunnel != nil {
		keys = append(keys, p.Ztunnel.Refs()...)
	}
	return keys
}

// Subject of a flow is its destination, where connections fail or go plain.
func (f *Flow) Subject() Subject {
	if f.Destination.Pod == nil && f.Destination.Name == "" && f.Service != "" {
		return serviceSubject(f.Service)
	}
	return f.Destination.Subject()
}

// serviceSubject reads the namespace out of a cluster-local hostname.
func serviceSubject(host string) Subject {
	name, rest, ok := strings.Cut(host, ".")
	ns, tail, _ := strings.Cut(rest, ".")
	if !ok || !strings.HasPrefix(tail, "svc.") {
		return Subject{Kind: "service", Name: host}
	}
	return Subject{Kind: "service", Namespace: ns, Name: name}
}

func (f *Flow) Refs() []string {
	keys := []string{f.Subject().Key()}
	keys = append(keys, f.Destination.refs()...)
	keys = append(keys, f.Source.refs()...)
	if f.Service != "" {
		keys = append(keys, serviceSubject(f.Service).Key())
	}
	if f.Called != nil && f.Destination.Pod == nil {
		keys = append(keys, f.Called.Refs()...)
	}
	for _, z := range f.Ztunnels {
		keys = append(keys, z.Refs()...)
	}
	if f.Policy != "" {
		ns, name, _ := strings.Cut(f.Policy, "/")
		keys = append(keys, Subject{Kind: "authorizationpolicy", Namespace: ns, Name: name}.Key())
	} else if pod := f.Destination.Pod; f.Class == "policy-denied" && pod != nil {
		// Where no ALLOW policy fitted, ztunnel names none: it may be any of them.
		keys = append(keys, keysOf(pod.allow)...)
	}
	return refs(keys...)
}
func (f *Flow) Evidence() []Evidence    { return f.Evidences }
func (f *Flow) Gap(string) (*Gap, bool) { return nil, false }

func (s *Series) Subject() Subject {
	return Subject{Kind: "workload", Namespace: s.DestinationNamespace, Name: s.DestinationWorkload}
}
func (s *Series) Refs() []string { return refs(s.Subject().Key()) }
func (s *Series) Evidence() []Evidence {
	policy := "unknown"
	if s.MutualTLS {
		policy = "mutual_tls"
	}
	at := s.Source
	at.Text = fmt.Sprintf("%s{reporter=%q, %s/%s → %s/%s, connection_security_policy=%q} %v",
		s.Sample, s.Reporter, s.SourceNamespace, s.SourceWorkload, s.DestinationNamespace, s.DestinationWorkload, policy, s.SampleValue)
	return evidence(at)
}
func (s *Series) Gap(string) (*Gap, bool) { return nil, false }

func (l *Log) Subject() Subject { return podSubject(l.Namespace, l.PodName, l.NodeName) }
func (l *Log) Refs() []string {
	keys := []string{l.Subject().Key(), nodeKey(l.NodeName)}
	for _, text := range []string{l.Fields["id"], l.Message} {
		keys = append(keys, identityIn(text))
	}
	if ns, name, ok := strings.Cut(l.About, "/"); ok {
		keys = append(keys, podKey(ns, name))
	}
	if l.AboutPod != nil {
		keys = append(keys, l.AboutPod.Subject().Key())
	}
	return refs(keys...)
}
func (l *Log) Evidence() []Evidence { return evidence(l.Source) }

// identityIn is the key of the first SPIFFE id in a text, "" where it holds none.
func identityIn(text string) string {
	at := strings.Index(text, "spiffe://")
	if at < 0 {
		return ""
	}
	id := text[at:]
	if end := strings.IndexAny(id, "\"', )]"); end >= 0 {
		id = id[:end]
	}
	return identityKey(id)
}

// Gap has no say: of a log that could not be read no line is there to be asked.
func (l *Log) Gap(string) (*Gap, bool) { return nil, false }
