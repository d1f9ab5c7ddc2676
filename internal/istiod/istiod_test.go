package istiod_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/internal/istiod"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

func ptr[T any](v T) *T { return &v }

func TestSyncz(t *testing.T) {
	got, err := istiod.ReadSyncz(strings.NewReader(`[
	  {"cluster_id":"C","proxy":"ztunnel-a.istio-system","proxy_type":"ztunnel","istio_version":"1.29.2","resources":{
	    "type.googleapis.com/istio.workload.Address":{"sent":"n2","acked":"n1","sentTime":"2026-11-23T01:26:50.5Z","lastError":"bad"}}},
	  {"proxy":"gw.ns","proxy_type":"router","cluster_sent":"x"}]`))
	want := []istiod.SyncStatus{{
		ClusterID: "C", Proxy: "ztunnel-a.istio-system", ProxyType: istiod.ProxyZtunnel, IstioVersion: "1.29.2",
		Resources: map[string]istiod.ResourceStatus{istiod.TypeAddress: {
			Sent: "n2", Acked: "n1", LastError: "bad", SentTime: time.Date(2026, 11, 23, 1, 26, 50, 500_000_000, time.UTC),
		}},
	}, {Proxy: "gw.ns", ProxyType: istiod.ProxyRouter, Extra: []byte(`{"cluster_sent":"x"}`)}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func readAmbientz(r io.Reader) (*istiod.Ambientz, error) { return istiod.VisitAmbientz(r, nil) }

const answer = `{
 "workloads":[
  {"uid":"C//Pod/shop/cart","name":"cart","namespace":"shop","addresses":["MTAuMC4wLjE=","ZmQwMDo6MQ=="],"tunnelProtocol":"HBONE",
   "serviceAccount":"cart","node":"n1","workloadType":"POD","workloadName":"cart","clusterId":"C","locality":{"region":"r","zone":"z"},
   "services":{"shop/cart.shop.svc":{"ports":[{"servicePort":80,"targetPort":8080}]}},"authorizationPolicies":["shop/p"],
   "waypoint":{"hostname":{"namespace":"shop","hostname":"wp.shop.svc"},"hboneMtlsPort":15008}},
  {"uid":"C//Pod/shop/sick","name":"sick","namespace":"shop","addresses":["CgAAAg=="],"status":"UNHEALTHY","networkMode":"HOST_NETWORK",
   "workloadType":9,"capacity":3,"services":{"shop/cart.shop.svc":{"ports":[{"servicePort":80,"targetPort":8080}]},
   "shop/all.shop.svc":{"ports":[{"servicePort":1}]},"shop/gone.shop.svc":{}}}],
 "services":[
  {"name":"cart","namespace":"shop","hostname":"cart.shop.svc","addresses":[{"network":"net1","address":"MTAuOTYuMC4x"},{"address":"MTAuMS4wLjA=","length":16}],
   "ports":[{"servicePort":80,"targetPort":8080,"appProtocol":"HTTP11"}],"ipFamilies":"IPV4_ONLY","canonical":true,
   "loadBalancing":{"routingPreference":["NETWORK","REGION"],"mode":"FAILOVER"},"visibility":"NAMESPACE",
   "weightedWaypoints":[{"destination":{"address":{"address":"MTAuMC4wLjk="},"hboneMtlsPort":15008},"weight":90}]},
  {"name":"all","namespace":"shop","hostname":"all.shop.svc","loadBalancing":{"healthPolicy":"ALLOW_ALL"}}],
 "policies":[
  {"name":"p","namespace":"shop","scope":"WORKLOAD_SELECTOR","action":"DENY","dryRun":true,"groups":[{"rules":[{"matches":[
   {"principals":[{"exact":"a"},{"prefix":"b"}],"notPrincipals":[{"suffix":"c"},{"presence":{}}],"sourceIps":[{"address":"CgAAAA==","length":8}],
    "serviceAccounts":[{"namespace":"n","serviceAccount":"s"}],"destinationPorts":[80]}]}]}]},
  {"name":"none","namespace":"istio-system"}]}`

func TestAmbientzSpeaksAsZtunnelDoes(t *testing.T) {
	got, err := readAmbientz(strings.NewReader(answer))
	want := &istiod.Ambientz{
		Workloads: []istiod.Workload{{
			Pointer: "/workloads/0", WorkloadIPs: []string{"10.0.0.1", "fd00::1"}, Protocol: "HBONE", NetworkMode: "Standard",
			UID: "C//Pod/shop/cart", Name: "cart", Namespace: "shop", TrustDomain: "cluster.local", ServiceAccount: "cart",
			WorkloadName: "cart", WorkloadType: "pod", Node: "n1", AuthorizationPolicies: []string{"shop/p"}, Status: "Healthy",
			ClusterID: "C", Locality: &ztunnel.Locality{Region: "r", Zone: "z"}, Services: []string{"shop/cart.shop.svc"},
			Capacity: ptr(uint32(1)), Waypoint: &ztunnel.GatewayAddress{Destination: "shop/wp.shop.svc", HBONEMTLSPort: 15008},
		}, {
			Pointer: "/workloads/1", WorkloadIPs: []string{"10.0.0.2"}, Protocol: "TCP", NetworkMode: "HostNetwork",
			UID: "C//Pod/shop/sick", Name: "sick", Namespace: "shop", TrustDomain: "cluster.local", ServiceAccount: "default",
			WorkloadType: "9", Status: "Unhealthy", ClusterID: "Kubernetes", Capacity: ptr(uint32(3)),
			Services: []string{"shop/all.shop.svc", "shop/cart.shop.svc", "shop/gone.shop.svc"},
		}},
		Services: []istiod.Service{{
			Pointer: "/services/0", Name: "cart", Namespace: "shop", Hostname: "cart.shop.svc", VIPs: []string{"net1/10.96.0.1"},
			CIDRVIPs: []ztunnel.CIDRVIP{{CIDR: "10.1.0.0/16"}}, Ports: map[uint16]uint16{80: 8080}, SubjectAltNames: []string{},
			Endpoints: map[string]ztunnel.Endpoint{
				"C//Pod/shop/cart": {WorkloadUID: "C//Pod/shop/cart", Ports: map[uint16]uint16{80: 8080}, Status: "Healthy"}},
			WeightedWaypoints: []ztunnel.WeightedWaypoint{{Destination: ztunnel.GatewayAddress{Destination: "/10.0.0.9", HBONEMTLSPort: 15008}, Weight: 90}},
			LoadBalancer:      &ztunnel.LoadBalancer{RoutingPreferences: []string{"Network", "Region"}, Mode: "Failover", HealthPolicy: "OnlyHealthy"},
			IPFamilies:        "IPv4", Canonical: ptr(true), Visibility: "Namespace",
		}, {
			Pointer: "/services/1", Name: "all", Namespace: "shop", Hostname: "all.shop.svc", VIPs: []string{}, Ports: map[uint16]uint16{},
			SubjectAltNames: []string{},
			Endpoints: map[string]ztunnel.Endpoint{
				"C//Pod/shop/sick": {WorkloadUID: "C//Pod/shop/sick", Ports: map[uint16]uint16{1: 0}, Status: "Unhealthy"}},
			LoadBalancer: &ztunnel.LoadBalancer{RoutingPreferences: []string{}, Mode: "Standard", HealthPolicy: "AllowAll"},
			Canonical:    ptr(false), Visibility: "Public",
		}},
		Policies: []istiod.Policy{{
			Pointer: "/policies/0", Name: "p", Namespace: "shop", Scope: "WorkloadSelector", Action: "Deny", DryRun: ptr(true),
			Rules: [][][]ztunnel.Match{{{{
				Principals:       []ztunnel.StringMatch{{Kind: "Exact", Value: "a"}, {Kind: "Prefix", Value: "b"}},
				NotPrincipals:    []ztunnel.StringMatch{{Kind: "Suffix", Value: "c"}, {Kind: "Presence"}},
				SourceIPs:        []string{"10.0.0.0/8"},
				ServiceAccounts:  []ztunnel.ServiceAccountMatch{{Namespace: "n", ServiceAccount: "s"}},
				DestinationPorts: []uint16{80},
			}}}},
		}, {
			Pointer: "/policies/1", Name: "none", Namespace: "istio-system", Scope: "Global", Action: "Allow", DryRun: ptr(false),
			Rules: [][][]ztunnel.Match{},
		}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(ztunnel.StringMatch{}, ztunnel.CIDRVIP{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestConfigDump(t *testing.T) {
	tests := []struct {
		name, text                    string
		empty                         bool
		workloads, services, policies int
		unknown                       []string
	}{
		{"empty from 1.25 on", `{}`, true, 0, 0, 0, nil},
		{"addresses of 1.24", `{"configs":[
		   {"@type":"type.googleapis.com/istio.workload.Address","workload":{"uid":"u","addresses":["CgAAAQ=="]}},
		   {"@type":"type.googleapis.com/istio.workload.Address","service":{"name":"s","addresses":[{"address":"CgAAAg=="}]}}]}`, false, 1, 1, 0, nil},
		{"policies", `{"configs":[{"@type":"type.googleapis.com/istio.security.Authorization","name":"p","namespace":"n"}]}`, false, 0, 0, 1, nil},
		{"of an Envoy", `{"configs":[{"@type":"type.googleapis.com/envoy.admin.v3.ClustersConfigDump"}]}`, false, 0, 0, 0,
			[]string{"type.googleapis.com/envoy.admin.v3.ClustersConfigDump"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := istiod.ReadConfigDump(strings.NewReader(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if d.Empty != tt.empty || len(d.Workloads) != tt.workloads || len(d.Services) != tt.services || len(d.Policies) != tt.policies {
				t.Errorf("got %+v", d)
			}
			if diff := cmp.Diff(tt.unknown, d.Unknown); diff != "" {
				t.Errorf("unknown (-want +got):\n%s", diff)
			}
			for _, w := range d.Workloads {
				if w.Pointer != "/configs/0/workload" || w.WorkloadIPs[0] != "10.0.0.1" {
					t.Errorf("workload = %+v", w)
				}
			}
			for _, s := range d.Services {
				if s.Pointer != "/configs/1/service" || s.VIPs[0] != "/10.0.0.2" {
					t.Errorf("service = %+v", s)
				}
			}
		})
	}
}

func TestMeshNetworkzAndClusterz(t *testing.T) {
	m, err := istiod.ReadMesh(strings.NewReader(`{"trustDomain":"td","trustDomainAliases":["old"],"rootNamespace":"istio-system",
	  "discoverySelectors":[{"matchLabels":{"a":"b"}}],"defaultConfig":{"discoveryAddress":"istiod:15012","proxyMetadata":{"K":"V"}},"ingressClass":"istio"}`))
	if err != nil || m.TrustDomain != "td" || m.DefaultConfig.ProxyMetadata["K"] != "V" || len(m.DiscoverySelectors) != 1 || string(m.Extra) != `{"ingressClass":"istio"}` {
		t.Errorf("mesh = %+v, %v", m, err)
	}
	n, err := istiod.ReadNetworkz(strings.NewReader("null"))
	if err != nil || len(n) != 0 {
		t.Errorf("networkz = %+v, %v", n, err)
	}
	n, err = istiod.ReadNetworkz(strings.NewReader(`[{"Network":"n2","Cluster":"c2","Addr":"1.2.3.4","Port":15443,"HBONEPort":15008,"ServiceAccount":{"Namespace":"","Name":""}}]`))
	if err != nil || len(n) != 1 || n[0].Network != "n2" || n[0].HBONEPort != 15008 {
		t.Errorf("networkz = %+v, %v", n, err)
	}
	c, err := istiod.ReadClusterz(strings.NewReader(`[{"id":"C","secretName":"","syncStatus":"synced"}]`))
	if diff := cmp.Diff([]istiod.Cluster{{ID: "C", SyncStatus: "synced"}}, c); diff != "" || err != nil {
		t.Errorf("clusterz, %v (-want +got):\n%s", err, diff)
	}
}

func TestAnAnswerThatIsNoneIsAnErrorThatNamesTheEndpoint(t *testing.T) {
	text := "Proxy not connected to this Pilot instance. It may be connected to another instance."
	_, syncz := istiod.ReadSyncz(strings.NewReader(text))
	_, ambientz := readAmbientz(strings.NewReader(`{"workloads":[`))
	_, dump := istiod.ReadConfigDump(strings.NewReader(text))
	_, mesh := istiod.ReadMesh(strings.NewReader(""))
	for endpoint, err := range map[string]error{"syncz": syncz, "ambientz": ambientz, "config_dump": dump, "mesh": mesh} {
		if err == nil || !strings.Contains(err.Error(), "/debug/"+endpoint) {
			t.Errorf("%s: error %v", endpoint, err)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add(answer)
	f.Add(`{"configs":[{"@type":"type.googleapis.com/istio.workload.Address","workload":{"addresses":["CgAAAQ==","x"]}}]}`)
	f.Add(`[{"proxy":"a","resources":{"t":{"sentTime":"x"}}}]`)
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := readAmbientz(strings.NewReader(text)); err == nil && a == nil {
			t.Error("neither an answer nor an error")
		}
		if d, err := istiod.ReadConfigDump(strings.NewReader(text)); err == nil && d == nil {
			t.Error("neither an answer nor an error")
		}
		if _, err := istiod.ReadSyncz(strings.NewReader(text)); err == nil && strings.TrimSpace(text) == "" {
			t.Error("an empty answer was read")
		}
	})
}
