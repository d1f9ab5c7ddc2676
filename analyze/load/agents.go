package load

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle/layout"
)

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
			l.ztunnels.ztunnelOf(p.NodeName, p.Name).ofPod(p, l.objects.pods[p.Namespace+"/"+p.Name])
		case "istio-cni":
			c := l.cnis.cniOf(p.NodeName, p.Name).c
			c.Namespace, c.Source = p.Namespace, p.Source
			c.Version = version(imageTag(l.objects.pods[p.Namespace+"/"+p.Name].image))
		case "istiod":
			t := l.istiods.istiodOf(p.Name)
			facts := l.objects.pods[p.Namespace+"/"+p.Name]
			t.i.Namespace, t.i.Source = p.Namespace, p.Source
			t.i.Revision = cmp.Or(facts.rev, facts.env["REVISION"])
			t.i.Env = facts.env
			t.i.Version = cmp.Or(t.i.Version, version(imageTag(facts.image)))
		}
	}
	l.namesFromManifest()
	for _, t := range l.ztunnels.by {
		t.settle()
		l.mesh.Ztunnels = append(l.mesh.Ztunnels, t.z)
	}
	for _, t := range l.cnis.by {
		l.mesh.CNIs = append(l.mesh.CNIs, t.c)
	}
	for _, t := range l.istiods.by {
		l.mesh.Istiods = append(l.mesh.Istiods, t.i)
	}
	l.nameLogs()
	sortObservations(l.mesh.Observations)
}

func (l *loader) fullFor(p *mesh.Pod) error {
	switch p.Component {
	case "ztunnel":
		return full(l.ztunnels.by, p.NodeName+"/"+p.Name, p.Component)
	case "istio-cni":
		return full(l.cnis.by, p.NodeName+"/"+p.Name, p.Component)
	case "istiod":
		return full(l.istiods.by, p.Name, p.Component)
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
		if err := l.fullFor(&mesh.Pod{Component: cmp.Or(kind, d.Kind), NodeName: d.Node, Name: d.Name}); err != nil {
			l.problem(layout.Manifest, fmt.Errorf("pod %s/%s %w", d.Namespace, d.Name, err))
			continue
		}
		switch d.Kind {
		case "ztunnel":
			if t := l.ztunnels.ztunnelOf(d.Node, d.Name); t.z.Namespace == "" {
				t.z.Namespace = d.Namespace
			}
		case "cni":
			if t := l.cnis.cniOf(d.Node, d.Name); t.c.Namespace == "" {
				t.c.Namespace = d.Namespace
			}
		case "istiod":
			if t := l.istiods.istiodOf(d.Name); t.i.Namespace == "" {
				t.i.Namespace, t.i.Revision = d.Namespace, d.Revision
			}
		}
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
