package mesh

import (
	"strings"
	"time"
)

// TargetablePolicy attaches to Envoys by a selector or by targetRefs: a RequestAuthentication,
// a WasmPlugin or a Telemetry (istio/istio pilot/pkg/model/policyattachment.go).
type TargetablePolicy struct {
	Created time.Time `expr:"created"`
	// Kind is "RequestAuthentication", "WasmPlugin" or "Telemetry".
	Kind       string  `expr:"kind"`
	Namespace  string  `expr:"namespace"`
	Name       string  `expr:"name"`
	AgeSeconds float64 `expr:"ageSeconds"`
	// Selector is spec.selector.matchLabels; nil selects the whole namespace, or of the root namespace the mesh.
	Selector   map[string]string `expr:"selector"`
	TargetRefs []TargetRef       `expr:"targetRefs"`
	// Readers counts the Envoys, of pods or behind its targetRefs, that it attaches to.
	Readers int `expr:"readers"`
	// SelectsEnrolled counts the captured pods that it selects, which have no Envoy.
	SelectsEnrolled int `expr:"selectsEnrolled"`
	// Waypoints are the waypoints' pods that it selects: these look at targetRefs alone.
	Waypoints []*Pod `expr:"waypoints"`
	// Bare are the captured services among its targetRefs that have no waypoint.
	Bare   []*Service `expr:"bare"`
	Source Evidence
}

// TargetRef names what a policy is for.
type TargetRef struct {
	Kind string `expr:"kind"`
	Name string `expr:"name"`
}

// wide is true of a Telemetry for a whole namespace, which is the one kind that waypoints read without
// targetRefs: that of their own namespace, and of their services' (pilot/pkg/model/telemetry.go).
func (p *TargetablePolicy) wide() bool { return p.Kind == "Telemetry" && len(p.Selector) == 0 }

func (p *TargetablePolicy) Subject() Subject {
	return Subject{Kind: strings.ToLower(p.Kind), Namespace: p.Namespace, Name: p.Name}
}

// Refs are the policy and what it does not reach.
func (p *TargetablePolicy) Refs() []string {
	keys := []string{p.Subject().Key()}
	keys = append(keys, keysOf(p.Bare)...)
	return refs(keys...)
}

func (p *TargetablePolicy) Evidence() []Evidence {
	es := []Evidence{p.Source}
	if len(p.Bare) > 0 {
		es = append(es, p.Bare[0].Source)
	}
	if len(p.Waypoints) > 0 {
		es = append(es, p.Waypoints[0].Source)
	}
	return evidence(es...)
}

func (p *TargetablePolicy) Gap(string) (*Gap, bool) { return nil, false }
