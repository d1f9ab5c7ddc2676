package redact_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/bundle/redact"
)

func TestOnlyWhatIsKnownToBeSafeIsKept(t *testing.T) {
	for _, test := range []struct{ name, group, resource, in, want string }{
		{
			"a pod", "", "pods",
			`{"apiVersion":"v1","kind":"Pod","secretThing":1,
			  "metadata":{"name":"p","uid":"u","resourceVersion":"7","labels":{"app":"a"},"managedFields":[],"annotations":{"ambient.istio.io/redirection":"enabled","example.com/token":"s3cret",
			    "kubectl.kubernetes.io/last-applied-configuration":"s3cret","registry.example/docker-config":"s3cret"}},
			  "spec":{"nodeName":"n","unheardOf":"s3cret","volumes":[{}],"containers":[
			    {"name":"app","image":"i","command":["--s3cret"],"args":["--s3cret"],"unheardOf":"s3cret","envFrom":[{}],
			     "env":[{"name":"PASSWORD","value":"s3cret"},{"name":"PILOT_ENABLE_AMBIENT","value":"true"},{"name":"REF","valueFrom":{"secretKeyRef":{}}}],
			     "livenessProbe":{"exec":{"command":["s3cret"]}},"readinessProbe":{"httpGet":{"path":"/","httpHeaders":[{"value":"s3cret"}]}}},
			    {"name":"istio-proxy","args":["proxy","ztunnel"]}]}}`,
			`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","uid":"u","labels":{"app":"a"},"annotations":{"ambient.istio.io/redirection":"enabled"}},
			  "spec":{"nodeName":"n","containers":[
			    {"name":"app","image":"i","env":[{"name":"PASSWORD"},{"name":"PILOT_ENABLE_AMBIENT","value":"true"},{"name":"REF"}],"livenessProbe":{"exec":{}},"readinessProbe":{"httpGet":{"path":"/"}}},
			    {"name":"istio-proxy","args":["proxy","ztunnel"]}]}}`,
		},
		{
			"the mesh's ConfigMap", "", "configmaps",
			`{"metadata":{"name":"istio"},"data":{"other":"s3cret","mesh":"trustDomain: td\nunheardOf: s3cret\ndefaultConfig:\n  proxyMetadata: {PASSWORD: s3cret, NETWORK: n}\n  tracing: {lightstep: {accessToken: s3cret}}\nextensionProviders:\n- name: authz\n  envoyExtAuthzHttp: {headersToUpstreamOnAllow: [s3cret]}\n"}}`,
			`{"metadata":{"name":"istio"},"data":{"mesh":"defaultConfig:\n    proxyMetadata:\n        NETWORK: \"n\"\nextensionProviders:\n    - envoyExtAuthzHttp: {}\n      name: authz\ntrustDomain: td\n"}}`,
		},
		{
			"a mesh configuration that can't be read", "", "configmaps",
			`{"metadata":{"name":"istio"},"data":{"mesh":"s3cret: [\n"}}`, `{"metadata":{"name":"istio"},"data":{"mesh":"[redacted]"}}`,
		},
		{
			"a webhook", "admissionregistration.k8s.io", "mutatingwebhookconfigurations",
			`{"webhooks":[{"name":"w","clientConfig":{"caBundle":"s3cret","url":"https://s3cret","service":{"name":"istiod"}}}]}`,
			`{"webhooks":[{"name":"w","clientConfig":{"service":{"name":"istiod"}}}]}`,
		},
		{
			"a route that sets a header", "gateway.networking.k8s.io", "httproutes",
			`{"spec":{"rules":[{"filters":[{"type":"RequestHeaderModifier","requestHeaderModifier":{"set":[{"name":"k","value":"s3cret"}]}}]}]}}`,
			`{"spec":{"rules":[{"filters":[{"type":"RequestHeaderModifier","requestHeaderModifier":"[redacted]"}]}]}}`,
		},
		{
			"a uid that nothing refers to", "", "serviceaccounts",
			`{"metadata":{"name":"s","namespace":"n","uid":"u","resourceVersion":"7","annotations":{"example.com/token":"s3cret"}}}`,
			`{"metadata":{"name":"s","namespace":"n","annotations":{}}}`,
		},
		{
			"what tokens are checked by", "security.istio.io", "requestauthentications",
			`{"spec":{"selector":{"matchLabels":{"app":"a"}},"targetRefs":[{"kind":"Service","name":"a"}],"jwtRules":[{"issuer":"i","jwks":"s3cret"}]}}`,
			`{"spec":{"selector":{"matchLabels":{"app":"a"}},"targetRefs":[{"kind":"Service","name":"a"}]}}`,
		},
		{
			"a plugin", "extensions.istio.io", "wasmplugins",
			`{"spec":{"targetRef":{"kind":"Gateway","name":"w"},"url":"oci://s3cret@registry","pluginConfig":{"key":"s3cret"},"vmConfig":{"env":[{"value":"s3cret"}]}}}`,
			`{"spec":{"targetRef":{"kind":"Gateway","name":"w"}}}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var obj, want map[string]any
			for text, to := range map[string]*map[string]any{test.in: &obj, test.want: &want} {
				if err := json.Unmarshal([]byte(text), to); err != nil {
					t.Fatal(err)
				}
			}
			removed, ok := redact.Object(test.group, test.resource, obj)
			if diff := cmp.Diff(want, obj); diff != "" || !ok || removed == 0 {
				t.Errorf("removed %d, %v (-want +got):\n%s", removed, ok, diff)
			}
		})
	}
}

func TestWhatIsNotKnownIsNotKept(t *testing.T) {
	for _, resource := range []struct{ group, name, object string }{
		{"", "secrets", `{}`}, {"example.com", "vaults", `{}`}, {"", "configmaps", `{"metadata":{"name":"app-settings"}}`},
	} {
		var obj map[string]any
		if err := json.Unmarshal([]byte(resource.object), &obj); err != nil {
			t.Fatal(err)
		}
		if _, ok := redact.Object(resource.group, resource.name, obj); ok {
			t.Errorf("%s/%s is kept", resource.group, resource.name)
		}
	}
}

func TestIstiodsMeshConfigurationLosesCredentials(t *testing.T) {
	var out bytes.Buffer
	removed, err := redact.MeshConfig(&out, strings.NewReader(`{"trustDomain":"td","extensionProviders":[{"name":"z","zipkin":{"headers":"s3cret"}}],"ca":{"tlsSettings":"s3cret"}}`))
	if err != nil || removed != 2 || strings.Contains(out.String(), "s3cret") || !strings.Contains(out.String(), `"trustDomain": "td"`) {
		t.Errorf("removed %d, %v:\n%s", removed, err, out.String())
	}
}
