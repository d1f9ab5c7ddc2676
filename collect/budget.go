package collect

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"

	"github.com/zbundle/zbundle/internal/ui"
)

// budget is what answers weigh, by estimate, and which of them are too much.
type budget struct {
	opts     Options
	survey   *survey
	observed *observed

	mu       sync.Mutex
	rationed map[string]string // ztunnels whose dump is left out, and why, by "namespace/name"
}

// ration leaves out dumps until the others fit what is left of the budget:
// those of the sick are taken first, then an even sample over zones and node
// pools. One is always taken, since without any nothing can be compared.
func (b *budget) ration(spent int64, scope *scope) {
	if b.opts.Budget == 0 {
		return
	}
	room := max(int((b.opts.Budget-spent)/b.dumpBytes()), 1)
	var sick, well []target
	for _, t := range b.survey.shardTargets() {
		switch {
		case t.kind != kindZtunnel:
		case scope.outOfScope(t) != "":
		case b.sick(t):
			sick = append(sick, t)
		default:
			well = append(well, t)
		}
	}
	order := append(sick, b.sampled(well)...)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range order[min(room, len(order)):] {
		b.rationed[t.namespace+"/"+t.name] = fmt.Sprintf("budget: all dumps would move more than %s, and others were taken first (--budget 0 takes all)", ui.Size(b.opts.Budget))
	}
}

// sick is true of a ztunnel that is not ready, restarted, is connected to no
// istiod, or serves fewer pods than are enrolled on its node.
func (b *budget) sick(t target) bool {
	if !t.running || !t.ready || t.restarted || b.observed.unserved(t, b.survey.targets) {
		return true
	}
	active, known := b.observed.activeProxies(t)
	return known && active < b.survey.enrolled[t.node]
}

// rations says why a ztunnel's dump is left out, "" where it is not.
func (b *budget) rations(t target) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rationed[t.namespace+"/"+t.name]
}

// leftOut counts the dumps that are left out.
func (b *budget) leftOut() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.rationed)
}

// sampled orders ztunnels so that the first of them, however many, come
// evenly from all zones and node pools.
func (b *budget) sampled(ts []target) []target {
	type place struct{ zone, pool string }
	by := map[place][]target{}
	var places []place
	for _, t := range ts {
		n := b.survey.nodes[t.node]
		p := place{n.zone, n.pool}
		if by[p] == nil {
			places = append(places, p)
		}
		by[p] = append(by[p], t)
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.zone, b.zone), cmp.Compare(a.pool, b.pool)) })
	for _, group := range by {
		// Neither the oldest nor the newest nodes, which names often tell.
		slices.SortFunc(group, func(a, b target) int {
			return cmp.Or(cmp.Compare(hashed(a.node), hashed(b.node)), cmp.Compare(a.name, b.name))
		})
	}
	var out []target
	for round := 0; len(out) < len(ts); round++ {
		for _, p := range places {
			if round < len(by[p]) {
				out = append(out, by[p][round])
			}
		}
	}
	return out
}

func hashed(name string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return h.Sum32()
}
