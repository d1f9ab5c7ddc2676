package sim

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
	podsPerApp   = 3
)

// Changes are what others make of an invented mesh before it has had any traffic: both are given
// what Generate asks for.
type Changes struct {
	Lay   func(m *mesh, traps []string) error
	Plant func(m *mesh, faults []string) ([]Planted, error)
}

// build invents the world, with the changes that it asks for.
func (g *Generate) build(c Changes) (*world, error) {
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
		if m.healthy, err = g.withoutFaults(m.now, c); err != nil {
			return nil, err
		}
	}
	w := &world{
		now:     func() time.Time { return m.now.Add(time.Since(begun)) },
		version: version.Info{Major: "1", Minor: "36", GitVersion: kubernetesVersion, Platform: "linux/amd64"},
		objects: newStore(),
		pods:    map[string]podBackend{},
		denied:  m.denied,
		dead:    map[string]bool{},
		planted: planted,
		mesh:    m,
	}
	for _, n := range m.nodes {
		if n.dead {
			w.dead[n.name] = true
		}
	}
	if err := m.addTo(w); err != nil {
		return nil, fmt.Errorf("serving the invented cluster: %w", err)
	}
	if g.MemoryUsed > 0 {
		if err := m.serveMetrics(w.objects, g.MemoryUsed); err != nil {
			return nil, err
		}
	}
	return w, w.objects.Seal()
}

// meshAt invents the mesh as it is at a moment, with its faults, its traps and its traffic.
func (g *Generate) meshAt(now time.Time, c Changes) (*mesh, []Planted, error) {
	m, err := newMesh(g, now)
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
	m.settleCluster() // what was planted
	m.drift(g.Drift)
	if g.MemoryLimit > 0 {
		m.limitMemory(g.MemoryLimit)
	}
	m.makeTraffic()
	m.chat(g.LogBytes)
	for _, change := range m.after {
		change()
	}
	return m, planted, nil
}

// meshAge is how long the mesh has run.
const meshAge = 30 * time.Hour

func newMesh(g *Generate, now time.Time) (*mesh, error) {
	f, err := familyOf(g.Version)
	if err != nil {
		return nil, err
	}
	m := &mesh{
		family: f, version: g.Version, without: g.Without, now: now, started: now.Add(-meshAge),
		clusterID: cmp.Or(g.ClusterID, clusterID), network: g.Network,
		trustDomain: cmp.Or(g.TrustDomain, defaultTrustDomain),
		random:      rand.New(rand.NewPCG(g.Seed, 0x7a62756e646c65)),
	}
	if m.ca, err = newMeshCA("mesh", m.trustDomain, m.started); err != nil {
		return nil, err
	}
	if m.stray, err = newMeshCA("stray", m.trustDomain, m.started); err != nil {
		return nil, err
	}
	for i := range g.Nodes {
		m.addNode(i)
	}
	m.addIstiods()
	m.addApps(g.Workloads)
	if len(m.pods) == 0 {
		return nil, errors.New("no pods")
	}
	m.addWaypoint()
	m.addPolicies()
	m.settleCluster()
	return m, m.addPeers(g)
}

func (m *mesh) addNode(i int) {
	n := &meshNode{nodeModel: nodeModel{
		name: fmt.Sprintf("node-%04d", i), ip: fmt.Sprintf("172.18.%d.%d", i/250, i%250+2),
		zone: nodeZone(i), created: m.started.Truncate(time.Second), ready: true,
	}}
	m.nodes = append(m.nodes, n)
	suffix := nameSuffix("node", i)
	address := fmt.Sprintf("10.127.%d.%d", i/250, i%250+2)
	z := m.systemPod(n, "ztunnel-"+suffix, "ztunnel", address, ztunnelContainer(m.version), ztunnelPodLabels(m.version), "ztunnel")
	z.podModel.annotations = map[string]string{istio.InjectAnnotation: "false"}
	n.ztunnel = newZtunnel(m, n, z)
	c := m.systemPod(n, "istio-cni-node-"+suffix, "istio-cni", n.ip, cniContainer(m.version), cniPodLabels(m.version), istio.CNINodeApp)
	c.hostNet, c.podModel.hostNetwork = true, true
	n.cni = &cniAgent{pod: c.podModel}
}

// systemPod adds a pod of istio-system, which istiod sends to every ztunnel like any other.
func (m *mesh) systemPod(n *meshNode, name, account, ip string, c containerModel, labels map[string]string, set string) *meshPod {
	c.started = n.created
	p := &meshPod{
		podModel: podModel{
			namespace: systemNamespace, name: name, uid: string(stableUID("pods", systemNamespace, name)),
			node: n.name, hostIP: n.ip, ips: []string{ip}, serviceAccount: account, labels: labels,
			annotations: map[string]string{istio.InjectAnnotation: "false"},
			container:   c, ready: true, created: n.created,
		},
		app: set, protocol: "TCP", system: true, onNode: n, inIstiod: true,
	}
	if set != "istiod" {
		p.owner = ownedByDaemonSet(set)
	}
	m.pods = append(m.pods, p)
	return p
}

// appKind is an application that the mesh runs several of.
type appKind struct {
	name string
	port int32
}

func (m *mesh) addApps(workloads int) {
	kinds := []appKind{{"frontend", 8080}, {"catalog", 9080}, {"orders", 8080}, {"payments", 9090}, {"reviews", 9080}, {"search", 8000}, {"ledger", 7070}}
	namespaces := []string{"shop", "pay", "web", "bookinfo"}
	apps := (workloads + podsPerApp - 1) / podsPerApp
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
		replicas := min(podsPerApp, workloads-i*podsPerApp)
		m.addApp(namespace, name, kind.port, replicas, meshed)
		if i%3 == 0 {
			m.addService(namespace, name+"-internal", name, 80, kind.port)
		}
	}
}

func (m *mesh) addApp(namespace, app string, number int32, replicas int, meshed bool) {
	m.addService(namespace, app, app, 80, number)
	hash := strings.ReplaceAll(string(stableUID(namespace, app)), "-", "")[:9]
	for i := range replicas {
		index := len(m.pods)
		n := m.nodes[index%len(m.nodes)]
		name := fmt.Sprintf("%s-%s-%s", app, hash, nameSuffix(namespace+app, i))
		created := n.created.Add(time.Duration(m.random.IntN(300)) * time.Second)
		p := &meshPod{
			podModel: podModel{
				namespace: namespace, name: name, uid: string(stableUID("pods", namespace, name)), node: n.name, hostIP: n.ip,
				ips:            []string{fmt.Sprintf("10.%d.%d.%d", 128+index>>16, index>>8&255, index&255)},
				serviceAccount: app,
				labels:         map[string]string{"app": app, "version": "v1", "pod-template-hash": hash},
				owner:          ownerReference("apps/v1", "ReplicaSet", "replicasets", namespace, replicaSetName(name)),
				container:      containerModel{name: "app", image: "registry.example/" + app + ":v1", started: created},
				ready:          true, created: created,
			},
			app: app, mesh: meshed, protocol: "TCP", port: number, onNode: n, inIstiod: true,
		}
		if meshed {
			p.enrol()
		}
		m.pods = append(m.pods, p)
		for _, s := range m.services {
			if s.namespace == namespace && s.app == app {
				m.join(s, p)
			}
		}
	}
}

// enrol makes the pod what it is once the CNI agent has captured it.
func (p *meshPod) enrol() {
	p.annotations = map[string]string{istio.RedirectionAnnotation: "enabled"}
	p.protocol = "HBONE"
	p.proxy = proxyUp
}

func (m *mesh) join(s *meshService, p *meshPod) {
	s.pods = append(s.pods, p)
	p.services = append(p.services, s)
}

func (m *mesh) addService(namespace, name, app string, number, target int32) *meshService {
	i := len(m.services) + 1
	s := &meshService{
		serviceModel: serviceModel{
			namespace: namespace, name: name, ips: []string{fmt.Sprintf("10.%d.%d.%d", 96+i>>16, i>>8&255, i&255)},
			ports: []corev1.ServicePort{{
				Name: "tcp", Port: number, TargetPort: intstr.FromInt32(target), Protocol: corev1.ProtocolTCP,
			}},
			selector: map[string]string{"app": app}, created: m.started.Truncate(time.Second),
		},
		app: app, port: number, target: target,
	}
	m.services = append(m.services, s)
	for _, p := range m.pods {
		if p.namespace == namespace && p.app == app {
			m.join(s, p)
		}
	}
	return s
}

// addWaypoint gives the first namespace a waypoint and lets one of its services use it.
func (m *mesh) addWaypoint() {
	var user *meshService
	for _, s := range m.services {
		if strings.HasSuffix(s.name, "-internal") && len(s.pods) > 0 && s.pods[0].mesh {
			user = s
			break
		}
	}
	if user == nil {
		return
	}
	m.addApp(user.namespace, "waypoint", istio.HBONEPort, 1, false)
	p := m.pods[len(m.pods)-1]
	s := p.services[0]
	s.port, s.ports[0].Port = istio.HBONEPort, istio.HBONEPort
	p.native, p.mesh, p.protocol = true, true, "HBONE"
	p.container.name, p.container.image = istio.ProxyContainer, imageHub+"proxyv2:"+m.version
	p.labels[istio.GatewayNameLabel] = "waypoint"
	p.labels[istio.ManagedGatewayLabel] = "istio.io-mesh-controller"
	p.labels[istio.DataplaneModeLabel] = "none"
	s.selector = map[string]string{"app": "waypoint"}
	m.waypoint = &meshWaypoint{namespace: user.namespace, name: "waypoint", pod: p, service: s}
	user.through, user.waypoint = m.waypoint, "waypoint"
}

// addPolicies protects every fifth application: half of the applications may call it.
func (m *mesh) addPolicies() {
	var apps []*meshPod
	seen := map[string]bool{}
	for _, p := range m.pods {
		if key := podKey(p.namespace, p.app); p.mesh && !p.native && !seen[key] {
			seen[key] = true
			apps = append(apps, p)
		}
	}
	for i := 2; i < len(apps); i += 5 {
		var callers []*meshPod
		for j := i % 2; j < len(apps) && len(callers) < 6; j += 2 {
			callers = append(callers, apps[j])
		}
		m.protect(apps[i], apps[i].app+"-viewer", callers)
	}
}

// protect lets only callers call the application of p.
func (m *mesh) protect(p *meshPod, name string, callers []*meshPod) *meshPolicy {
	policy := &meshPolicy{namespace: p.namespace, name: name, app: p.app}
	for _, c := range callers {
		policy.principals = append(policy.principals, strings.TrimPrefix(c.identity(), "spiffe://"))
	}
	m.policies = append(m.policies, policy)
	for _, other := range m.pods {
		if other.namespace == p.namespace && other.app == p.app {
			other.bound = append(other.bound, policy)
			other.policies = append(other.policies, policy.key())
		}
	}
	return policy
}
