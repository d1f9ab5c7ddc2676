package load

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// policyResources are the lists that hold network policies, by "<group>/<resource>".
var policyResources = map[string]string{
	"k8s":            "networking.k8s.io/networkpolicies",
	"cilium":         "cilium.io/ciliumnetworkpolicies",
	"cilium cluster": "cilium.io/ciliumclusterwidenetworkpolicies",
	"calico":         "crd.projectcalico.org/networkpolicies",
	"calico global":  "crd.projectcalico.org/globalnetworkpolicies",
}

func readPolicies(t testing.TB, of, list string) ([]*mesh.NetworkPolicy, error) {
	t.Helper()
	group, resource, ok := strings.Cut(policyResources[of], "/")
	if !ok {
		t.Fatalf("no resource %q", of)
	}
	l := newLoader("", common{summary: &Summary{Origins: map[string]string{}}})
	err := l.objects.clusterFile(group, resource, bundle.File{Path: layout.Objects(group, resource), Reader: strings.NewReader(list)})
	return l.mesh.NetworkPolicies, err
}

// Shapes as in the documentation of the APIs.
func TestNetworkPoliciesOfAllMakersSayWhatTheyLetThrough(t *testing.T) {
	port := func(from, to int) []mesh.PortRange { return []mesh.PortRange{{From: from, To: to}} }
	block := func(cidr string, except ...string) mesh.AddressBlock {
		b := mesh.AddressBlock{CIDR: netip.MustParsePrefix(cidr)}
		for _, e := range except {
			b.Except = append(b.Except, netip.MustParsePrefix(e))
		}
		return b
	}
	everywhere := []mesh.AddressBlock{block("0.0.0.0/0"), block("::/0")}
	web := mesh.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	for _, test := range []struct {
		name, of, spec string
		want           mesh.NetworkPolicy
	}{
		{"nobody may call anybody", "k8s", `{"podSelector":{},"policyTypes":["Ingress"]}`, mesh.NetworkPolicy{Ingress: true}},
		{"without types and egress rules it is for ingress", "k8s", `{"podSelector":{"matchLabels":{"app":"web"}},"ingress":[{}]}`,
			mesh.NetworkPolicy{Ingress: true, Selector: web, In: []mesh.Allowance{{AnyPeer: true}}}},
		{"with egress rules it is for both", "k8s", `{"podSelector":{},"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]}}],"ports":[{"protocol":"TCP","port":5432}]}]}`,
			mesh.NetworkPolicy{Ingress: true, Egress: true, Out: []mesh.Allowance{{Ports: port(5432, 5432), Blocks: []mesh.AddressBlock{block("10.0.0.0/8", "10.1.0.0/16")}}}}},
		{"ports: a number, a range, a name and another protocol's", "k8s", `{"podSelector":{},"policyTypes":["Ingress"],"ingress":[{"from":[{"podSelector":{}}],
			"ports":[{"port":80},{"protocol":"TCP","port":9000,"endPort":9010},{"port":"http"},{"protocol":"UDP","port":53}]}]}`,
			mesh.NetworkPolicy{Ingress: true, In: []mesh.Allowance{{Ports: []mesh.PortRange{{From: 80, To: 80}, {From: 9000, To: 9010}, {Name: "http"}}}}}},
		{"only another protocol", "k8s", `{"podSelector":{},"ingress":[{"ports":[{"protocol":"UDP","port":53}]}]}`,
			mesh.NetworkPolicy{Ingress: true, In: []mesh.Allowance{{AnyPeer: true, NoTCP: true}}}},
		{"expressions", "k8s", `{"podSelector":{"matchExpressions":[{"key":"tier","operator":"NotIn","values":["db"]}]}}`,
			mesh.NetworkPolicy{Ingress: true, Selector: mesh.LabelSelector{Expressions: []mesh.Requirement{{Key: "tier", Operator: "NotIn", Values: []string{"db"}}}}}},

		{"peers and ports", "cilium", `{"endpointSelector":{"matchLabels":{"k8s:app":"web"}},"ingress":[{"fromEndpoints":[{"matchLabels":{"any:app":"shop"}}],
			"toPorts":[{"ports":[{"port":"8080","protocol":"TCP"}],"rules":{"http":[{"method":"GET"}]}}]}]}`,
			mesh.NetworkPolicy{Ingress: true, Selector: web, In: []mesh.Allowance{{Ports: port(8080, 8080)}}}},
		{"a rule of nothing keeps all out", "cilium", `{"endpointSelector":{},"ingress":[{}]}`,
			mesh.NetworkPolicy{Ingress: true, In: []mesh.Allowance{{AnyPeer: true, NoTCP: true}}}},
		{"ports alone let all in to them", "cilium", `{"endpointSelector":{},"ingress":[{"toPorts":[{"ports":[{"port":"15008"}]}]}]}`,
			mesh.NetworkPolicy{Ingress: true, In: []mesh.Allowance{{AnyPeer: true, Ports: port(15008, 15008)}}}},
		{"port 0 is every port, and ANY is TCP too", "cilium", `{"endpointSelector":{},"egress":[{"toEntities":["cluster"],"toPorts":[{"ports":[{"port":"0","protocol":"ANY"}]}]}]}`,
			mesh.NetworkPolicy{Egress: true, Out: []mesh.Allowance{{Ports: port(1, 65535)}}}},
		{"a port of a range", "cilium", `{"endpointSelector":{},"ingress":[{"fromEntities":["world"],"toPorts":[{"ports":[{"port":"15000","endPort":15010,"protocol":"TCP"}]}]}]}`,
			mesh.NetworkPolicy{Ingress: true, In: []mesh.Allowance{{Ports: port(15000, 15010), Blocks: everywhere}}}},
		{"addresses", "cilium", `{"endpointSelector":{},"ingress":[{"fromCIDR":["169.254.7.127"]},{"fromCIDRSet":[{"cidr":"10.0.0.0/8","except":["10.96.0.0/12"]}]},{"fromCIDRSet":[{"cidrGroupRef":"probes"}]}]}`,
			mesh.NetworkPolicy{Ingress: true, In: []mesh.Allowance{
				{Blocks: []mesh.AddressBlock{block("169.254.7.127/32")}}, {Blocks: []mesh.AddressBlock{block("10.0.0.0/8", "10.96.0.0/12")}}, {Blocks: everywhere}}}},
		{"pings alone", "cilium", `{"endpointSelector":{},"ingress":[{"icmps":[{"fields":[{"type":8,"family":"IPv4"}]}]}]}`,
			mesh.NetworkPolicy{Ingress: true, In: []mesh.Allowance{{AnyPeer: true, NoTCP: true}}}},
		{"denials isolate", "cilium", `{"endpointSelector":{},"ingressDeny":[{"fromEntities":["world"]}],"ingress":[]}`, mesh.NetworkPolicy{Ingress: true}},
		{"an empty list isolates from nothing", "cilium", `{"endpointSelector":{},"ingress":[]}`, mesh.NetworkPolicy{}},
		{"one that only opens", "cilium cluster", `{"endpointSelector":{},"enableDefaultDeny":{"ingress":false},"ingress":[{"fromCIDR":["169.254.7.127/32"]}]}`,
			mesh.NetworkPolicy{In: []mesh.Allowance{{Blocks: []mesh.AddressBlock{block("169.254.7.127/32")}}}}},

		{"allows", "calico", `{"selector":"app == 'web'","types":["Ingress"],"ingress":[{"action":"Allow","protocol":"TCP","source":{"nets":["169.254.7.127/32"]},"destination":{"ports":[8080,"9000:9010","http"]}}]}`,
			mesh.NetworkPolicy{Ingress: true, Selector: mesh.LabelSelector{Expressions: []mesh.Requirement{{Key: "app", Operator: "In", Values: []string{"web"}}}},
				In: []mesh.Allowance{{Blocks: []mesh.AddressBlock{block("169.254.7.127/32")}, Ports: []mesh.PortRange{{From: 8080, To: 8080}, {From: 9000, To: 9010}, {Name: "http"}}}}}},
		{"without types, by what rules it has", "calico", `{"selector":"all()","egress":[{"action":"Allow","protocol":"UDP","destination":{"ports":[53]}}]}`,
			mesh.NetworkPolicy{Egress: true, Out: []mesh.Allowance{{AnyPeer: true, NoTCP: true}}}},
		{"no rules at all", "calico", `{}`, mesh.NetworkPolicy{Ingress: true}},
		{"where rules deny too, order decides", "calico global", `{"types":["Ingress"],"ingress":[{"action":"Deny","source":{"nets":["10.0.0.0/8"]}},{"action":"Allow","protocol":6,"destination":{"ports":[15008]}}]}`,
			mesh.NetworkPolicy{In: []mesh.Allowance{{AnyPeer: true, Ports: port(15008, 15008)}}}},
		{"what is logged is not decided", "calico", `{"types":["Ingress"],"ingress":[{"action":"Log"}]}`, mesh.NetworkPolicy{Ingress: true}},
		{"for accounts, of which it is not known whose they are", "calico", `{"selector":"app == 'web'","serviceAccountSelector":"role == 'web'","types":["Ingress"]}`, mesh.NetworkPolicy{}},
		{"from accounts", "calico", `{"types":["Ingress"],"ingress":[{"action":"Allow","source":{"serviceAccounts":{"names":["shop"]}}}]}`,
			mesh.NetworkPolicy{Ingress: true, In: []mesh.Allowance{{}}}},
		{"every protocol but one", "calico", `{"types":["Ingress"],"ingress":[{"action":"Allow","notProtocol":"UDP"},{"action":"Allow","notProtocol":"TCP"}]}`,
			mesh.NetworkPolicy{Ingress: true, In: []mesh.Allowance{{AnyPeer: true}, {AnyPeer: true, NoTCP: true}}}},
	} {
		t.Run(test.of+": "+test.name, func(t *testing.T) {
			got, err := readPolicies(t, test.of, `{"items":[{"metadata":{"namespace":"shop","name":"p"},"spec":`+test.spec+`}]}`)
			if err != nil || len(got) != 1 {
				t.Fatalf("%d policies, %v", len(got), err)
			}
			want := test.want
			want.Kind, want.Namespace, want.Name, want.Source = got[0].Kind, "shop", "p", got[0].Source
			if len(want.Selector.MatchLabels) == 0 {
				want.Selector.MatchLabels = got[0].Selector.MatchLabels // empty or none
			}
			if diff := cmp.Diff(&want, got[0], cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !strings.Contains(got[0].Source.Pointer, "/items/0") || len(got[0].Selector.MatchLabels) != len(test.want.Selector.MatchLabels) {
				t.Errorf("from %+v, selects %v", got[0].Source, got[0].Selector.MatchLabels)
			}
		})
	}
}

func TestPoliciesThatAreForNoPod(t *testing.T) {
	for of, spec := range map[string]string{
		"cilium cluster": `{"nodeSelector":{"matchLabels":{"kubernetes.io/os":"linux"}},"ingress":[{"fromEntities":["cluster"]}]}`,
		"calico global":  `{"doNotTrack":true,"applyOnForward":true,"ingress":[{"action":"Allow"}]}`,
	} {
		if got, err := readPolicies(t, of, `{"items":[{"metadata":{"name":"p"},"spec":`+spec+`}]}`); err != nil || len(got) > 0 {
			t.Errorf("%s: %+v, %v", of, got, err)
		}
	}
	specs := `{"items":[{"metadata":{"name":"p"},"specs":[{"endpointSelector":{},"ingress":[{}]},{"endpointSelector":{},"egress":[{}]}]}]}`
	if got, err := readPolicies(t, "cilium", specs); err != nil || len(got) != 2 {
		t.Errorf("of two rules %d were read, %v", len(got), err)
	}
}

func TestSelectorsOfCalico(t *testing.T) {
	for text, want := range map[string]struct {
		ok      bool
		matches []string // of "", "app=web", "app=shop" and "app=web,old="
	}{
		"":                                    {true, []string{"", "app=web", "app=shop", "app=web,old="}},
		"all()":                               {true, []string{"", "app=web", "app=shop", "app=web,old="}},
		`app == "web"`:                        {true, []string{"app=web", "app=web,old="}},
		"app=='web' && !has(old)":             {true, []string{"app=web"}},
		"app == 'web' && ! has( old )":        {true, []string{"app=web"}},
		"app != 'web'":                        {true, []string{"", "app=shop"}},
		"has(app) && app not in {'web', 'x'}": {true, []string{"app=shop"}},
		"app in {'shop',\"web\"}":             {true, []string{"app=web", "app=shop", "app=web,old="}},
		"has(app) || has(old)":                {false, nil},
		"(app == 'web')":                      {false, nil},
		"app contains 'we'":                   {false, nil},
		"!(has(app))":                         {false, nil},
		"global()":                            {false, nil},
	} {
		selector, ok := calicoSelector(text)
		var matches []string
		for _, labels := range []string{"", "app=web", "app=shop", "app=web,old="} {
			have := map[string]string{}
			for pair := range strings.SplitSeq(labels, ",") {
				if k, v, found := strings.Cut(pair, "="); found {
					have[k] = v
				}
			}
			if ok && selector.Matches(have) {
				matches = append(matches, labels)
			}
		}
		if diff := cmp.Diff(want.matches, matches); ok != want.ok || diff != "" {
			t.Errorf("%s: read: %v, want %v; matches (-want +got):\n%s", text, ok, want.ok, diff)
		}
	}
}

// FuzzNetworkPolicies reads a list of any maker's policies.
func FuzzNetworkPolicies(f *testing.F) {
	for of := range policyResources {
		f.Add(of, `{"items":[{"metadata":{"name":"p"},"spec":{"podSelector":{},"endpointSelector":{},"selector":"has(a) && b in {'c'}","ingress":[{"action":"Allow","from":[{"ipBlock":{"cidr":"::/0"}}],"ports":[{"port":"1:2"}],"toPorts":[{"ports":[{"port":"0"}]}]}]}}]}`)
	}
	f.Fuzz(func(t *testing.T, of, list string) {
		if policyResources[of] == "" {
			return // a resource that the fuzzer has invented: there is nothing to read
		}
		policies, _ := readPolicies(t, of, list)
		for _, p := range policies {
			p.Selector.Matches(map[string]string{"app": "web"})
			for _, a := range append(p.In, p.Out...) {
				for _, b := range a.Blocks {
					if !b.CIDR.IsValid() {
						t.Errorf("an address block of nothing: %+v", p)
					}
				}
				for _, r := range a.Ports {
					if r.Name == "" && r.From > r.To {
						t.Errorf("ports from %d to %d", r.From, r.To)
					}
				}
				if a.NoTCP && len(a.Ports) > 0 {
					t.Errorf("no TCP, and ports of it: %+v", a)
				}
			}
		}
	})
}
