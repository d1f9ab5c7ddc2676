package load

import (
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// byKey goes through a map in an order that is the same every time.
func byKey[T any](m map[string]T) iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

// gapFinder compares what was read with what there was to be.
type gapFinder struct {
	*loader
	why reasons
}

// gaps tells for every input what of it is not in the bundle, and why: the
// manifest's word where there is one.
func (l *gapFinder) gaps() {
	l.clusterGaps()
	l.ztunnelGaps()
	l.istiodGaps()
	l.cniGaps()
	l.gatewayGaps()
	if l.mesh.CapturedKnown {
		l.mesh.SetGaps(mesh.InputCaptureTime)
	} else {
		l.mesh.SetGaps(mesh.InputCaptureTime, mesh.Gap{Subject: "a bare config dump", Reason: "does not say when it was taken; it is judged as of " + l.mesh.Captured.Format("2006-01-02T15:04:05Z") + ", when its newest certificate was issued"})
	}
}

// reasons are the manifest's tasks that brought nothing, by the entry that
// each was to write.
type reasons struct {
	byTask   map[string]bundle.Task // "<task id> <pod>" or "<task id>"
	manifest bool
	shards   string // which shards it may be in
	cluster  string // why the cluster, of several, is incomplete
}

func (l *loader) reasons() reasons {
	r := reasons{byTask: map[string]bundle.Task{}}
	if h := l.summary.Header; h != nil && h.Shard != nil {
		r.shards = fmt.Sprintf("it is in another shard than this, %s: put all %d together with zbundle merge", h.Shard, h.Shard.Of)
	}
	if l.summary.Manifest == nil {
		return r
	}
	r.manifest = true
	if s := l.summary.Manifest.Shards; s != nil && len(s.Missing) > 0 {
		r.shards = "it was not collected: " + s.String()
	}
	if own := l.final(); own != nil && !own.Complete {
		r.cluster = own.Incomplete
	}
	for _, t := range l.summary.Manifest.Tasks {
		if t.Target.Cluster != l.dir {
			continue
		}
		key := taskKey(t.ID, t.Target.Name)
		if old, ok := r.byTask[key]; ok && t.Target.Kind == layout.Cluster && tells(old.Status) > tells(t.Status) {
			continue // of a list that the scope narrowed two tasks tell: what was taken, and what was left out
		}
		r.byTask[key] = t
	}
	return r
}

// tells ranks how a list ended: that it was narrowed says more than that it
// was taken, and what kept it from being taken says most.
func tells(status bundle.Status) int {
	switch status {
	case bundle.StatusOK:
		return 0
	case bundle.StatusSkipped:
		return 1
	}
	return 2
}

func taskKey(id, pod string) string { return strings.TrimSpace(id + " " + pod) }

// of says why an artifact is missing.
func (r reasons) of(id, pod string) string {
	t, ok := r.byTask[taskKey(id, pod)]
	switch {
	case ok && t.Status != bundle.StatusOK && t.Reason != "":
		return fmt.Sprintf("%s: %s", t.Status, t.Reason)
	case ok && t.Status != bundle.StatusOK:
		return string(t.Status)
	case ok:
		return "it was collected but could not be read"
	case r.shards != "":
		return r.shards
	case r.manifest && r.cluster != "":
		return "it was not collected: " + r.cluster
	case r.manifest:
		return "it was not collected"
	}
	return "it is not in the bundle"
}

// partly is true of an artifact of which not all is there.
func (r reasons) partly(id, pod string) bool {
	status := r.byTask[taskKey(id, pod)].Status
	return status == bundle.StatusTruncated || status == bundle.StatusSkipped
}

// clusterInputs are the resources behind each input.
var clusterInputs = map[string][]string{
	mesh.InputNamespaces:    {"core/namespaces"},
	mesh.InputNodes:         {"core/nodes"},
	mesh.InputPods:          {"core/pods"},
	mesh.InputServices:      {"core/services"},
	mesh.InputEndpoints:     {"discovery.k8s.io/endpointslices"},
	mesh.InputDaemonSets:    {"apps/daemonsets"},
	mesh.InputEvents:        {"core/events"},
	mesh.InputGateways:      {"gateway.networking.k8s.io/gateways"},
	mesh.InputAuthorization: {"security.istio.io/authorizationpolicies"},
	mesh.InputConfigMaps:    {"core/configmaps"},
	mesh.InputNetworkPolicy: {
		"networking.k8s.io/networkpolicies", "cilium.io/ciliumnetworkpolicies", "cilium.io/ciliumclusterwidenetworkpolicies",
		"crd.projectcalico.org/networkpolicies", "crd.projectcalico.org/globalnetworkpolicies",
	},
	mesh.InputVirtualService:  {"networking.istio.io/virtualservices"},
	mesh.InputDestinationRule: {"networking.istio.io/destinationrules"},
	mesh.InputRoutes: {
		"gateway.networking.k8s.io/httproutes", "gateway.networking.k8s.io/grpcroutes",
		"gateway.networking.k8s.io/tcproutes", "gateway.networking.k8s.io/tlsroutes",
	},
	mesh.InputRequestAuth:  {"security.istio.io/requestauthentications"},
	mesh.InputWasmPlugin:   {"extensions.istio.io/wasmplugins"},
	mesh.InputTelemetry:    {"telemetry.istio.io/telemetries"},
	mesh.InputDefinitions:  {"apiextensions.k8s.io/customresourcedefinitions"},
	mesh.InputFelix:        {"crd.projectcalico.org/felixconfigurations"},
	mesh.InputServiceEntry: {"networking.istio.io/serviceentries"},
	mesh.InputPeerAuth:     {"security.istio.io/peerauthentications"},
	mesh.InputGatewayClass: {"gateway.networking.k8s.io/gatewayclasses"},
	mesh.InputAccounts:     {"core/serviceaccounts"},
}

func (l *gapFinder) clusterGaps() {
	for input, resources := range clusterInputs {
		var gaps []mesh.Gap
		for _, resource := range resources {
			group, name, _ := strings.Cut(resource, "/")
			id := layout.ObjectsTask(group, name)
			if l.seen[path.Join(l.dir, layout.Objects(group, name))] && !l.why.partly(id, "") || l.why.byTask[id].Status == bundle.StatusAbsent {
				continue
			}
			gaps = append(gaps, mesh.Gap{Subject: name, Reason: l.why.of(id, "")})
		}
		l.mesh.SetGaps(input, gaps...)
	}
}

// artifact is what is asked of an agent behind an input.
type artifact struct {
	input string
	layout.Artifact
}

// ztunnelArtifacts are those beside the config dump.
func ztunnelArtifacts() []artifact {
	return []artifact{
		{mesh.InputZtunnelLog, layout.ZtunnelLog},
		{mesh.InputZtunnelMetric, layout.ZtunnelMetrics},
		{mesh.InputZtunnelReady, layout.ZtunnelReady},
	}
}

func cniArtifacts() []artifact {
	return []artifact{
		{mesh.InputCNILog, layout.CNILog},
		{mesh.InputCNIMetrics, layout.CNIMetrics},
	}
}

// Artifacts are what rules need of the mesh's own agents, those of a kind together.
func Artifacts() []layout.Artifact {
	out := []layout.Artifact{layout.ZtunnelConfigDump}
	for _, a := range slices.Concat(ztunnelArtifacts(), cniArtifacts()) {
		out = append(out, a.Artifact)
	}
	for _, a := range istiodAnswers() {
		if a.input != "" {
			out = append(out, a.Artifact)
		}
	}
	return out
}

func (l *gapFinder) ztunnelGaps() {
	all := map[string][]mesh.Gap{}
	for _, t := range byKey(l.ztunnels.by) {
		z := t.z
		z.Silent = l.why.silent(z.Name)
		switch task := l.why.byTask[taskKey(layout.ZtunnelConfigDump.Task(), z.Name)]; {
		case !t.sections["workloads"] || !t.sections["workloadState"] && !t.sections["certificates"],
			task.Status != "" && task.Status != bundle.StatusOK:
			z.SetGap(mesh.InputZtunnelDump, l.why.of(layout.ZtunnelConfigDump.Task(), z.Name))
		case t.broken != "":
			z.SetGap(mesh.InputZtunnelDump, t.broken)
		default:
			if lost := slices.IndexFunc(task.Entries, func(e string) bool { return !l.seen[e] }); lost >= 0 {
				z.SetGap(mesh.InputZtunnelDump, path.Base(task.Entries[lost])+" was collected and is not in the bundle")
			}
		}
		for _, a := range ztunnelArtifacts() {
			if !l.seen[z.Dir+"/"+a.File] || l.why.partly(a.Task(), z.Name) {
				z.SetGap(a.input, l.why.of(a.Task(), z.Name))
			}
		}
		switch {
		case !l.seen[z.Dir+"/"+layout.Log], l.why.partly(layout.ZtunnelLog.Task(), z.Name):
			z.SetGap(mesh.InputAccessLog, l.why.of(layout.ZtunnelLog.Task(), z.Name))
		case !t.log.sawInfo:
			z.SetGap(mesh.InputAccessLog, "its log level hides access lines")
		}
		for _, input := range []string{mesh.InputZtunnelDump, mesh.InputZtunnelLog, mesh.InputAccessLog, mesh.InputZtunnelMetric, mesh.InputZtunnelReady} {
			if g := z.MissingInput(input); g != nil {
				all[input] = append(all[input], *g)
			}
		}
		l.summary.Ztunnels.Total++
		if z.MissingInput(mesh.InputZtunnelDump) == nil {
			l.summary.Ztunnels.Read++
		}
	}
	for _, input := range []string{mesh.InputZtunnelDump, mesh.InputZtunnelLog, mesh.InputAccessLog, mesh.InputZtunnelMetric, mesh.InputZtunnelReady} {
		if len(l.ztunnels.by) == 0 {
			all[input] = []mesh.Gap{{Subject: "the mesh", Reason: "no ztunnel is in the bundle"}}
		}
		l.mesh.SetGaps(input, all[input]...)
	}
}

// noIstiod is what a rule is told where no control plane runs in the cluster.
const noIstiod = "no istiod is in the bundle: its control plane runs elsewhere, or could not be found"

func (l *gapFinder) istiodGaps() {
	for _, a := range istiodAnswers() {
		if a.input == "" {
			continue
		}
		var gaps []mesh.Gap
		for _, t := range byKey(l.istiods.by) {
			if !l.seen[t.i.Dir+"/"+a.File] || l.why.partly(a.Task(), t.i.Name) {
				t.i.SetGap(a.input, l.why.of(a.Task(), t.i.Name))
				gaps = append(gaps, *t.i.MissingInput(a.input))
			}
		}
		if a.shared && len(gaps) < len(l.istiods.by) {
			gaps = nil
		}
		if len(l.istiods.by) == 0 {
			gaps = []mesh.Gap{{Subject: "the mesh", Reason: noIstiod}}
		}
		l.mesh.SetGaps(a.input, gaps...)
	}
	for _, t := range byKey(l.istiods.by) {
		l.summary.Istiods.Total++
		if t.i.HasSyncz || t.i.HasAmbientz {
			l.summary.Istiods.Read++
		}
	}
}

func (l *gapFinder) cniGaps() {
	for _, a := range cniArtifacts() {
		var gaps []mesh.Gap
		for _, t := range byKey(l.cnis.by) {
			if !l.seen[t.c.Dir+"/"+a.File] || l.why.partly(a.Task(), t.c.Name) {
				t.c.SetGap(a.input, l.why.of(a.Task(), t.c.Name))
				gaps = append(gaps, *t.c.MissingInput(a.input))
			}
		}
		if len(l.cnis.by) == 0 {
			gaps = []mesh.Gap{{Subject: "the mesh", Reason: "no istio-cni node agent is in the bundle"}}
		}
		l.mesh.SetGaps(a.input, gaps...)
	}
	for _, t := range byKey(l.cnis.by) {
		l.summary.CNIs.Total++
		if l.seen[t.c.Dir+"/"+layout.Log] {
			l.summary.CNIs.Read++
		}
	}
}

// gatewayGaps are the running waypoints and gateways whose metrics were to be
// read and could not be. Those that the scope leaves out are none: rules
// judge the others by themselves.
func (l *gapFinder) gatewayGaps() {
	var gaps []mesh.Gap
	for _, p := range l.mesh.Pods {
		if p.Component != "waypoint" && p.Component != "gateway" || p.Phase != "Running" || p.Deleting || !p.Ready || l.gateways.byGateway[p] {
			continue
		}
		first := layout.WaypointMetrics.Of(p.Component)
		dir := path.Join(l.dir, layout.Pod{Kind: layout.Waypoint, Namespace: p.Namespace, Name: p.Name}.Dir())
		for _, a := range []layout.Artifact{first, first.After()} {
			if !l.seen[path.Join(dir, a.File)] && l.why.byTask[taskKey(a.Task(), p.Name)].Status != bundle.StatusSkipped {
				gaps = append(gaps, mesh.Gap{Subject: p.Component + " " + p.Namespace + "/" + p.Name, Reason: l.why.of(a.Task(), p.Name)})
				break
			}
		}
	}
	l.mesh.SetGaps(mesh.InputGatewayMetrics, gaps...)
}
