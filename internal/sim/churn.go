package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/zbundle/zbundle/internal/sim/world"
)

// Churn goes by the requests that are served, so that it is under way in whatever time a client
// takes, from the first list to the last look at istiod.
const churnSteps = 15

// churnEvery is how many requests there are between two steps, of those that a client makes of a
// mesh of so many nodes: some for the cluster, and some for each node's agents.
func churnEvery(nodes int) int64 { return int64(70+7*nodes) / churnSteps }

// churn restarts pods while the cluster is served: each comes back under another name and address.
// Kubernetes knows it first, istiod a step later, the ztunnels after one more.
type churn struct {
	mesh *world.Mesh
	live *atomic.Pointer[world.World]

	every    int64
	requests atomic.Int64
	mu       sync.Mutex
	waiting  []*world.Pod
	atIstiod []restart // known to Kubernetes, to be told to istiod next
	atNodes  []restart // known to istiod, to be told to the ztunnels next
	batch    int
	count    int
}

type restart struct{ old, young *world.Pod }

// newChurn picks the share of the mesh's pods that restart.
func newChurn(m *world.Mesh, share float64, seed uint64, live *atomic.Pointer[world.World]) *churn {
	c := &churn{mesh: m, live: live, every: churnEvery(len(m.Nodes))}
	pods := m.Members()
	rand.New(rand.NewPCG(seed, 0x636875726e)).Shuffle(len(pods), func(i, j int) { pods[i], pods[j] = pods[j], pods[i] })
	c.waiting = pods[:int(share*float64(len(pods)))]
	c.batch = (len(c.waiting) + churnSteps - 1) / churnSteps
	return c
}

// served counts a request, and makes a step at every so many.
func (c *churn) served() error {
	if c == nil || c.requests.Add(1)%c.every != 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.mesh
	m.Mu.Lock()
	defer m.Mu.Unlock()
	for _, r := range c.atNodes {
		for _, n := range m.Nodes {
			if z := n.Ztunnel; z != nil {
				delete(z.Missing, r.young)
				z.Stale = slices.DeleteFunc(z.Stale, func(p *world.Pod) bool { return p == r.old })
			}
		}
	}
	for _, r := range c.atIstiod {
		m.RemovePod(r.old)
		r.young.InIstiod = true
		for _, n := range m.Nodes {
			if z := n.Ztunnel; z != nil {
				z.Missing[r.young], z.Stale = true, append(z.Stale, r.old)
			}
		}
	}
	c.atNodes, c.atIstiod = c.atIstiod, nil
	for range min(c.batch, len(c.waiting)) {
		c.atIstiod = append(c.atIstiod, restart{c.waiting[0], c.restart(c.waiting[0])})
		c.waiting = c.waiting[1:]
	}
	forgetServices(&m.Fragments)
	if len(c.atIstiod) == 0 {
		return nil
	}
	return c.publish()
}

// restart ends a pod and gives the one that takes its place.
func (c *churn) restart(old *world.Pod) *world.Pod {
	c.count++
	m, young := c.mesh, *old
	young.Name = world.ReplicaSetName(old.Name) + "-" + world.NameSuffix("churn", c.count)
	young.UID = string(world.StableUID("pods", young.Namespace, young.Name))
	young.IPs = []string{fmt.Sprintf("10.255.%d.%d", c.count>>8, c.count&255)}
	young.Created = c.live.Load().Now()
	young.Container.Started = young.Created
	young.Services, young.InIstiod = nil, false
	old.Leaving, old.Proxy = true, world.ProxyAbsent
	m.Pods = append(m.Pods, &young)
	for _, s := range old.Services {
		m.Join(s, &young)
	}
	return &young
}

// publish makes the API server answer what Kubernetes knows now.
func (c *churn) publish() error {
	now := *c.live.Load()
	now.Objects, now.Pods = world.NewStore(), map[string]world.PodBackend{}
	if err := c.mesh.AddTo(&now); err != nil {
		return fmt.Errorf("restarting pods: %w", err)
	}
	if err := now.Objects.Seal(); err != nil {
		return fmt.Errorf("restarting pods: %w", err)
	}
	c.live.Store(&now)
	return nil
}

// forgetServices makes the next dump print the services anew.
func forgetServices(f *world.Fragments) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	f.Services = nil
}
