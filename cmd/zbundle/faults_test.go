package main

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/internal/sim"
)

// found says what a planted fault is found as, where that is not a finding of
// the fault's own name about the fault's own subject at the severity of a fault.
var found = map[string]struct {
	id       string
	severity []string
	// others is true where the subject is something else than what was planted on:
	// a policy's fault shows at the pods that it denies.
	others bool
}{
	"hbone-refused":       {id: "pod-enrolled-not-in-ztunnel", severity: faults},
	"proxy-pending":       {id: "proxy-bind-failed", severity: faults},
	"root-mismatch":       {id: "root-mismatch", severity: faults, others: true},
	"policy-denied":       {id: "policy-denied", severity: notices, others: true},
	"no-healthy-upstream": {id: "service-no-endpoints", severity: notices},
	"skew-ztunnel-istiod": {id: "skew-ztunnel-istiod", severity: faults, others: true},

	"wds-push-storm-on-reconnect": {id: "wds-push-storm-on-reconnect", severity: hints},
	"workload-sent-late":          {id: "workload-sent-late", severity: hints},
	"cert-prefetch-failed":        {id: "cert-prefetch-failed", severity: hints},
	"crl-rejecting":               {id: "crl-rejecting", severity: notices},
	"optout-annotation":           {id: "optout-annotation", severity: notices},
	"sidecar-and-ambient":         {id: "sidecar-and-ambient", severity: notices},
	"ztunnel-rolling-drops":       {id: "ztunnel-rolling-drops", severity: notices},
	"root-cert-expiring":          {id: "root-cert-expiring", severity: faults, others: true},
	"istiod-ambient-disabled":     {id: "istiod-ambient-disabled", severity: faults, others: true},
	"workload-ip-collision":       {id: "workload-ip-collision", severity: faults, others: true},

	"mc-multiple-gateways":   {id: "mc-multiple-gateways", severity: hints},
	"mc-flag-disabled":       {id: "mc-flag-disabled", severity: faults, others: true},       // of every istiod
	"mc-custom-trust-domain": {id: "mc-custom-trust-domain", severity: faults, others: true}, // of istiod and of ztunnel
	"mc-service-not-global":  {id: "mc-service-not-global", severity: hints},
	"skew-across-ztunnels":   {id: "skew-across-ztunnels", severity: hints},
	"known-bug":              {id: "known-bug", severity: hints},
	"metrics-fd-negative":    {id: "metrics-fd-negative", severity: hints},
	"hostnetwork-ignored":    {id: "hostnetwork-ignored", severity: hints},
	"rev-label-mix":          {id: "rev-label-mix", severity: hints},
	"uid-1337":               {id: "uid-1337", severity: notices},
	"platform-value-missing": {id: "cni-install-failed", severity: faults}, // what it suggests stands beside as a hint

	"connect-failed-upstream":    {id: "connect-failed-upstream", severity: hints},
	"dns-capture-off-mixed":      {id: "dns-capture-off-mixed", severity: hints},
	"hbone-idle-pings":           {id: "hbone-idle-pings", severity: notices},
	"hbone-self-call":            {id: "hbone-self-call", severity: notices},
	"lb-locality-labels-missing": {id: "lb-locality-labels-missing", severity: notices},
	"node-local-hbone-blackhole": {id: "node-local-hbone-blackhole", severity: faults, others: true},
	"pa-disable-ignored":         {id: "pa-disable-ignored", severity: notices},
	"policy-allow-nothing":       {id: "policy-allow-nothing", severity: notices},
	"policy-dryrun":              {id: "policy-dryrun", severity: notices},
	"policy-late-drop":           {id: "policy-late-drop", severity: hints},
	"policy-principal-unknown":   {id: "policy-principal-unknown", severity: hints},
	"strict-blocks-plaintext":    {id: "strict-blocks-plaintext", severity: notices},
	"waypoint-bypassed":          {id: "waypoint-bypassed", severity: hints},

	"virtualservice-not-applied":        {id: "virtualservice-not-applied", severity: notices},
	"route-not-applied":                 {id: "route-not-applied", severity: notices},
	"destinationrule-not-applied":       {id: "destinationrule-not-applied", severity: notices},
	"requestauthentication-not-applied": {id: "requestauthentication-not-applied", severity: notices},
	"wasmplugin-not-applied":            {id: "wasmplugin-not-applied", severity: notices},
	"telemetry-not-applied":             {id: "telemetry-not-applied", severity: notices},
	"policy-selects-waypoint":           {id: "policy-selects-waypoint", severity: notices},
	"gateway-hbone-failing":             {id: "gateway-hbone-failing", severity: hints},

	"waypoint-drain-2s":       {id: "waypoint-drain-2s", severity: notices},
	"waypoint-scaled-to-zero": {id: "waypoint-scaled-to-zero", severity: notices},
}

// rights are no faults of the mesh: they leave gaps, not findings. Of a hang that the kubelet sees nothing of a hint tells.
var gaps = []string{"no-portforward", "no-logs", "ztunnel-hangs"}

func TestEveryPlantedFaultIsFoundAndNothingElse(t *testing.T) {
	atLength(t)
	bin := built(t)
	for _, fault := range sim.Faults() {
		if slices.Contains(gaps, fault.Name) {
			continue
		}
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			want, special := found[fault.Name]
			if !special {
				want.id, want.severity = fault.Name, faults
			}
			r, planted := examineFaults(t, bin, fault.Name)
			findings := r.at(append(slices.Clone(faults), notices...)...)
			if slices.Equal(want.severity, hints) {
				findings = append(findings, slices.DeleteFunc(r.at(hints...), func(f finding) bool { return f.ID != want.id })...)
			}
			if len(findings) != 1 || findings[0].ID != want.id || !slices.Contains(want.severity, findings[0].Severity) {
				t.Fatalf("planted on %+v, found %v; want one %s", planted[0].Subject, r.named("critical", "error", "warning", "notice"), want.id)
			}
			if want.others {
				return
			}
			s := findings[0].Subjects[0]
			got := []string{s.Kind, s.Namespace, s.Name}
			p := planted[0].Subject
			if diff := cmp.Diff([]string{p.Kind, p.Namespace, p.Name}, got); diff != "" || len(findings[0].Subjects) != 1 {
				t.Errorf("subjects %+v (-planted +found):\n%s", findings[0].Subjects, diff)
			}
		})
	}
}

func TestAHealthyMeshHasNoFindingAndNothingUndecided(t *testing.T) {
	atLength(t)
	bin := built(t)
	for _, of := range []size{small, large} {
		for _, version := range []string{"1.28.9", "1.30.3"} {
			r, _ := examine(t, bin, sim.Options{Generate: &sim.Generate{Nodes: of.nodes, Workloads: of.workloads, Seed: 7, Version: version}})
			if len(r.Findings) > 0 || len(r.Undecided) > 0 || r.Verdict != "clean" {
				t.Errorf("%v of %s: verdict %s, findings %v, undecided %v", of, version, r.Verdict, r.named("critical", "error", "warning", "notice", "hint"), r.Undecided)
			}
		}
	}
}

func TestWhatCouldNotBeReadIsUndecidedAndNotClean(t *testing.T) {
	bin := built(t)
	for _, fault := range gaps {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			r, _ := examineFaults(t, bin, fault)
			if r.Verdict != "undecided" || len(r.named("critical", "error", "warning", "notice")) > 0 || len(r.Undecided) == 0 {
				t.Errorf("verdict %s, findings %v, %d rules undecided", r.Verdict, r.named("critical", "error", "warning", "notice", "hint"), len(r.Undecided))
			}
		})
	}
}

func examineFaults(t *testing.T, bin string, names ...string) (said, []sim.Planted) {
	t.Helper()
	r, _, planted := examineCluster(t, bin, generated(small, names, nil))
	return r, planted
}
