package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
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
	mesh *mesh
	live *atomic.Pointer[world]

	every    int64
	requests atomic.Int64
	mu       sync.Mutex
	waiting  []*meshPod
	atIstiod []restart // known to Kubernetes, to be told to istiod next
	atNodes  []restart // known to istiod, to be told to the ztunnels next
	batch    int
	count    int
}

type restart struct{ old, young *meshPod }

// newChurn picks the share of the mesh's pods that restart.
func newChurn(m *mesh, share float64, seed uint64, live *atomic.Pointer[world]) *churn {
	c := &churn{mesh: m, live: live, every: churnEvery(len(m.nodes))}
	pods := m.members()
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
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range c.atNodes {
		for _, n := range m.nodes {
			if z := n.ztunnel; z != nil {
				delete(z.missing, r.young)
				z.stale = slices.DeleteFunc(z.stale, func(p *meshPod) bool { return p == r.old })
			}
		}
	}
	for _, r := range c.atIstiod {
		m.removePod(r.old)
		r.young.inIstiod = true
		for _, n := range m.nodes {
			if z := n.ztunnel; z != nil {
				z.missing[r.young], z.stale = true, append(z.stale, r.old)
			}
		}
	}
	c.atNodes, c.atIstiod = c.atIstiod, nil
	for range min(c.batch, len(c.waiting)) {
		c.atIstiod = append(c.atIstiod, restart{c.waiting[0], c.restart(c.waiting[0])})
		c.waiting = c.waiting[1:]
	}
	m.fragments.forgetServices()
	if len(c.atIstiod) == 0 {
		return nil
	}
	return c.publish()
}

// restart ends a pod and gives the one that takes its place.
func (c *churn) restart(old *meshPod) *meshPod {
	c.count++
	m, young := c.mesh, *old
	young.name = replicaSetName(old.name) + "-" + nameSuffix("churn", c.count)
	young.uid = string(stableUID("pods", young.namespace, young.name))
	young.ips = []string{fmt.Sprintf("10.255.%d.%d", c.count>>8, c.count&255)}
	young.created = c.live.Load().now()
	young.container.started = young.created
	young.services, young.inIstiod = nil, false
	old.leaving, old.proxy = true, proxyAbsent
	m.pods = append(m.pods, &young)
	for _, s := range old.services {
		m.join(s, &young)
	}
	return &young
}

// publish makes the API server answer what Kubernetes knows now.
func (c *churn) publish() error {
	now := *c.live.Load()
	now.objects, now.pods = newStore(), map[string]podBackend{}
	if err := c.mesh.addTo(&now); err != nil {
		return fmt.Errorf("restarting pods: %w", err)
	}
	if err := now.objects.Seal(); err != nil {
		return fmt.Errorf("restarting pods: %w", err)
	}
	c.live.Store(&now)
	return nil
}

// forgetServices makes the next dump print the services anew.
func (f *fragments) forgetServices() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.services = nil
}
