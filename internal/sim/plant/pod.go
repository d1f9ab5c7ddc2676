package plant

import (
	"fmt"
	"strings"
	"time"

	"github.com/zbundle/zbundle/internal/sim/world"
)

// EachContainer changes the containers of all pods that run Istio's images.
func EachContainer(m *world.Mesh, change func(c *world.ContainerModel)) {
	for _, p := range m.Pods {
		if strings.HasPrefix(p.Container.Image, world.ImageHub) {
			change(&p.Container)
		}
	}
	for _, n := range m.Nodes {
		change(&n.CNI.Pod.Container)
	}
}

// AddBeside adds a pod of p's namespace that nobody has captured, with an application of its own.
func AddBeside(m *world.Mesh, p *world.Pod, n *world.Node, i int, created time.Time) *world.Pod {
	const hash = "6b9c8d5f7d"
	app := "batch"
	name := fmt.Sprintf("%s-%s-%s", app, hash, world.NameSuffix(p.Namespace+app, i+len(m.Pods)))
	created = created.Truncate(time.Second)
	other := &world.Pod{
		PodModel: world.PodModel{
			Namespace: p.Namespace, Name: name, UID: string(world.StableUID("pods", p.Namespace, name)), Node: n.Name, HostIP: n.IP,
			IPs: []string{fmt.Sprintf("10.125.0.%d", len(m.Pods)%200+10)}, ServiceAccount: app,
			Labels:    map[string]string{"app": app, "version": "v1", "pod-template-hash": hash},
			Owner:     world.OwnerReference("apps/v1", "ReplicaSet", "replicasets", p.Namespace, app+"-"+hash),
			Container: world.ContainerModel{Name: "app", Image: "registry.example/" + app + ":v1", Started: created},
			Ready:     true, Created: created,
		},
		App: app, Protocol: "TCP", Port: 8080, OnNode: n, InIstiod: true, Mute: true,
	}
	m.Pods = append(m.Pods, other)
	return other
}

// ToHostNetwork puts p on its node's network.
func ToHostNetwork(m *world.Mesh, p *world.Pod) {
	p.HostNet, p.PodModel.HostNetwork = true, true
	p.IPs = []string{p.OnNode.IP}
}
