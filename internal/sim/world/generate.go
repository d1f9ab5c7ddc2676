package world

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/version"

	"github.com/zbundle/zbundle/internal/istio"
)

// Generate describes a world to invent. The same values give the same world.
type Generate struct {
	Nodes     int
	Workloads int // application pods
	Seed      uint64
	Version   string // of Istio: 1.28 or later
	// Faults are what to plant: NAME, or NAME=SUBJECT; see Faults.
	Faults []string
	// Mended are faults that were there before Now and are no more: NAME@MINUTES, or
	// NAME=SUBJECT@MINUTES.
	Mended []string
	// Traps are the look-alikes of faults to lay in the healthy mesh; see Traps.
	Traps []string
	// Drift is how many workloads each ztunnel lacks, chosen at random.
	Drift int
	// MemoryLimit is that of the mesh's own containers, in bytes; 0 for none.
	MemoryLimit int64
	// MemoryUsed is what the metrics API says that each container uses; 0 for a
	// cluster that does not serve it.
	MemoryUsed int64
	// ClusterID is istiod's id of the cluster, "Kubernetes" by default, Network the one that it is on.
	ClusterID, Network string
	// TrustDomain is the mesh's, "cluster.local" by default.
	TrustDomain string
	// Peers are the other clusters of the mesh, whose workloads it knows.
	Peers []Peer
	// Without leaves out "ambient", or "istio" as a whole.
	Without string
	// Churn is the share of pods that restart, under other names and addresses, while the cluster is
	// served.
	Churn float64
	// LogBytes is how much each ztunnel has logged at least, beside what it had to say.
	LogBytes int
	// Now is the moment that the world shows; the zero value means the machine's time at start.
	// The world's clock runs on from there.
	Now time.Time
}

// The bounds of what can be invented: addresses are drawn from 10.128.0.0/9 and 10.96.0.0/12.
const (
	maxNodes     = 5000
	maxWorkloads = 200000
	PodsPerApp   = 3
)

// Changes are what others make of an invented mesh before it has had any traffic: both are given
// what Generate asks for.
type Changes struct {
	Lay   func(m *Mesh, traps []string) error
	Plant func(m *Mesh, faults []string) ([]Planted, error)
}

// Build invents the world, with the changes that it asks for.
func (g *Generate) Build(c Changes) (*World, error) {
	if g.Churn < 0 || g.Churn > 1 {
		return nil, fmt.Errorf("a share of pods is from 0 to 1, not %g", g.Churn)
	}
	if g.Nodes < 1 || g.Nodes > maxNodes || g.Workloads < 1 || g.Workloads > maxWorkloads {
		return nil, fmt.Errorf("inventing a cluster: want 1 to %d nodes and 1 to %d workloads, not %d and %d",
			maxNodes, maxWorkloads, g.Nodes, g.Workloads)
	}
	base, begun := g.Now, time.Now()
	if base.IsZero() {
		base = begun
	}
	m, planted, err := g.meshAt(base.UTC().Truncate(time.Microsecond), c)
	if err != nil {
		return nil, err
	}
	if err := m.mended(g, c); err != nil {
		return nil, err
	}
	if len(g.Faults) > 0 {
		if m.healthy, err = g.withoutFaults(m.Now, c); err != nil {
			return nil, err
		}
	}
	w := &World{
		Now:     func() time.Time { return m.Now.Add(time.Since(begun)) },
		Version: version.Info{Major: "1", Minor: "36", GitVersion: KubernetesVersion, Platform: "linux/amd64"},
		Objects: NewStore(),
		Pods:    map[string]PodBackend{},
		Denied:  m.Denied,
		Dead:    map[string]bool{},
		Planted: planted,
		Mesh:    m,
	}
	for _, n := range m.Nodes {
		if n.Dead {
			w.Dead[n.Name] = true
		}
	}
	if err := m.AddTo(w); err != nil {
		return nil, fmt.Errorf("serving the invented cluster: %w", err)
	}
	if g.MemoryUsed > 0 {
		if err := m.serveMetrics(w.Objects, g.MemoryUsed); err != nil {
			return nil, err
		}
	}
	return w, w.Objects.Seal()
}

// meshAt invents the mesh as it is at a moment, with its faults, its traps and its traffic.
func (g *Generate) meshAt(now time.Time, c Changes) (*Mesh, []Planted, error) {
	m, err := NewMesh(g, now)
	if err != nil {
		return nil, nil, fmt.Errorf("inventing a cluster: %w", err)
	}
	if err := c.Lay(m, g.Traps); err != nil {
		return nil, nil, err
	}
	planted, err := c.Plant(m, g.Faults)
	if err != nil {
		return nil, nil, err
	}
	m.SettleCluster() // what was planted
	m.drift(g.Drift)
	if g.MemoryLimit > 0 {
		m.limitMemory(g.MemoryLimit)
	}
	m.MakeTraffic()
	m.chat(g.LogBytes)
	for _, change := range m.After {
		change()
	}
	return m, planted, nil
}

// meshAge is how long the mesh has run.
const meshAge = 30 * time.Hour

// NewMesh invents a healthy mesh as it is at now.
func NewMesh(g *Generate, now time.Time) (*Mesh, error) {
	f, err := FamilyOf(g.Version)
	if err != nil {
		return nil, err
	}
	m := &Mesh{
		Family: f, Version: g.Version, without: g.Without, Now: now, Started: now.Add(-meshAge),
		clusterID: cmp.Or(g.ClusterID, ClusterID), network: g.Network,
		TrustDomain: cmp.Or(g.TrustDomain, defaultTrustDomain),
		Random:      rand.New(rand.NewPCG(g.Seed, 0x7a62756e646c65)),
	}
	if m.CA, err = NewMeshCA("mesh", m.TrustDomain, m.Started); err != nil {
		return nil, err
	}
	if m.Stray, err = NewMeshCA("stray", m.TrustDomain, m.Started); err != nil {
		return nil, err
	}
	for i := range g.Nodes {
		m.AddNode(i)
	}
	m.addIstiods()
	m.addApps(g.Workloads)
	if len(m.Pods) == 0 {
		return nil, errors.New("no pods")
	}
	m.addWaypoint()
	m.addPolicies()
	m.SettleCluster()
	return m, m.addPeers(g)
}

// AddNode adds the node of number i with its agents.
func (m *Mesh) AddNode(i int) {
	n := &Node{NodeModel: NodeModel{
		Name: fmt.Sprintf("node-%04d", i), IP: fmt.Sprintf("172.18.%d.%d", i/250, i%250+2),
		Zone: NodeZone(i), Created: m.Started.Truncate(time.Second), Ready: true,
	}}
	m.Nodes = append(m.Nodes, n)
	suffix := NameSuffix("node", i)
	address := fmt.Sprintf("10.127.%d.%d", i/250, i%250+2)
	z := m.systemPod(n, "ztunnel-"+suffix, "ztunnel", address, ZtunnelContainer(m.Version), ZtunnelPodLabels(m.Version), "ztunnel")
	z.PodModel.Annotations = map[string]string{istio.InjectAnnotation: "false"}
	n.Ztunnel = newZtunnel(m, n, z)
	c := m.systemPod(n, "istio-cni-node-"+suffix, "istio-cni", n.IP, CNIContainer(m.Version), CNIPodLabels(m.Version), istio.CNINodeApp)
	c.HostNet, c.PodModel.HostNetwork = true, true
	n.CNI = &CNIAgent{Pod: c.PodModel}
}

// systemPod adds a pod of istio-system, which istiod sends to every ztunnel like any other.
func (m *Mesh) systemPod(n *Node, name, account, ip string, c ContainerModel, labels map[string]string, set string) *Pod {
	c.Started = n.Created
	p := &Pod{
		PodModel: PodModel{
			Namespace: SystemNamespace, Name: name, UID: string(StableUID("pods", SystemNamespace, name)),
			Node: n.Name, HostIP: n.IP, IPs: []string{ip}, ServiceAccount: account, Labels: labels,
			Annotations: map[string]string{istio.InjectAnnotation: "false"},
			Container:   c, Ready: true, Created: n.Created,
		},
		App: set, Protocol: "TCP", System: true, OnNode: n, InIstiod: true,
	}
	if set != "istiod" {
		p.Owner = OwnedByDaemonSet(set)
	}
	m.Pods = append(m.Pods, p)
	return p
}

// appKind is an application that the mesh runs several of.
type appKind struct {
	name string
	port int32
}

func (m *Mesh) addApps(workloads int) {
	kinds := []appKind{{"frontend", 8080}, {"catalog", 9080}, {"orders", 8080}, {"payments", 9090}, {"reviews", 9080}, {"search", 8000}, {"ledger", 7070}}
	namespaces := []string{"shop", "pay", "web", "bookinfo"}
	apps := (workloads + PodsPerApp - 1) / PodsPerApp
	for i := range apps {
		kind := kinds[i%len(kinds)]
		namespace := namespaces[i%len(namespaces)]
		name := kind.name
		if i >= len(kinds) {
			name = fmt.Sprintf("%s-%d", kind.name, i/len(kinds))
		}
		meshed := true
		if apps > 4 && i%10 == 9 {
			namespace, meshed = "legacy", false
		}
		replicas := min(PodsPerApp, workloads-i*PodsPerApp)
		m.addApp(namespace, name, kind.port, replicas, meshed)
		if i%3 == 0 {
			m.AddService(namespace, name+"-internal", name, 80, kind.port)
		}
	}
}

func (m *Mesh) addApp(namespace, app string, number int32, replicas int, meshed bool) {
	m.AddService(namespace, app, app, 80, number)
	hash := strings.ReplaceAll(string(StableUID(namespace, app)), "-", "")[:9]
	for i := range replicas {
		index := len(m.Pods)
		n := m.Nodes[index%len(m.Nodes)]
		name := fmt.Sprintf("%s-%s-%s", app, hash, NameSuffix(namespace+app, i))
		created := n.Created.Add(time.Duration(m.Random.IntN(300)) * time.Second)
		p := &Pod{
			PodModel: PodModel{
				Namespace: namespace, Name: name, UID: string(StableUID("pods", namespace, name)), Node: n.Name, HostIP: n.IP,
				IPs:            []string{fmt.Sprintf("10.%d.%d.%d", 128+index>>16, index>>8&255, index&255)},
				ServiceAccount: app,
				Labels:         map[string]string{"app": app, "version": "v1", "pod-template-hash": hash},
				Owner:          OwnerReference("apps/v1", "ReplicaSet", "replicasets", namespace, ReplicaSetName(name)),
				Container:      ContainerModel{Name: "app", Image: "registry.example/" + app + ":v1", Started: created},
				Ready:          true, Created: created,
			},
			App: app, Mesh: meshed, Protocol: "TCP", Port: number, OnNode: n, InIstiod: true,
		}
		if meshed {
			p.enrol()
		}
		m.Pods = append(m.Pods, p)
		for _, s := range m.Services {
			if s.Namespace == namespace && s.App == app {
				m.Join(s, p)
			}
		}
	}
}

// enrol makes the pod what it is once the CNI agent has captured it.
func (p *Pod) enrol() {
	p.Annotations = map[string]string{istio.RedirectionAnnotation: "enabled"}
	p.Protocol = "HBONE"
	p.Proxy = ProxyUp
}

// Join makes p an endpoint of s.
func (m *Mesh) Join(s *Service, p *Pod) {
	s.Pods = append(s.Pods, p)
	p.Services = append(p.Services, s)
}

// AddService adds a Service of the pods of app.
func (m *Mesh) AddService(namespace, name, app string, number, target int32) *Service {
	i := len(m.Services) + 1
	s := &Service{
		ServiceModel: ServiceModel{
			Namespace: namespace, Name: name, IPs: []string{fmt.Sprintf("10.%d.%d.%d", 96+i>>16, i>>8&255, i&255)},
			Ports: []corev1.ServicePort{{
				Name: "tcp", Port: number, TargetPort: intstr.FromInt32(target), Protocol: corev1.ProtocolTCP,
			}},
			Selector: map[string]string{"app": app}, Created: m.Started.Truncate(time.Second),
		},
		App: app, Port: number, Target: target,
	}
	m.Services = append(m.Services, s)
	for _, p := range m.Pods {
		if p.Namespace == namespace && p.App == app {
			m.Join(s, p)
		}
	}
	return s
}

// addWaypoint gives the first namespace a waypoint and lets one of its services use it.
func (m *Mesh) addWaypoint() {
	var user *Service
	for _, s := range m.Services {
		if strings.HasSuffix(s.Name, "-internal") && len(s.Pods) > 0 && s.Pods[0].Mesh {
			user = s
			break
		}
	}
	if user == nil {
		return
	}
	m.addApp(user.Namespace, "waypoint", istio.HBONEPort, 1, false)
	p := m.Pods[len(m.Pods)-1]
	s := p.Services[0]
	s.Port, s.Ports[0].Port = istio.HBONEPort, istio.HBONEPort
	p.Native, p.Mesh, p.Protocol = true, true, "HBONE"
	p.Container.Name, p.Container.Image = istio.ProxyContainer, ImageHub+"proxyv2:"+m.Version
	p.Labels[istio.GatewayNameLabel] = "waypoint"
	p.Labels[istio.ManagedGatewayLabel] = "istio.io-mesh-controller"
	p.Labels[istio.DataplaneModeLabel] = "none"
	s.Selector = map[string]string{"app": "waypoint"}
	m.Waypoint = &Waypoint{Namespace: user.Namespace, Name: "waypoint", Pod: p, Service: s}
	user.Through, user.Waypoint = m.Waypoint, "waypoint"
}

// addPolicies protects every fifth application: half of the applications may call it.
func (m *Mesh) addPolicies() {
	var apps []*Pod
	seen := map[string]bool{}
	for _, p := range m.Pods {
		if key := PodKey(p.Namespace, p.App); p.Mesh && !p.Native && !seen[key] {
			seen[key] = true
			apps = append(apps, p)
		}
	}
	for i := 2; i < len(apps); i += 5 {
		var callers []*Pod
		for j := i % 2; j < len(apps) && len(callers) < 6; j += 2 {
			callers = append(callers, apps[j])
		}
		m.Protect(apps[i], apps[i].App+"-viewer", callers)
	}
}

// Protect lets only callers call the application of p.
func (m *Mesh) Protect(p *Pod, name string, callers []*Pod) *Policy {
	policy := &Policy{Namespace: p.Namespace, Name: name, App: p.App}
	for _, c := range callers {
		policy.Principals = append(policy.Principals, strings.TrimPrefix(c.Identity(), "spiffe://"))
	}
	m.Policies = append(m.Policies, policy)
	for _, other := range m.Pods {
		if other.Namespace == p.Namespace && other.App == p.App {
			other.Bound = append(other.Bound, policy)
			other.Policies = append(other.Policies, policy.Key())
		}
	}
	return policy
}
