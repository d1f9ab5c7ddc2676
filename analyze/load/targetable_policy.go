package load

import (
	"github.com/zbundle/zbundle/analyze/mesh"
)

// targetableObject is what RequestAuthentications, WasmPlugins and Telemetries say of where they
// attach (istio/api type/v1beta1/selector.proto).
type targetableObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Selector   *selectorObject `json:"selector"`
		TargetRef  *objectRef      `json:"targetRef"`
		TargetRefs []objectRef     `json:"targetRefs"`
	} `json:"spec"`
}

func addTargetable(kind string, list *[]*mesh.TargetablePolicy) func(targetableObject, mesh.Evidence) {
	return func(o targetableObject, at mesh.Evidence) {
		p := &mesh.TargetablePolicy{
			Kind: kind, Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, Created: o.Metadata.CreationTimestamp,
			Selector: o.Spec.Selector.labels(), Source: at,
		}
		targets := o.Spec.TargetRefs
		if o.Spec.TargetRef != nil {
			targets = append(targets, *o.Spec.TargetRef)
		}
		for _, t := range targets {
			p.TargetRefs = append(p.TargetRefs, mesh.TargetRef{Kind: t.Kind, Name: t.Name})
		}
		*list = append(*list, p)
	}
}
