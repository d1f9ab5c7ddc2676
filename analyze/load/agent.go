package load

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/openmetrics"
)

// cniFiles gathers what the bundle holds of one istio-cni pod.
type cniFiles struct{ c *mesh.CNI }

func (l *loader) cniOf(node, pod string) *cniFiles {
	key := node + "/" + pod
	t := l.cnis[key]
	if t == nil {
		t = &cniFiles{c: &mesh.CNI{Name: pod, NodeName: node, ZtunnelConnected: -1, InstallReady: -1, Dir: path.Join(l.dir, layout.Pod{Kind: layout.CNI, Node: node, Name: pod}.Dir())}}
		l.cnis[key] = t
	}
	return t
}

func (l *loader) cniFile(node, pod, name string, f bundle.File) error {
	if err := full(l.cnis, node+"/"+pod, "istio-cni"); err != nil {
		return err
	}
	t := l.cniOf(node, pod)
	switch name {
	case layout.Metrics:
		set, err := openmetrics.Parse(l.buffered(f.Reader))
		if v, ok := set.Sum("ztunnel_connected", nil); ok {
			t.c.ZtunnelConnected = v
			samples, _ := set.Lookup("ztunnel_connected")
			t.c.MetricsSource = mesh.Evidence{File: f.Path, Line: samples[0].Line, Text: "ztunnel_connected"}
		}
		if v, ok := set.Sum("istio_cni_install_ready", nil); ok {
			t.c.InstallReady = v
			samples, _ := set.Lookup("istio_cni_install_ready")
			t.c.InstallMetric.Source = mesh.Evidence{File: f.Path, Line: samples[0].Line, Text: "istio_cni_install_ready"}
		}
		t.c.RepairsFailed, _ = set.Sum("istio_cni_repair_pods_repaired_total", map[string]string{"result": "fail"})
		return err
	case layout.Log:
		return l.componentLog("istio-cni", "", pod, node, f, false)
	case layout.PreviousLog:
		return l.componentLog("istio-cni", "", pod, node, f, true)
	}
	return nil
}

func (l *loader) waypointFile(namespace, pod, name string, f bundle.File) error {
	switch name {
	case layout.Log:
		return l.componentLog("gateway", namespace, pod, "", f, false)
	case layout.PreviousLog:
		return l.componentLog("gateway", namespace, pod, "", f, true)
	case layout.Metrics:
		return l.envoyMetrics(namespace, pod, false, f)
	case layout.AfterFile(layout.Metrics):
		return l.envoyMetrics(namespace, pod, true, f)
	}
	return nil
}

// finishAgents makes an agent of every ztunnel, istiod and istio-cni pod,
// those that the bundle holds nothing of included, and names their namespaces,
// which the layout's paths leave out.
func (l *loader) finishAgents() {
	for _, p := range l.mesh.Pods {
		if p.Phase == "Succeeded" || p.Phase == "Failed" {
			continue
		}
		if err := l.fullFor(p); err != nil {
			l.problem(p.Source.File, fmt.Errorf("pod %s/%s %w", p.Namespace, p.Name, err))
			continue
		}
		switch p.Component {
		case "ztunnel":
			l.finishZtunnel(l.ztunnelOf(p.NodeName, p.Name), p)
		case "istio-cni":
			c := l.cniOf(p.NodeName, p.Name).c
			c.Namespace, c.Source = p.Namespace, p.Source
			c.Version = version(imageTag(l.pods[p.Namespace+"/"+p.Name].image))
		case "istiod":
			t := l.istiodOf(p.Name)
			facts := l.pods[p.Namespace+"/"+p.Name]
			t.i.Namespace, t.i.Source = p.Namespace, p.Source
			t.i.Revision = orElse(facts.rev, facts.env["REVISION"])
			t.i.Env = facts.env
			t.i.Version = orElse(t.i.Version, version(imageTag(facts.image)))
		}
	}
	l.namesFromManifest()
	for _, t := range l.ztunnels {
		l.settleZtunnel(t)
		l.mesh.Ztunnels = append(l.mesh.Ztunnels, t.z)
	}
	for _, t := range l.cnis {
		l.mesh.CNIs = append(l.mesh.CNIs, t.c)
	}
	for _, t := range l.istiods {
		l.mesh.Istiods = append(l.mesh.Istiods, t.i)
	}
	l.nameLogs()
	sortObservations(l.mesh.Observations)
}

func (l *loader) fullFor(p *mesh.Pod) error {
	switch p.Component {
	case "ztunnel":
		return full(l.ztunnels, p.NodeName+"/"+p.Name, p.Component)
	case "istio-cni":
		return full(l.cnis, p.NodeName+"/"+p.Name, p.Component)
	case "istiod":
		return full(l.istiods, p.Name, p.Component)
	}
	return nil
}

// namesFromManifest fills in namespaces where the pods were not collected.
func (l *loader) namesFromManifest() {
	if l.summary.Manifest == nil {
		return
	}
	for _, d := range l.summary.Manifest.Discovery {
		if d.Cluster != l.dir {
			continue
		}
		kind := map[string]string{"cni": "istio-cni"}[d.Kind]
		if err := l.fullFor(&mesh.Pod{Component: orElse(kind, d.Kind), NodeName: d.Node, Name: d.Name}); err != nil {
			l.problem(layout.Manifest, fmt.Errorf("pod %s/%s %w", d.Namespace, d.Name, err))
			continue
		}
		switch d.Kind {
		case "ztunnel":
			if t := l.ztunnelOf(d.Node, d.Name); t.z.Namespace == "" {
				t.z.Namespace = d.Namespace
			}
		case "cni":
			if t := l.cniOf(d.Node, d.Name); t.c.Namespace == "" {
				t.c.Namespace = d.Namespace
			}
		case "istiod":
			if t := l.istiodOf(d.Name); t.i.Namespace == "" {
				t.i.Namespace, t.i.Revision = d.Namespace, d.Revision
			}
		}
	}
}

func (l *loader) finishZtunnel(t *ztunnelFiles, p *mesh.Pod) {
	facts := l.pods[p.Namespace+"/"+p.Name]
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

// settleZtunnel takes what the log and the dump say of the ztunnel itself.
func (l *loader) settleZtunnel(t *ztunnelFiles) {
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

// version is Istio's version in a tag such as "1.28.9-distroless", "" for
// tags that are none.
func version(tag string) string {
	tag = strings.TrimPrefix(tag, "v")
	if tag == "" || tag[0] < '0' || tag[0] > '9' || !strings.Contains(tag, ".") {
		return ""
	}
	return strings.TrimSuffix(strings.TrimSuffix(tag, "-distroless"), "-debug")
}

// nameLogs gives the namespaces of agents to their logs.
func (l *loader) nameLogs() {
	ns := map[string]string{}
	for _, z := range l.mesh.Ztunnels {
		ns["ztunnel/"+z.NodeName+"/"+z.Name] = z.Namespace
	}
	for _, c := range l.mesh.CNIs {
		ns["istio-cni/"+c.NodeName+"/"+c.Name] = c.Namespace
	}
	for _, i := range l.mesh.Istiods {
		ns["istiod//"+i.Name] = i.Namespace
	}
	for _, log := range l.mesh.Logs {
		if log.Namespace == "" {
			log.Namespace = ns[log.Component+"/"+log.NodeName+"/"+log.PodName]
		}
	}
}
