package redact

import (
	"strings"
)

// headers drops the literal values that routes and policies match or set:
// API keys stand there.
func (r *redactor) headers(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			switch name {
			case "headers", "requestHeaderModifier", "responseHeaderModifier", "withoutHeaders", "cookies", "queryParams":
				v[name] = marker
				r.removed++
			case "when":
				r.conditions(value)
			default:
				r.headers(value)
			}
		}
	case []any:
		for _, e := range v {
			r.headers(e)
		}
	}
}

// conditions of an AuthorizationPolicy on request headers or claims lose their values.
func (r *redactor) conditions(v any) {
	list, _ := v.([]any)
	for _, c := range list {
		condition, ok := c.(map[string]any)
		if !ok {
			continue
		}
		key, _ := condition["key"].(string)
		if strings.HasPrefix(key, "request.headers") || strings.HasPrefix(key, "request.auth") {
			for _, values := range []string{"values", "notValues"} {
				if _, ok := condition[values]; ok {
					condition[values] = []any{marker}
					r.removed++
				}
			}
		}
	}
}
