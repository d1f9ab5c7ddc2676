package redact

func (r *redactor) webhooks(v any) {
	list, _ := v.([]any)
	for _, w := range list {
		config, _ := member(w, "clientConfig")
		client, ok := config.(map[string]any)
		if !ok {
			continue
		}
		if _, has := client["caBundle"]; has {
			delete(client, "caBundle")
			r.removed++
		}
		delete(client, "url")
	}
}
