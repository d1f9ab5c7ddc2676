package redact

import (
	"slices"
	"strings"
)

// Object takes out of an object, as decoded from JSON, everything that
// its type is not known to be safe with, and counts what it took. ok is false
// where nothing of the object may be kept.
func Object(group, resource string, obj map[string]any) (removed int, ok bool) {
	key := resourceKey(group, resource)
	members := kept[key]
	if members == nil {
		return 0, false
	}
	r := &redactor{}
	for name, value := range obj {
		switch {
		case name == "apiVersion" || name == "kind":
		case name == "metadata":
			r.metadata(value)
			if meta, ok := value.(map[string]any); ok {
				r.identity(meta, key)
			}
		case !slices.Contains(members, name):
			delete(obj, name)
		}
	}
	switch key {
	case "core/pods":
		r.podSpec(obj["spec"])
	case "apps/daemonsets", "apps/deployments":
		if spec, ok := obj["spec"].(map[string]any); ok {
			r.removed += keepOnly(spec, workloadSettings)
		}
		if template, ok := member(obj["spec"], "template"); ok {
			if meta, ok := member(template, "metadata"); ok {
				r.metadata(meta)
				if meta, ok := meta.(map[string]any); ok {
					r.removed += keepOnly(meta, templateMetadata)
				}
			}
			spec, _ := member(template, "spec")
			r.podSpec(spec)
		}
	case "core/configmaps":
		if !r.configMap(obj) {
			return r.removed, false
		}
	case "admissionregistration.k8s.io/mutatingwebhookconfigurations", "admissionregistration.k8s.io/validatingwebhookconfigurations":
		r.webhooks(obj["webhooks"])
	case "security.istio.io/requestauthentications", "extensions.istio.io/wasmplugins":
		if spec, ok := obj["spec"].(map[string]any); ok {
			r.removed += keepOnly(spec, attachment)
		} else {
			delete(obj, "spec")
		}
	case "networking.istio.io/virtualservices", "gateway.networking.k8s.io/httproutes", "gateway.networking.k8s.io/grpcroutes", "security.istio.io/authorizationpolicies":
		r.headers(obj["spec"])
	}
	return r.removed, true
}

// identity keeps an object's uid and managers, where somebody reads them.
func (r *redactor) identity(meta map[string]any, key string) {
	if key != "core/pods" {
		delete(meta, "uid") // a ztunnel and a kubelet call pods so, and nobody anything else
	}
	if slices.Contains(unmanaged, key) {
		delete(meta, "managedFields")
		return
	}
	managers(meta)
}

type redactor struct{ removed int }

func member(v any, name string) (any, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	value, ok := m[name]
	return value, ok
}

// metadata keeps labels and the mesh's own annotations: last-applied holds
// whole objects again, and any other annotation may hold a token. A
// resourceVersion means nothing without the API server.
func (r *redactor) metadata(v any) {
	meta, ok := v.(map[string]any)
	if !ok {
		return
	}
	delete(meta, "resourceVersion")
	annotations, _ := meta["annotations"].(map[string]any)
	for name := range annotations {
		if !slices.ContainsFunc(annotationPrefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			delete(annotations, name)
			r.removed++
		}
	}
}

// templateMetadata is what is kept of a pod template's.
var templateMetadata = []string{"labels", "annotations"}
