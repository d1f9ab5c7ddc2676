package mesh_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/analyze/mesh"
)

func TestPoliciesTogetherDecideWhatACapturedPodIsKeptFrom(t *testing.T) {
	app, hbone := []mesh.PortRange{{From: 8080, To: 8080}}, []mesh.PortRange{{From: 15008, To: 15008}}
	probes := []mesh.AddressBlock{{CIDR: netip.MustParsePrefix("169.254.7.127/32")}}
	of := func(key, value string) mesh.LabelSelector {
		return mesh.LabelSelector{MatchLabels: map[string]string{key: value}}
	}
	appOnly := mesh.NetworkPolicy{Name: "app", Ingress: true, In: []mesh.Allowance{{Ports: app}}}
	for _, test := range []struct {
		name     string
		policies []mesh.NetworkPolicy
		hbone    []string // policies that keep HBONE out
		probes   []string // and those that keep probes out
	}{
		{"none", nil, nil, nil},
		{"the application's port alone", []mesh.NetworkPolicy{appOnly}, []string{"app"}, []string{"app"}},
		{"another isolates and opens it", []mesh.NetworkPolicy{appOnly, {Name: "mesh", Ingress: true, In: []mesh.Allowance{{Ports: hbone}, {Ports: app, Blocks: probes}}}}, nil, nil},
		{"another only opens it", []mesh.NetworkPolicy{appOnly, {Name: "mesh", In: []mesh.Allowance{{Ports: hbone}, {Blocks: probes}}}}, nil, nil},
		{"another that is for a namespace elsewhere", []mesh.NetworkPolicy{appOnly, {Name: "mesh", Namespace: "pay", In: []mesh.Allowance{{Ports: hbone}}}}, []string{"app"}, []string{"app"}},
		{"nobody at all is let in", []mesh.NetworkPolicy{{Name: "none", Ingress: true}}, nil, []string{"none"}},
		{"one that only opens isolates nobody", []mesh.NetworkPolicy{{Name: "opens", In: []mesh.Allowance{{Ports: app}}}}, nil, nil},
		{"chosen by Cilium's name of the namespace", []mesh.NetworkPolicy{{Name: "app", Ingress: true, Selector: of("io.kubernetes.pod.namespace", "shop"), In: []mesh.Allowance{{Ports: app}}}},
			[]string{"app"}, []string{"app"}},
		{"chosen by the namespace's labels", []mesh.NetworkPolicy{{Name: "app", Ingress: true, Selector: of("io.cilium.k8s.namespace.labels.team", "one"), In: []mesh.Allowance{{Ports: app}}}},
			[]string{"app"}, []string{"app"}},
		{"chosen by Calico's name of another namespace", []mesh.NetworkPolicy{{Name: "app", Ingress: true, Selector: of("projectcalico.org/namespace", "pay"), In: []mesh.Allowance{{Ports: app}}}}, nil, nil},
		{"any caller, on the application's port", []mesh.NetworkPolicy{{Name: "app", Ingress: true, In: []mesh.Allowance{{AnyPeer: true, Ports: app}}}}, []string{"app"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := &mesh.Mesh{
				Namespaces: []*mesh.Namespace{{Name: "shop", Labels: map[string]string{"team": "one"}}},
				Pods: []*mesh.Pod{{
					Namespace: "shop", Name: "web", UID: "1", Phase: "Running", IPs: []string{"10.0.0.1"}, ProbePorts: []int{8080},
					Annotations: map[string]string{"ambient.istio.io/redirection": "enabled"},
				}},
			}
			for i := range test.policies {
				m.NetworkPolicies = append(m.NetworkPolicies, &test.policies[i])
			}
			m.Join()
			var shut, unprobed []string
			for _, np := range m.NetworkPolicies {
				if len(np.BlocksHBONEIn) > 0 {
					shut = append(shut, np.Name)
				}
				if len(np.BlocksProbes) > 0 {
					unprobed = append(unprobed, np.Name)
				}
			}
			if diff := cmp.Diff([][]string{test.hbone, test.probes}, [][]string{shut, unprobed}); diff != "" {
				t.Errorf("HBONE and probes kept out (-want +got):\n%s", diff)
			}
		})
	}
}
