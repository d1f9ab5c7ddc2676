package load

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/istiod"
)

// platformOf tells the distributions whose CNI directories istio-cni must be
// told of (global.platform), by what they put on their nodes.
func platformOf(o *nodeObject) string {
	version, labels := o.Status.NodeInfo.KubeletVersion, o.Metadata.Labels
	has := func(label string) bool { _, ok := labels[label]; return ok }
	switch {
	case strings.Contains(version, "+k3s") && strings.HasPrefix(o.Metadata.Name, "k3d-"):
		return "k3d"
	case strings.Contains(version, "+k3s"):
		return "k3s"
	case strings.Contains(version, "-gke."):
		return "gke"
	case has("microk8s.io/cluster"):
		return "microk8s"
	case has("minikube.k8s.io/name"):
		return "minikube"
	case has("node.openshift.io/os_id"):
		return "openshift"
	}
	return ""
}

// platformPod learns from the pods of others what the mesh stands on.
func (l *objectReader) platformPod(p *mesh.Pod) {
	if p.Labels[istio.KubernetesAppLabel] == "calico-node" && len(p.Containers) > 0 {
		l.mesh.CalicoVersion = strings.TrimPrefix(imageTag(p.Containers[0].Image), "v")
	}
	if p.Component == "istio-cni" && len(l.mesh.ProbeSources) == 0 {
		for _, name := range []string{"HOST_PROBE_SNAT_IP", "HOST_PROBE_SNAT_IPV6"} {
			if v := p.Env[name]; v != "" {
				l.mesh.ProbeSources = append(l.mesh.ProbeSources, v)
			}
		}
	}
}

// felixObject is Calico's FelixConfiguration (projectcalico/api pkg/apis/projectcalico/v3).
type felixObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		BPFEnabled bool `json:"bpfEnabled"`
	} `json:"spec"`
}

func (l *objectReader) felix(o felixObject, _ mesh.Evidence) {
	l.mesh.CalicoEBPF = l.mesh.CalicoEBPF || o.Spec.BPFEnabled
}

// probePorts are the ports of a container's network probes, names resolved.
func probePorts(c *containerObject) []int {
	var out []int
	for _, probe := range []*probeObject{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if probe == nil {
			continue
		}
		for _, target := range []*probeTarget{probe.HTTPGet, probe.TCPSocket, probe.GRPC} {
			if target == nil {
				continue
			}
			if port := c.port(target.Port); port > 0 {
				out = append(out, port)
			}
		}
	}
	return out
}

// port is a number, or what the container calls by a name; 0 where neither is known.
func (c *containerObject) port(value jsontext.Value) int {
	text := strings.Trim(string(value), `"`)
	if number, err := strconv.Atoi(text); err == nil {
		return number
	}
	for _, p := range c.Ports {
		if p.Name == text {
			return p.ContainerPort
		}
	}
	return 0
}

// networkz keeps each gateway once: every replica lists all.
func (l *istiodReader) networkz(_ *istiodFiles, f bundle.File) error {
	list, err := istiod.ReadNetworkz(f.Reader)
	for i, g := range list {
		l.addGateway(&mesh.NetworkGateway{
			Network: g.Network, Cluster: g.Cluster, Address: g.Addr, Port: int(g.Port), HBONEPort: int(g.HBONEPort),
			Source: mesh.Evidence{File: f.Path, Pointer: "/" + strconv.Itoa(i)},
		})
	}
	return err
}

func (l *istiodReader) addGateway(g *mesh.NetworkGateway) {
	for _, other := range l.mesh.NetworkGateways {
		if other.Network == g.Network && other.Address == g.Address && other.Port == g.Port {
			return
		}
	}
	l.mesh.NetworkGateways = append(l.mesh.NetworkGateways, g)
}
