package collect

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/zbundle/zbundle/internal/openmetrics"
)

// overBudget tells whether all that the plan asks for is more than may move.
func (r *run) overBudget() bool {
	rest, dumps := r.planned()
	return r.opts.Budget > 0 && rest+dumps > r.opts.Budget
}

// planned is how many bytes the plan moves: its dumps, and all the rest.
func (r *run) planned() (rest, dumps int64) {
	add := func(task task, t target) {
		if status, _ := r.leftOut(task, t); status != "" {
			return
		}
		if n := r.estimate(task, t); task.form == asDump {
			dumps += n
		} else {
			rest += n
		}
	}
	for _, task := range r.objectsAsked() {
		add(task, target{kind: kindCluster})
	}
	for _, t := range r.mine() {
		for _, task := range tasksOf(t) {
			add(task, t)
		}
	}
	return rest, dumps
}

// spent is how many bytes moved already, and will beside the dumps.
func (r *run) spent() int64 {
	n := r.api.cost.bytes.Load()
	for _, t := range r.mine() {
		for _, task := range tasksOf(t) {
			if status, _ := r.leftOut(task, t); status == "" && task.again {
				n += r.estimate(task, t)
			}
		}
	}
	return n
}

// ration leaves out dumps until the others fit what is left of the budget:
// those of the sick are taken first, then an even sample over zones and node
// pools. One is always taken, since without any nothing can be compared.
func (r *run) ration(spent int64) {
	if r.opts.Budget == 0 {
		return
	}
	room := max(int((r.opts.Budget-spent)/r.dumpBytes()), 1)
	var sick, well []target
	for _, t := range r.mine() {
		switch {
		case t.kind != kindZtunnel:
		case r.outOfScope(t) != "":
		case r.sick(t):
			sick = append(sick, t)
		default:
			well = append(well, t)
		}
	}
	order := append(sick, r.sampled(well)...)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range order[min(room, len(order)):] {
		r.rationed[t.namespace+"/"+t.name] = fmt.Sprintf("budget: all dumps would move more than %s, and others were taken first (--budget 0 takes all)", Size(r.opts.Budget))
	}
}

// sick is true of a ztunnel that is not ready, restarted, is connected to no
// istiod, or serves fewer pods than are enrolled on its node.
func (r *run) sick(t target) bool {
	if !t.running || !t.ready || t.restarted || r.unserved(t) {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	active, known := r.active[t.namespace+"/"+t.name]
	return known && active < r.survey.enrolled[t.node]
}

// sampled orders ztunnels so that the first of them, however many, come
// evenly from all zones and node pools.
func (r *run) sampled(ts []target) []target {
	type place struct{ zone, pool string }
	by := map[place][]target{}
	var places []place
	for _, t := range ts {
		n := r.survey.nodes[t.node]
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

// activeProxies is the gauge of the pods that a ztunnel serves.
var activeProxies = []byte("workload_manager_active_proxy_count")

// proxiesServed notes what a line of a ztunnel's metrics says of it.
func (r *run) proxiesServed(t target, line []byte) {
	if !bytes.HasPrefix(line, activeProxies) {
		return
	}
	sample, err := openmetrics.ParseSample(string(line))
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active[t.namespace+"/"+t.name] = int(sample.Value)
}
