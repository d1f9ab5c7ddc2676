package redact

import (
	"slices"
)

// podSpec drops the values of variables that are not on the list, and what
// containers are run with, unless they are the mesh's own.
func (r *redactor) podSpec(v any) {
	spec, ok := v.(map[string]any)
	if !ok {
		return
	}
	r.removed += keepOnly(spec, podSettings)
	for _, list := range []string{"containers", "initContainers", "ephemeralContainers"} {
		containers, _ := spec[list].([]any)
		for _, c := range containers {
			if container, ok := c.(map[string]any); ok {
				r.container(container)
			}
		}
	}
}

func (r *redactor) container(c map[string]any) {
	name, _ := c["name"].(string)
	if !slices.Contains(meshContainers, name) {
		for _, part := range []string{"command", "args"} {
			if _, ok := c[part]; ok {
				delete(c, part)
				r.removed++
			}
		}
	}
	r.removed += keepOnly(c, containerSettings)
	env, _ := c["env"].([]any)
	for _, e := range env {
		variable, ok := e.(map[string]any)
		if !ok {
			continue
		}
		name, _ := variable["name"].(string)
		if _, has := variable["value"]; has && !listed(name) {
			delete(variable, "value")
			r.removed++
		}
		keepOnly(variable, []string{"name", "value"})
	}
	for _, probe := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
		r.probe(c[probe])
	}
}

// probe keeps what tells how a container is probed, and drops commands and headers.
func (r *redactor) probe(v any) {
	probe, ok := v.(map[string]any)
	if !ok {
		return
	}
	if _, ok := probe["exec"]; ok {
		probe["exec"] = map[string]any{}
		r.removed++
	}
	if get, ok := probe["httpGet"].(map[string]any); ok {
		if _, ok := get["httpHeaders"]; ok {
			delete(get, "httpHeaders")
			r.removed++
		}
	}
}
