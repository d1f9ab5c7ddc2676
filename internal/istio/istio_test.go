package istio_test

import (
	"testing"

	"github.com/zbundle/zbundle/internal/istio"
)

func TestPodsAreKnownByWhatTheyRunAndByTheirLabels(t *testing.T) {
	type labels = map[string]string
	one := func(name string, args ...string) []istio.Container {
		return []istio.Container{{Name: name, Args: args}}
	}
	for name, test := range map[string]struct {
		pod                  istio.Pod
		component, container string
	}{
		"ztunnel of the chart":                     {istio.Pod{Labels: labels{"app": "ztunnel"}, Containers: one("istio-proxy")}, istio.Ztunnel, "istio-proxy"},
		"ztunnel whose container is renamed":       {istio.Pod{Labels: labels{"app": "ztunnel"}, Containers: one("proxy")}, istio.Ztunnel, "proxy"},
		"ztunnel by its arguments alone":           {istio.Pod{Labels: labels{"app": "mesh-node"}, Containers: one("istio-proxy", "proxy", "ztunnel")}, istio.Ztunnel, "istio-proxy"},
		"ztunnel by its recommended label":         {istio.Pod{Labels: labels{"app.kubernetes.io/name": "ztunnel"}, Containers: one("istio-proxy")}, istio.Ztunnel, "istio-proxy"},
		"something else of that name":              {istio.Pod{Labels: labels{"app.kubernetes.io/name": "ztunnel"}, Containers: one("exporter")}, "", ""},
		"Cilium's ztunnel":                         {istio.Pod{Labels: labels{"app": "ztunnel-cilium"}, Containers: one("istio-proxy", "proxy", "ztunnel")}, "", ""},
		"istio-cni of the chart":                   {istio.Pod{Labels: labels{"k8s-app": "istio-cni-node"}, Containers: one("install-cni")}, istio.CNI, "install-cni"},
		"istio-cni by its container":               {istio.Pod{Containers: one("install-cni")}, istio.CNI, "install-cni"},
		"istiod of the chart":                      {istio.Pod{Labels: labels{"app": "istiod"}, Containers: one("discovery")}, istio.Istiod, "discovery"},
		"istiod by its arguments":                  {istio.Pod{Labels: labels{"app": "pilot"}, Containers: one("discovery", "discovery", "--log_output_level=debug")}, istio.Istiod, "discovery"},
		"a service discovery of somebody's own":    {istio.Pod{Containers: one("discovery", "--serve")}, "", ""},
		"Envoy waypoint":                           {istio.Pod{Labels: labels{"gateway.networking.k8s.io/gateway-name": "w", "gateway.istio.io/managed": "istio.io-mesh-controller"}, Containers: one("istio-proxy", "proxy", "waypoint")}, istio.Waypoint, "istio-proxy"},
		"agentgateway waypoint":                    {istio.Pod{Labels: labels{"gateway.networking.k8s.io/gateway-name": "w", "gateway.istio.io/managed": "istio.io-agentgateway-waypoint-controller"}, Containers: one("agentgateway", "--config", "{}")}, istio.Waypoint, "agentgateway"},
		"agentgateway of ingress":                  {istio.Pod{Labels: labels{"gateway.networking.k8s.io/gateway-name": "g", "gateway.istio.io/managed": "istio.io-agentgateway-controller"}, Containers: one("agentgateway")}, istio.Gateway, "agentgateway"},
		"gateway of the Gateway API":               {istio.Pod{Labels: labels{"gateway.networking.k8s.io/gateway-name": "g"}, Containers: one("istio-proxy", "proxy", "router")}, istio.Gateway, "istio-proxy"},
		"gateway of the chart":                     {istio.Pod{Labels: labels{"istio": "eastwestgateway"}, Containers: one("istio-proxy")}, istio.Gateway, "istio-proxy"},
		"gateway that only its Gateway could tell": {istio.Pod{Labels: labels{"gateway.networking.k8s.io/gateway-name": "g"}, Containers: one("nginx")}, "", ""},
		"application with a sidecar":               {istio.Pod{Labels: labels{"app": "web"}, Containers: []istio.Container{{Name: "web"}, {Name: "istio-proxy", Args: []string{"proxy", "sidecar"}}}}, "", ""},
		"ztunnel of which only the name is known":  {istio.Pod{Name: "ztunnel-7xk2p"}, istio.Ztunnel, "istio-proxy"},
		"a name that only looks like it":           {istio.Pod{Name: "ztunnel-dashboard-1", Labels: labels{"app": "grafana"}, Containers: one("grafana")}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if component, container := test.pod.Component(); component != test.component || container != test.container {
				t.Errorf("%q in %q, want %q in %q", component, container, test.component, test.container)
			}
		})
	}
}

func TestGatewaysAreKnownByTheirControllersAndElseByTheirUse(t *testing.T) {
	for name, test := range map[string]struct {
		gateway istio.GatewayObject
		want    string
	}{
		"waypoint whose class was not seen":       {istio.GatewayObject{Class: "istio-waypoint"}, istio.Waypoint},
		"class of one's own":                      {istio.GatewayObject{Class: "big-waypoint", Controller: "istio.io/mesh-controller"}, istio.Waypoint},
		"agentgateway waypoint":                   {istio.GatewayObject{Class: "istio-agentgateway-waypoint", Controller: "istio.io/agentgateway-waypoint-controller"}, istio.Waypoint},
		"east-west gateway, which takes HBONE":    {istio.GatewayObject{Class: "istio-east-west", Protocols: []string{"HBONE"}}, istio.Gateway},
		"ingress that something calls waypoint":   {istio.GatewayObject{Class: "istio", Controller: "istio.io/gateway-controller", Referred: true}, istio.Gateway},
		"another's, to which traffic is bound":    {istio.GatewayObject{Class: "kgateway-waypoint", Controller: "kgateway.dev/kgateway", Referred: true}, istio.Waypoint},
		"another's, with an HBONE listener":       {istio.GatewayObject{Class: "new", Controller: "example.com/new", Protocols: []string{"HTTP", "HBONE"}}, istio.Waypoint},
		"another's, behind a captured pod":        {istio.GatewayObject{Class: "kgateway-waypoint", Protocols: []string{"istio.io/PROXY"}}, istio.Waypoint},
		"another's, which the mesh has no use of": {istio.GatewayObject{Class: "nginx", Controller: "example.com/nginx", Protocols: []string{"HTTP"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.gateway.Component(); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
