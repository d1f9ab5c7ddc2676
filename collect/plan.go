package collect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/rest"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/ui"
)

// selection is what of all tasks is worth asking: within the scope, the rights,
// the budget and the memory of who would answer.
type selection struct {
	opts   Options
	survey *survey
	rights *rights
	scope  *scope
	budget *budget
	guard  *guard
	cost   *cost // what was spent already
}

// leftOut says of a task that is not to be asked of a target how it ends, and why.
func (s *selection) leftOut(task task, t target) (bundle.Status, string) {
	if why := s.scope.unasked(task, t); why != "" {
		return bundle.StatusSkipped, why
	}
	if why := s.scope.forbidden(task, t); why != "" {
		return bundle.StatusForbidden, why
	}
	if task.form != asDump || !t.running {
		return "", ""
	}
	if why := s.budget.rations(t); why != "" {
		return bundle.StatusSkipped, why
	}
	if ok, why := s.guard.mayDump(t); !ok {
		return bundle.StatusSkipped, why
	}
	return "", ""
}

// unasked says why nobody wants the answer, "" where somebody does.
func (s *scope) unasked(task task, t target) string {
	if why := s.outOfScope(t); why != "" {
		return why
	}
	if s.opts.NoLogs && (task.form == podLog || task.form == podLogOld) {
		return "no logs were asked for (--no-logs)"
	}
	return ""
}

// overBudget tells whether all that the plan asks for is more than may move.
func (s *selection) overBudget() bool {
	rest, dumps := s.planned()
	return s.opts.Budget > 0 && rest+dumps > s.opts.Budget
}

// planned is how many bytes the plan moves: its dumps, and all the rest.
func (s *selection) planned() (rest, dumps int64) {
	add := func(task task, t target) {
		if status, _ := s.leftOut(task, t); status != "" {
			return
		}
		if n := s.budget.estimate(task, t); task.form == asDump {
			dumps += n
		} else {
			rest += n
		}
	}
	for _, task := range s.scope.objectsAsked() {
		add(task, target{kind: kindCluster})
	}
	for _, t := range s.survey.shardTargets() {
		for _, task := range tasksOf(t) {
			add(task, t)
		}
	}
	return rest, dumps
}

// spent is how many bytes moved already, and will beside the dumps.
func (s *selection) spent() int64 {
	n := s.cost.bytes.Load()
	for _, t := range s.survey.shardTargets() {
		for _, task := range tasksOf(t) {
			if status, _ := s.leftOut(task, t); status == "" && task.again {
				n += s.budget.estimate(task, t)
			}
		}
	}
	return n
}

// Plan is what a run would ask, with what it would come to.
type Plan struct {
	Targets []PlannedTarget
	// Rights are what it needs; Denied is set where one is not there.
	Rights   []bundle.Right
	Requests int
	Bytes    int64
	Takes    time.Duration
	// Notes say what the options leave out.
	Notes []string
}

// PlannedTarget is the API server, or one pod of the mesh.
type PlannedTarget struct {
	Name     string
	Requests []PlannedRequest
	Asked    int // of them
	Bytes    int64
	Takes    time.Duration
	// Note says what keeps the target from being asked, or what its dump takes of it.
	Note string
}

// PlannedRequest is one request, or one that is left out for a reason.
type PlannedRequest struct {
	Request string
	Bytes   int64
	LeftOut string
}

// PlanOf tells every request that a run with these options would make. To
// know them it asks for the API server's version and groups, lists pods and
// nodes, asks for the memory in use, and reviews the caller's rights.
func PlanOf(ctx context.Context, config *rest.Config, opts Options) (*Plan, error) {
	r, err := scout(ctx, config, opts)
	if err != nil {
		return nil, err
	}
	r.review(ctx)
	for _, task := range r.scope.objectsAsked() {
		if base := r.survey.served.path(task.resource); task.form == asUse && base != "" {
			// Without an answer limits alone are judged by.
			_, _ = r.objects.usage(ctx, base, task)
		}
	}
	rest, _ := r.selection.planned()
	r.budget.ration(rest, r.scope)
	return r.selection.plan(r.reviewed), nil
}

// scout finds out what there is to ask.
func scout(ctx context.Context, config *rest.Config, opts Options) (*run, error) {
	r, err := newRun(config, "", opts, Quiet{})
	if err != nil {
		return nil, err
	}
	if _, err := r.probeServer(ctx); err != nil {
		return nil, err
	}
	if r.survey.served, err = r.api.groupVersions(ctx); err != nil {
		return nil, fmt.Errorf("list the API groups: %w", err)
	}
	r.reviewFirst(ctx)
	if err := r.objects.scoutLists(ctx); err != nil {
		return nil, fmt.Errorf("list the pods: %w", err)
	}
	return r, r.scope.resolve()
}

func (s *selection) plan(reviewed []bundle.Right) *Plan {
	p := &Plan{Rights: reviewed, Notes: s.notes()}
	server := PlannedTarget{Name: "the API server", Requests: []PlannedRequest{{Request: "GET /version"}, {Request: "GET /apis"}}}
	for range s.rights.reviews() {
		server.Requests = append(server.Requests, PlannedRequest{Request: "POST " + reviewPath, Bytes: kb})
	}
	for _, task := range s.scope.objectsAsked() {
		server.Requests = append(server.Requests, s.plannedObjects(task)...)
	}
	p.add(server)
	for _, t := range s.survey.shardTargets() {
		planned := PlannedTarget{Name: t.String()}
		if t.node != "" {
			planned.Name += " on node " + t.node
		}
		if !t.running {
			planned.Note = "it is not running: " + t.why
		}
		for _, task := range tasksOf(t) {
			request := PlannedRequest{Request: request(task, t), Bytes: s.budget.estimate(task, t)}
			switch {
			case task.form == perProxy:
				request.Request += ", for each ztunnel that it serves"
			case task.id == layout.AfterTask(ambientTask):
				request.Request += ", after all else, of one replica of each revision"
			case task.again:
				request.Request += ", after all else"
			}
			if status, why := s.leftOut(task, t); status != "" {
				request.Bytes, request.LeftOut = 0, string(status)+": "+why
			}
			if task.form == asDump && t.running {
				planned.Note = s.dumpNote(t)
			}
			planned.Requests = append(planned.Requests, request)
		}
		p.add(planned)
	}
	p.Takes = max(duration(p.Requests, p.Bytes), s.opts.MetricsInterval)
	return p
}

func (p *Plan) add(t PlannedTarget) {
	for _, request := range t.Requests {
		if request.LeftOut == "" {
			t.Asked++
			t.Bytes += request.Bytes
		}
	}
	t.Takes = duration(t.Asked, t.Bytes)
	p.Targets = append(p.Targets, t)
	p.Requests += t.Asked
	p.Bytes += t.Bytes
}

// plannedObjects are the requests for one kind of object.
func (s *selection) plannedObjects(task task) []PlannedRequest {
	base := s.survey.served.path(task.resource)
	if base == "" {
		return []PlannedRequest{{Request: "GET " + task.id, LeftOut: "absent: this cluster does not serve it"}}
	}
	left := ""
	if status, why := s.leftOut(task, target{kind: kindCluster}); status != "" {
		left = string(status) + ": " + why
	}
	var out []PlannedRequest
	if task.form == asNamed {
		for _, o := range s.scope.named(task) {
			out = append(out, PlannedRequest{Request: "GET " + base + o.path(task), Bytes: smallBytes, LeftOut: left})
		}
		return out
	}
	namespaces, lacking := s.scope.listable(task), s.scope.lacking(task)
	if left != "" {
		namespaces = s.scope.listedIn(task)
	} else if lacking != "" {
		out = append(out, PlannedRequest{Request: "GET " + base + "/" + task.name + " whole", LeftOut: lacking})
	}
	for _, ns := range namespaces {
		out = append(out, PlannedRequest{
			Request: fmt.Sprintf("GET %s?limit=%d", listPath(base, ns, task), pageSize),
			Bytes:   s.budget.estimate(task, target{kind: kindCluster}) / int64(len(namespaces)), LeftOut: left,
		})
	}
	return out
}

// dumpNote says what a dump is expected to weigh, and what serving it takes.
func (s *selection) dumpNote(t target) string {
	room := "no memory limit"
	if t.memory > 0 {
		room = "a limit of " + ui.Size(t.memory)
	} else if n := s.survey.nodes[t.node]; n.allocatable > 0 {
		room += fmt.Sprintf(", %s for pods on the node, %s known to be in use", ui.Size(n.allocatable), ui.Size(s.guard.nodeUse(t.node)))
	}
	if used, ok := s.guard.containerUse(t); ok {
		room += ", " + ui.Size(used) + " in use"
	}
	return fmt.Sprintf("a dump of about %s takes up to %s of memory for a moment; %s", ui.Size(s.budget.dumpBytes()), ui.Size(servingFactor*s.budget.dumpBytes()), room)
}

// notes say what the scope and the budget leave out.
func (s *selection) notes() []string {
	var out []string
	if in, all := s.scope.podsListed(); !all {
		out = append(out, "pods can't be listed in all namespaces, but only in: "+cmp.Or(strings.Join(in, ", "), "none")+"; name others where they can with --namespace")
	}
	if n, bounded := s.scope.nodesInScope(); bounded {
		out = append(out, fmt.Sprintf("%d of %d nodes are in scope", n, max(len(s.survey.nodes), n)))
	}
	if s.opts.For != "" {
		out = append(out, "the nodes of its peers are added once the metrics of its own nodes' ztunnels name them")
	}
	if n := s.budget.leftOut(); n > 0 {
		out = append(out, fmt.Sprintf("%d config dumps are left out to keep to the budget of %s (--budget 0 takes all)", n, ui.Size(s.opts.Budget)))
	} else if s.overBudget() {
		out = append(out, fmt.Sprintf("that is more than the budget of %s: config dumps are taken of sick ztunnels first, then of an even sample over zones and node pools (--budget 0 takes all)", ui.Size(s.opts.Budget)))
	}
	return out
}

// Lines sum the plan up.
func (p *Plan) Lines() []string {
	lines := []string{fmt.Sprintf("in all: %s, about %s in %s", ui.Count(p.Requests, "request"), ui.Size(p.Bytes), Seconds(p.Takes))}
	lines = append(lines, p.Notes...)
	var denied []string
	for _, x := range p.Rights {
		if x.Denied {
			denied = append(denied, "  "+rightOf(x).String())
		}
	}
	if len(denied) == 0 {
		return append(lines, fmt.Sprintf("rights: all %d that it needs are there", len(p.Rights)))
	}
	lines = append(lines, fmt.Sprintf("rights: %d of the %d that it needs are denied, and what they cover is left out:", len(denied), len(p.Rights)))
	return append(lines, denied...)
}

// Seconds is a time that is only estimated.
func Seconds(d time.Duration) string {
	if d < time.Second {
		return "less than a second"
	}
	return "about " + d.Round(time.Second).String()
}

func rightOf(x bundle.Right) right {
	return right{namespace: x.Namespace, group: x.Group, resource: x.Resource, verb: x.Verb, name: x.Name}
}

// RightsFor gives subject what a run with these options needs in this cluster.
// Waypoints count only where they were asked for.
func RightsFor(ctx context.Context, config *rest.Config, opts Options, name string, subject rbacv1.Subject) (Rights, error) {
	r, err := scout(ctx, config, opts.withoutAuto())
	if err != nil {
		return Rights{}, err
	}
	return rolesOf(r.scope.wanted(), name, subject), nil
}

// RightsIn is RightsFor a cluster that is not asked: one that serves
// everything, with istiod, ztunnel, istio-cni and gateways in these namespaces.
func RightsIn(namespaces []string, opts Options, name string, subject rbacv1.Subject) Rights {
	opts = opts.withoutAuto().withDefaults()
	found := newSurvey("", opts)
	for _, ns := range namespaces {
		for _, kind := range []string{kindIstiod, kindZtunnel, kindCNI, kindGateway, kindWaypoint} {
			found.targets = append(found.targets, target{kind: kind, namespace: ns})
		}
	}
	return rolesOf((&scope{opts: opts, survey: found, rights: newRights(nil, 0)}).wanted(), name, subject)
}

func (o Options) withoutAuto() Options {
	if o.Waypoints == WaypointsAuto || o.Waypoints == "" {
		o.Waypoints = WaypointsLeave
	}
	return o
}

// announce tells the plan before the work.
func (r *run) announce() {
	p := r.selection.plan(r.reviewed)
	if slices.ContainsFunc(r.survey.targets, func(t target) bool { return t.kind == kindZtunnel }) || len(p.Rights) > 0 {
		r.progress.Note("plan: " + strings.TrimPrefix(strings.Join(p.Lines(), "\n"), "in all: "))
	}
}

// expected counts the requests to pods that are known beforehand.
func (s *selection) expected() int {
	n := 0
	for _, t := range s.survey.shardTargets() {
		for _, task := range tasksOf(t) {
			if task.form != perProxy {
				n++
			}
		}
	}
	return n
}
