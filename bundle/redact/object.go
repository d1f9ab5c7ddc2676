package redact

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"
)

// kept says per resource which top-level members an object keeps besides
// apiVersion, kind and its metadata. A resource that is not listed is not
// kept at all: what is unknown may be a secret.
var kept = map[string][]string{
	"core/nodes":                        {"spec", "status"},
	"core/namespaces":                   {"status"},
	"core/pods":                         {"spec", "status"},
	"core/services":                     {"spec", "status"},
	"core/serviceaccounts":              {"automountServiceAccountToken"},
	"core/configmaps":                   {"data"},
	"core/events":                       {"involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "eventTime", "count", "series", "type", "reportingComponent"},
	"core/resourcequotas":               {"spec", "status"},
	"apps/daemonsets":                   {"spec", "status"},
	"apps/deployments":                  {"spec", "status"},
	"apps/replicasets":                  {"status"},
	"discovery.k8s.io/endpointslices":   {"addressType", "endpoints", "ports"},
	"networking.k8s.io/networkpolicies": {"spec"},
	"admissionregistration.k8s.io/mutatingwebhookconfigurations":   {"webhooks"},
	"admissionregistration.k8s.io/validatingwebhookconfigurations": {"webhooks"},
	"apiextensions.k8s.io/customresourcedefinitions":               {"status"},
	"cilium.io/ciliumnetworkpolicies":                              {"spec", "specs"},
	"cilium.io/ciliumclusterwidenetworkpolicies":                   {"spec", "specs"},
	"crd.projectcalico.org/networkpolicies":                        {"spec"},
	"crd.projectcalico.org/globalnetworkpolicies":                  {"spec"},
	"crd.projectcalico.org/felixconfigurations":                    {"spec"},
	"gateway.networking.k8s.io/gatewayclasses":                     {"spec", "status"},
	"gateway.networking.k8s.io/gateways":                           {"spec", "status"},
	"gateway.networking.k8s.io/httproutes":                         {"spec", "status"},
	"gateway.networking.k8s.io/grpcroutes":                         {"spec", "status"},
	"gateway.networking.k8s.io/tcproutes":                          {"spec", "status"},
	"gateway.networking.k8s.io/tlsroutes":                          {"spec", "status"},
	"gateway.networking.k8s.io/referencegrants":                    {"spec"},
	"networking.istio.io/serviceentries":                           {"spec", "status"},
	"networking.istio.io/workloadentries":                          {"spec", "status"},
	"networking.istio.io/workloadgroups":                           {"spec", "status"},
	"networking.istio.io/destinationrules":                         {"spec", "status"},
	"networking.istio.io/virtualservices":                          {"spec", "status"},
	"networking.istio.io/gateways":                                 {"spec", "status"},
	"networking.istio.io/sidecars":                                 {"spec", "status"},
	"security.istio.io/authorizationpolicies":                      {"spec", "status"},
	"security.istio.io/peerauthentications":                        {"spec", "status"},
	"security.istio.io/requestauthentications":                     {"spec", "status"},
	"telemetry.istio.io/telemetries":                               {"spec", "status"},
	"extensions.istio.io/wasmplugins":                              {"spec", "status"},
}

// attachment is all that is kept of the spec of policies whose other settings may be keys and tokens.
var attachment = []string{"selector", "targetRef", "targetRefs"}

// environment are the variables whose values say how the mesh is set up; the
// values of all others are dropped. A trailing * stands for any ending.
var environment = []string{
	"PILOT_*", "AMBIENT_*", "CA_TRUSTED_NODE_ACCOUNTS", "ENABLE_DEBUG_*", "REVISION", "CLUSTER_ID", "ISTIO_META_CLUSTER_ID",
	"RUST_LOG", "LOG_LEVEL", "LOG_FORMAT", "ENABLE_ORIG_SRC", "XDS_ADDRESS", "CA_ADDRESS", "ISTIO_META_NETWORK", "NETWORK", "INPOD_ENABLED",
	"ZTUNNEL_CPU_LIMIT", "ZTUNNEL_WORKER_THREADS", "HOST_PROBE_SNAT_IP*", "ENABLE_POD_ENI", "POD_SECURITY_GROUP_ENFORCING_MODE",
	"AUTHZ_POLICY_INFO_LOGGING", "EXCLUDE_NAMESPACES", "TRUST_DOMAIN",
}

// configMaps are those whose data is kept; an empty list keeps every key.
var configMaps = map[string][]string{
	"istio":            {"mesh", "meshNetworks"},
	"istio-cni-config": {},
	"cilium-config":    {"cni-exclusive", "enable-bpf-masquerade", "kube-proxy-replacement", "bpf-lb-sock", "bpf-lb-sock-hostns-only"},
	rootCertMap:        {"root-cert.pem"},
}

const rootCertMap = "istio-ca-root-cert"

// ConfigMapKept is true of the ConfigMaps that a bundle holds: "istio" and
// its revisions, and those named in docs/safety.md.
func ConfigMapKept(name string) bool { return configMapKeys(name) != nil }

func configMapKeys(name string) []string {
	if keys, ok := configMaps[name]; ok {
		return keys
	}
	if strings.HasPrefix(name, "istio-") && !strings.Contains(name, "sidecar-injector") && !strings.Contains(name, "leader") {
		return configMaps["istio"]
	}
	return nil
}

// Kept is true of the resources that a bundle holds objects of. Secrets are
// none of them.
func Kept(group, resource string) bool { return kept[resourceKey(group, resource)] != nil }

func resourceKey(group, resource string) string {
	if group == "" {
		group = "core"
	}
	return group + "/" + resource
}

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

// annotations that are kept: those of the mesh and of the platforms that rules look at.
var annotationPrefixes = []string{
	"ambient.istio.io/", "istio.io/", "sidecar.istio.io/status", "networking.istio.io/", "gateway.istio.io/", "topology.istio.io/", "traffic.sidecar.istio.io/",
	"vpc.amazonaws.com/pod-eni", "deployment.kubernetes.io/revision", "kubectl.kubernetes.io/restartedAt",
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

// templateMetadata is what is kept of a pod template's.
var templateMetadata = []string{"labels", "annotations"}

// podSettings and containerSettings are what is kept of a pod's spec and of a container's.
var (
	podSettings = []string{
		"automountServiceAccountToken", "containers", "dnsPolicy", "enableServiceLinks", "ephemeralContainers", "hostIPC", "hostNetwork", "hostPID",
		"hostUsers", "hostname", "initContainers", "nodeName", "nodeSelector", "os", "preemptionPolicy", "priority", "priorityClassName", "readinessGates",
		"restartPolicy", "runtimeClassName", "schedulerName", "securityContext", "serviceAccount", "serviceAccountName", "subdomain",
		"terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints",
	}
	containerSettings = []string{
		"args", "command", "env", "image", "imagePullPolicy", "livenessProbe", "name", "ports", "readinessProbe", "resources", "restartPolicy",
		"securityContext", "startupProbe",
	}
	workloadSettings = []string{
		"minReadySeconds", "paused", "progressDeadlineSeconds", "replicas", "revisionHistoryLimit", "selector", "strategy", "template", "updateStrategy",
	}
)

// meshContainers are those whose arguments tell how the mesh is run.
var meshContainers = []string{"istio-proxy", "discovery", "install-cni"}

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

// VariableKept is true of the environment variables whose values a bundle holds.
func VariableKept(name string) bool { return listed(name) }

func listed(name string) bool {
	return slices.ContainsFunc(environment, func(pattern string) bool {
		if prefix, any := strings.CutSuffix(pattern, "*"); any {
			return strings.HasPrefix(name, prefix)
		}
		return name == pattern
	})
}

func (r *redactor) configMap(obj map[string]any) bool {
	meta, _ := obj["metadata"].(map[string]any)
	name, _ := meta["name"].(string)
	keys := configMapKeys(name)
	if keys == nil {
		return false
	}
	data, _ := obj["data"].(map[string]any)
	for key, value := range data {
		if len(keys) > 0 && !slices.Contains(keys, key) {
			delete(data, key)
			r.removed++
			continue
		}
		text, _ := value.(string)
		switch {
		case name == rootCertMap:
			data[key] = fingerprints(text)
		case key == "mesh":
			kept, removed := redactMeshText(text)
			data[key] = kept
			r.removed += removed
		}
	}
	return true
}

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

// fingerprints stands for a bundle of certificates: one sha256 a line.
func fingerprints(text string) string {
	var out []string
	rest := []byte(text)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return strings.Join(out, "\n")
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err == nil {
			sum := sha256.Sum256(block.Bytes)
			out = append(out, "sha256:"+hex.EncodeToString(sum[:]))
		}
	}
}
