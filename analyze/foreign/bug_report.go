package foreign

import (
	"path"
	"regexp"
	"strings"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/istio"
)

// bugReport is the layout of istioctl bug-report (istio/istio
// tools/bug-report/pkg/{archive,content}), from 1.22 on.
type bugReport struct{}

// bugReportFile is a file that only it has.
var bugReportFile = regexp.MustCompile(`^(bug-report/)?(proxies/[^/]+/[^/]+/|cni/[^/]+/cni\.log$|cluster/k8s-resources$|bug-report\.log$)`)

func (bugReport) tool() string { return "istioctl bug-report" }

func (bugReport) objects(p string) ([]string, bool) {
	switch strings.TrimPrefix(p, "bug-report/") {
	case "cluster/k8s-resources":
		return []string{
			"core/pods", "core/services", "core/configmaps", "apps/daemonsets", "apps/deployments",
			"discovery.k8s.io/endpointslices", "networking.k8s.io/networkpolicies",
		}, true
	case "cluster/crs":
		return []string{
			"cilium.io/ciliumnetworkpolicies", "cilium.io/ciliumclusterwidenetworkpolicies",
			"crd.projectcalico.org/networkpolicies", "crd.projectcalico.org/globalnetworkpolicies", "crd.projectcalico.org/felixconfigurations",
			"gateway.networking.k8s.io/gateways", "gateway.networking.k8s.io/gatewayclasses",
			"networking.istio.io/serviceentries", "security.istio.io/authorizationpolicies", "security.istio.io/peerauthentications",
		}, true
	case "cluster/k8s-cluster-resources", "cluster/nodes", "cluster/pods", "cluster/events":
		return nil, true
	}
	return nil, false
}

func (bugReport) place(p string, pods podIndex) (to string, log bool) {
	parts := strings.Split(strings.TrimPrefix(p, "bug-report/"), "/")
	switch {
	case len(parts) == 4 && parts[0] == "proxies":
		of := pods.of(parts[1], parts[2])
		switch {
		case dirOf(of) == "":
			return "", false
		case parts[3] == "istio-proxy.log":
			return path.Join(dirOf(of), layout.Log), true
		case parts[3] == "config_dump" && of.kind == layout.Ztunnel:
			return layout.ConfigDump(dirOf(of)), false
		}
	case len(parts) == 3 && parts[0] == "cni" && parts[2] == "cni.log":
		of, ok := pods.named(parts[1])
		if !ok {
			of = pod{name: parts[1], kind: layout.CNI}
		}
		of.kind = layout.CNI
		return path.Join(dirOf(of), layout.Log), true
	case len(parts) >= 4 && parts[0] == "istio":
		dir := dirOf(pod{name: parts[2], kind: layout.Istiod})
		switch strings.Join(parts[3:], "/") {
		case "discovery.log":
			return path.Join(dir, layout.Log), true
		case "debug/syncz":
			return path.Join(dir, layout.Syncz), false
		case "debug/mesh":
			return path.Join(dir, layout.Mesh), false
		case "debug/ambientz":
			return path.Join(dir, layout.Ambientz), false
		case "debug/clusterz":
			return path.Join(dir, layout.Clusterz), false
		case "debug/networkz":
			return path.Join(dir, layout.Networkz), false
		case "metrics":
			return path.Join(dir, layout.Metrics), false
		}
	}
	return "", false
}

func (bugReport) lacks(a layout.Artifact) bool {
	return a == layout.ZtunnelMetrics || a == layout.ZtunnelReady || a == layout.CNIMetrics
}

// of is a pod, known by its name alone where the archive has no list of pods.
func (p podIndex) of(namespace, name string) pod {
	if found, ok := p[namespace+"/"+name]; ok {
		return found
	}
	kind, container := kindOf(istio.Pod{Name: name})
	return pod{namespace: namespace, name: name, kind: kind, container: container}
}
