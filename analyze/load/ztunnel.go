package load

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/openmetrics"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// ztunnelFiles gathers what the bundle holds of one ztunnel pod.
type ztunnelFiles struct {
	z            *mesh.Ztunnel
	log          logFacts
	istioVersion string
	sections     map[string]bool
	broken       string // why a part of the dump could not be read
}

// ztunnelReader reads what there is of ztunnels: dumps, metrics, readiness and logs.
type ztunnelReader struct {
	*reading
	series *seriesReader
	by     map[string]*ztunnelFiles // "<node>/<pod>"
}

func (l *ztunnelReader) ztunnelOf(node, pod string) *ztunnelFiles {
	key := node + "/" + pod
	t := l.by[key]
	if t == nil {
		t = &ztunnelFiles{
			z:        &mesh.Ztunnel{Name: pod, NodeName: node, Dir: path.Join(l.dir, layout.Pod{Kind: layout.Ztunnel, Node: node, Name: pod}.Dir())},
			sections: map[string]bool{},
		}
		l.by[key] = t
	}
	return t
}

func (l *ztunnelReader) ztunnelFile(at layout.Path, f bundle.File) error {
	node, pod := at.Pod.Node, at.Pod.Name
	if err := full(l.by, node+"/"+pod, "ztunnel"); err != nil {
		return err
	}
	t := l.ztunnelOf(node, pod)
	if section, delta, ok := at.Section(); ok {
		return t.part(at.File, l.dumpSection(t, section, delta, f))
	}
	switch at.File {
	case layout.ZtunnelConfigDump.File:
		return t.part(at.File, l.wholeDump(t, f))
	case layout.Metrics:
		return l.ztunnelMetrics(t, f)
	case layout.Ready:
		r, err := ztunnel.ReadReady(f.Reader)
		if err != nil {
			return err
		}
		t.z.HasReady, t.z.Ready, t.z.Pending = true, r.Ready, r.Pending
		t.z.ReadySource = mesh.Evidence{File: f.Path, Line: 3, Text: r.Body}
	case layout.Log:
		l.ztunnelLog(t, f, false)
		return errLater
	case layout.PreviousLog:
		l.ztunnelLog(t, f, true)
		return errLater
	}
	return nil
}

// part remembers that a part of the dump could not be read: what stands
// before the break must not be taken for all there is.
func (t *ztunnelFiles) part(name string, err error) error {
	if err != nil && t.broken == "" {
		t.broken = name + " could not be read whole"
	}
	return err
}

// viewFile parses a view when it comes by; the ztunnels that share it follow as links.
func (l *ztunnelReader) viewFile(f bundle.File) error {
	d, ws, err := l.readDump(f)
	if err != nil {
		return err
	}
	l.views[f.Path] = section(d, ws, f.Path)
	return nil
}

// readDump reads a dump, or a part of one, and its workloads as the set that is kept of them.
func (l *ztunnelReader) readDump(f bundle.File) (*ztunnel.Dump, *mesh.WorkloadSet, error) {
	set := &mesh.WorkloadSet{Specs: map[string]*mesh.WorkloadSpec{}, File: f.Path}
	d, err := ztunnel.VisitDump(f.Reader, func(w *ztunnel.Workload) error {
		set.Specs[w.UID] = workloadSpec(w, f.Path)
		return l.keep(ownSpec)
	})
	if err != nil {
		return nil, nil, err
	}
	for _, p := range d.Problems {
		l.problem(f.Path, errors.New(p))
	}
	return d, set, l.keep(ownSpec * (len(d.Services) + len(d.Policies) + len(d.Certificates) + len(d.WorkloadState)))
}

// section is the set of the one section that a file holds, of which workloads are read apart.
func section(d *ztunnel.Dump, ws *mesh.WorkloadSet, file string) any {
	switch {
	case d.Sections["workloads"]:
		return ws
	case d.Sections["services"]:
		return serviceSet(d.Services, file)
	case d.Sections["policies"]:
		return policySet(d.Policies, file)
	}
	return nil
}

func (l *ztunnelReader) dumpSection(t *ztunnelFiles, name string, delta bool, f bundle.File) error {
	if f.Link != "" {
		if set, ok := l.views[f.Link]; ok {
			t.take(set)
			t.sections[name] = true
			return nil
		}
		if f.Reader == nil {
			return fmt.Errorf("is a link to %s, which could not be read", f.Link)
		}
	}
	if delta {
		return l.deltaSection(t, name, f)
	}
	d, ws, err := l.readDump(f)
	if err != nil {
		return err
	}
	l.dump(t, d, ws, f.Path)
	if f.Link != "" {
		l.views[f.Link] = section(d, ws, f.Path)
	}
	return nil
}

func (l *ztunnelReader) wholeDump(t *ztunnelFiles, f bundle.File) error {
	d, ws, err := l.readDump(f)
	if err != nil {
		return err
	}
	l.dump(t, d, ws, f.Path)
	return nil
}

// take keeps a set that may be shared with other ztunnels.
func (t *ztunnelFiles) take(set any) {
	switch s := set.(type) {
	case *mesh.WorkloadSet:
		t.z.Workloads, t.z.WorkloadCount = s, s.Len()
		t.z.HasDump = true
		if t.z.DumpSource.File == "" {
			t.z.DumpSource = mesh.Evidence{File: s.File}
		}
	case *mesh.ServiceSet:
		t.z.Services, t.z.ServiceCount = s, s.Len()
	case *mesh.PolicySet:
		t.z.Policies, t.z.PolicyCount = s, s.Len()
	}
}

func (l *ztunnelReader) dump(t *ztunnelFiles, d *ztunnel.Dump, ws *mesh.WorkloadSet, file string) {
	z := t.z
	for s := range d.Sections {
		t.sections[s] = true
	}
	if d.Sections["workloads"] {
		t.take(ws)
	}
	if d.Sections["services"] {
		t.take(serviceSet(d.Services, file))
	}
	if d.Sections["policies"] {
		t.take(policySet(d.Policies, file))
	}
	if d.Sections[ztunnel.SectionWorkloadState] {
		z.WorkloadState.Source = mesh.Evidence{File: file, Pointer: "/" + ztunnel.SectionWorkloadState}
	}
	if d.Sections[ztunnel.SectionCertificates] {
		z.CertificateList.Source = mesh.Evidence{File: file, Pointer: "/" + ztunnel.SectionCertificates}
	}
	for i := range d.Certificates {
		z.Certificates = append(z.Certificates, l.certificate(&d.Certificates[i], file))
	}
	for uid, state := range byKey(d.WorkloadState) {
		in := &mesh.InPod{PodUID: uid, State: state.State, Source: mesh.Evidence{File: file, Pointer: state.Pointer, Text: "state " + state.State}}
		if state.Info != nil {
			in.Namespace, in.Name, in.ServiceAccount = state.Info.Namespace, state.Info.Name, state.Info.ServiceAccount
		}
		z.InPods = append(z.InPods, in)
		if state.Connections != nil {
			l.connections(t, in, state.Connections, file)
		}
	}
	slices.SortFunc(z.InPods, func(a, b *mesh.InPod) int { return strings.Compare(a.PodUID, b.PodUID) })
	if d.Version != nil {
		t.istioVersion = d.Version.IstioVersion
	}
	if c := d.Config; c != nil {
		z.ClusterID, z.Network, z.XDSAddress, z.CAAddress, z.CRLPath = c.ClusterID, c.Network, c.XDSAddress, c.CAAddress, c.CRLPath
	}
}

func workloadSet(ws []ztunnel.Workload, file string) *mesh.WorkloadSet {
	set := &mesh.WorkloadSet{Specs: make(map[string]*mesh.WorkloadSpec, len(ws)), File: file}
	for i := range ws {
		set.Specs[ws[i].UID] = workloadSpec(&ws[i], file)
	}
	return set
}

func workloadSpec(w *ztunnel.Workload, file string) *mesh.WorkloadSpec {
	return &mesh.WorkloadSpec{
		UID: w.UID, Name: w.Name, Namespace: w.Namespace, ServiceAccount: cmp.Or(w.ServiceAccount, "default"),
		TrustDomain: cmp.Or(w.TrustDomain, "cluster.local"), Network: w.Network, ClusterID: w.ClusterID, Node: w.Node,
		Protocol: cmp.Or(w.Protocol, "TCP"), NetworkMode: cmp.Or(w.NetworkMode, "Standard"), Status: cmp.Or(w.Status, "Healthy"),
		Region: locality(w.Locality).Region, Zone: locality(w.Locality).Zone, Subzone: locality(w.Locality).Subzone,
		NativeTunnel: w.NativeTunnel, Addresses: sorted(w.WorkloadIPs), Waypoint: destination(w.Waypoint), NetworkGateway: destination(w.NetworkGateway),
		Policies: sorted(w.AuthorizationPolicies), Services: sorted(w.Services), WorkloadName: cmp.Or(w.WorkloadName, w.Name),
		Source: mesh.Evidence{File: file, Pointer: w.Pointer},
	}
}

func serviceSet(ss []ztunnel.Service, file string) *mesh.ServiceSet {
	set := &mesh.ServiceSet{Specs: make(map[string]*mesh.ServiceSpec, len(ss)), File: file}
	for i := range ss {
		s := &ss[i]
		spec := &mesh.ServiceSpec{
			Namespace: s.Namespace, Name: s.Name, Hostname: s.Hostname, Endpoints: len(s.Endpoints), Waypoint: destination(s.Waypoint),
			Source: mesh.Evidence{File: file, Pointer: s.Pointer},
		}
		for _, v := range s.VIPs {
			spec.VIPs = append(spec.VIPs, v[strings.LastIndexByte(v, '/')+1:])
		}
		for _, e := range s.Endpoints {
			if e.Status == "Unhealthy" {
				spec.Unhealthy++
			}
		}
		if s.LoadBalancer != nil {
			spec.LBMode, spec.Preferences, spec.HealthPolicy = s.LoadBalancer.Mode, s.LoadBalancer.RoutingPreferences, s.LoadBalancer.HealthPolicy
		}
		set.Specs[s.Key()] = spec
	}
	return set
}

func policySet(ps []ztunnel.Policy, file string) *mesh.PolicySet {
	set := &mesh.PolicySet{Specs: make(map[string]*mesh.PolicySpec, len(ps)), File: file}
	for i := range ps {
		p := &ps[i]
		set.Specs[p.Namespace+"/"+p.Name] = &mesh.PolicySpec{
			Namespace: p.Namespace, Name: p.Name, Action: p.Action, Scope: p.Scope, RuleCount: len(p.Rules), DryRun: p.DryRun != nil && *p.DryRun,
			Source: mesh.Evidence{File: file, Pointer: p.Pointer},
		}
	}
	return set
}

func destination(g *ztunnel.GatewayAddress) string {
	if g == nil {
		return ""
	}
	return g.Destination
}

func locality(l *ztunnel.Locality) ztunnel.Locality {
	if l == nil {
		return ztunnel.Locality{}
	}
	return *l
}

func sorted(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return out
}

func (l *ztunnelReader) certificate(c *ztunnel.Certificate, file string) *mesh.Certificate {
	out := &mesh.Certificate{
		Identity: c.Identity, State: c.State, Source: mesh.Evidence{File: file, Pointer: c.Pointer, Text: "state: " + clip(c.State, 300)},
	}
	if reason, ok := c.Unavailable(); ok {
		out.State, out.Reason, out.ReasonClass = "Unavailable", reason, reasonClass(reason)
	}
	if leaf := c.Leaf(); leaf != nil {
		out.Serial, out.NotBefore, out.NotAfter = leaf.SerialNumber, leaf.NotBefore(), leaf.NotAfter()
		out.HasLeaf = !out.NotBefore.IsZero() && !out.NotAfter.IsZero()
		out.Source.Text += ", valid " + leaf.ValidFrom + " to " + leaf.ExpirationTime
	}
	for _, root := range c.Roots() {
		fp := root.Fingerprint()
		if fp == "" {
			continue
		}
		out.Roots = append(out.Roots, fp)
		l.mesh.AddRoot(fp, mesh.RootFact{NotAfter: root.NotAfter(), Name: root.Subject()})
	}
	return out
}

// reasonClass groups the texts behind "Unavailable: " (istio/ztunnel src/identity/manager.rs).
func reasonClass(reason string) string {
	has := func(s string) bool { return strings.Contains(reason, s) }
	switch {
	case has("no longer needed"):
		return "not-needed"
	case has("impersonation"):
		return "impersonation"
	case has("invalid peer certificate"), has("CERTIFICATE_VERIFY_FAILED"), has("cert verification failed"):
		return "untrusted-ca"
	case has("currently unavailable"), has("tcp connect error"), has("dns error"), has("deadline"):
		return "ca-unreachable"
	}
	return "other"
}

// xdsEnds counts ended connections to istiod by reason (istio/ztunnel src/xds/metrics.rs).
const xdsEnds = "istio_xds_connection_terminations_total"

func (l *ztunnelReader) ztunnelMetrics(t *ztunnelFiles, f bundle.File) error {
	set, err := openmetrics.Parse(l.lines.of(f.Reader), "process_", strings.TrimSuffix(xdsEnds, "_total"), dnsMetrics, tcpOpened, tcpFailed)
	if v, ok := set.Sum("process_open_fds", nil); ok && v < 1<<62 {
		t.z.OpenFDs = v
	} else {
		t.z.FDsUnreadable = ok
	}
	if v, ok := set.Sum("process_max_fds", nil); ok && v < 1<<62 {
		t.z.MaxFDs = v
	}
	ends, _ := set.Lookup(xdsEnds)
	for _, s := range ends {
		if t.z.XDSEnds == nil {
			t.z.XDSEnds = map[string]float64{}
			t.z.XDSEndsMetric.Source = mesh.Evidence{File: f.Path, Line: s.Line, Text: xdsEnds}
		}
		t.z.XDSEnds[strings.Clone(s.Get("reason"))] += s.Value
	}
	t.z.DNS = dns(set, f.Path)
	return errors.Join(err, l.series.addSeries(t.z, set, f.Path))
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}

func (t *ztunnelFiles) ofPod(p *mesh.Pod, facts podFacts) {
	t.z.Namespace, t.z.Source, t.z.Env = p.Namespace, p.Source, facts.env
	if tag := version(imageTag(facts.image)); tag != "" {
		t.z.Version, t.z.VersionSource = tag, "image"
	}
	if t.z.StartedAt.IsZero() {
		t.z.StartedAt = facts.started
	}
	t.z.Restarted = t.z.Restarted || slices.ContainsFunc(p.Containers, func(c *mesh.Container) bool { return c.Restarts > 0 })
	if strings.Contains(facts.env["RUST_LOG"], "access=off") || strings.Contains(facts.env["RUST_LOG"], "access=warn") || strings.Contains(facts.env["RUST_LOG"], "access=error") {
		t.log.sawInfo = false
	}
}

// settle takes what the log and the dump say of the ztunnel itself.
func (t *ztunnelFiles) settle() {
	z := t.z
	if v := version(t.istioVersion); v != "" {
		z.Version, z.VersionSource = v, "dump"
	}
	z.XDS, z.CNIConnection = t.log.xds, t.log.cni
	z.AccessLogOn, z.FDErrors = t.log.sawInfo, t.log.fdErrors
	z.LogFrom, z.LogTo = t.log.first, t.log.last
	if !t.log.started.IsZero() {
		z.StartedAt = t.log.started
	}
	z.Restarted = z.Restarted || t.log.starts > 1
	for _, in := range z.InPods {
		if e, ok := t.log.startErrors[in.PodUID]; ok {
			in.StartError, in.StartSource = e.text, e.source
		}
	}
	for _, n := range t.log.nacks {
		z.Nacks = append(z.Nacks, &mesh.Nack{TypeURL: n.typeURL, Error: n.text, Time: n.at, Source: n.source})
	}
}
