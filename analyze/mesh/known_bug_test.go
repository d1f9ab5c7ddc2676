package mesh

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/semver"
)

// bugCase is one row of the table, told a second time: the versions at its
// borders, a mesh that meets it, and what of that mesh it can't do without.
type bugCase struct {
	component string
	has       string // versions that have the bug
	lacks     string // versions that don't
	meets     func() *Mesh
	without   []func(*Mesh)
}

// own are the pods that run the component of a case.
func own(m *Mesh) []*Pod { return m.Components[0].Pods }

func bugCases() map[string]bugCase {
	remote := func() []*Network {
		return []*Network{{Name: "east", Local: true}, {Name: "west", Workloads: []*Workload{{UID: "w"}}}}
	}
	oneNetwork := []func(*Mesh){
		func(m *Mesh) { m.Networks = m.Networks[:1] },
		func(m *Mesh) { m.Networks[1].Local = true },
		func(m *Mesh) { m.Networks[1].Workloads = nil },
	}
	pods := func(p *Pod) func() *Mesh {
		return func() *Mesh { one := *p; return &Mesh{Pods: []*Pod{&one}} }
	}
	crashed := func(reason string) []*Component {
		return []*Component{{Pods: []*Pod{{Name: "own", Crashed: &Container{LastReason: reason}}}}}
	}
	notCrashed := func(m *Mesh) { own(m)[0].Crashed = nil }
	return map[string]bugCase{
		"istio#51429": {"istio-cni", "1.21.9 1.22.1", "1.22.2 1.23.0",
			pods(&Pod{OwnerKind: "Job", Redirection: "enabled"}),
			[]func(*Mesh){func(m *Mesh) { m.Pods[0].OwnerKind = "ReplicaSet" }, func(m *Mesh) { m.Pods[0].Redirection = "" }}},
		"istio#54565": {"istio-cni", "1.23.9 1.24.2", "1.24.3 1.25.0",
			func() *Mesh { return &Mesh{CNIs: []*CNI{{ZtunnelConnected: 0}}} },
			[]func(*Mesh){func(m *Mesh) { m.CNIs[0].ZtunnelConnected = 1 }, func(m *Mesh) { m.CNIs[0].ZtunnelConnected = -1 }}},
		"istio#54146": {"istiod", "1.21.0 1.22.7 1.23.4 1.24.2", "1.22.8 1.23.5 1.24.3 1.25.0",
			func() *Mesh {
				return &Mesh{PeerAuthentications: []*PeerAuth{{PortModes: map[string]string{"80": "STRICT"}}}}
			},
			[]func(*Mesh){func(m *Mesh) { m.PeerAuthentications[0].PortModes = nil }}},
		"istio#55139": {"istio-cni", "1.23.0 1.24.3", "1.24.4 1.25.0",
			func() *Mesh {
				return &Mesh{Components: []*Component{{Pods: []*Pod{{Namespace: "istio-system", Name: "cni"}}}},
					Logs: []*Log{{Namespace: "istio-system", PodName: "cni", Message: "error: found more than one netns for the same pod: 2"}}}
			},
			[]func(*Mesh){func(m *Mesh) { m.Logs[0].Message = "found one netns" }, func(m *Mesh) { m.Logs[0].PodName = "other" }, func(m *Mesh) { m.Logs[0].Namespace = "other" }}},
		"istio#56738": {"istio-cni", "1.25.0 1.26.2", "1.26.3 1.27.0",
			func() *Mesh {
				return &Mesh{Ztunnels: []*Ztunnel{{HasReady: true, Pending: []string{"state manager", "workload proxy manager"}}}}
			},
			[]func(*Mesh){func(m *Mesh) { m.Ztunnels[0].HasReady = false }, func(m *Mesh) { m.Ztunnels[0].Ready = true }, func(m *Mesh) { m.Ztunnels[0].Pending = []string{"state manager"} }}},
		"istio#57316": {"istio-cni", "1.26.9 1.27.1", "1.27.2 1.28.0",
			func() *Mesh { return &Mesh{Events: []*Event{{Reason: "FailedCreatePodSandBox"}}} },
			[]func(*Mesh){func(m *Mesh) { m.Events[0].Reason = "BackOff" }}},
		"istio#57713": {"istiod", "1.25.0 1.26.4 1.27.1", "1.26.5 1.27.2 1.28.0",
			func() *Mesh { return &Mesh{Flows: []*Flow{{Class: "no-port"}}} },
			[]func(*Mesh){func(m *Mesh) { m.Flows[0].Class = "connect-failed" }}},
		"istio#57656": {"istiod", "1.26.0 1.27.9", "1.28.0 1.29.0",
			func() *Mesh { return &Mesh{ServiceEntries: []*ServiceEntry{{Resolution: "NONE"}}} },
			[]func(*Mesh){func(m *Mesh) { m.ServiceEntries[0].Resolution = "STATIC" }}},
		"ztunnel#1567": {"ztunnel", "1.26.0 1.27.9", "1.28.0 1.29.0",
			func() *Mesh { return &Mesh{Certificates: []*Certificate{{State: "Unavailable", Ztunnel: &Ztunnel{}}}} },
			[]func(*Mesh){func(m *Mesh) { m.Certificates[0].State = "Available" }, func(m *Mesh) { m.Certificates[0].Ztunnel.Version = "1.30.0" }}},
		"istio#57782": {"istiod", "1.27.9 1.28.0", "1.28.1 1.29.0",
			func() *Mesh {
				return &Mesh{ServiceEntries: []*ServiceEntry{{Hosts: []string{"a", "b"}}, {Hosts: []string{"c", "b"}}}}
			},
			[]func(*Mesh){func(m *Mesh) { m.ServiceEntries[1].Hosts[1] = "d" }, func(m *Mesh) { m.ServiceEntries = m.ServiceEntries[:1] }}},
		"istio#58427": {"istiod", "1.27.9 1.28.0", "1.28.1 1.29.0",
			func() *Mesh { return &Mesh{TrustDomain: "corp.example", Networks: remote()} },
			append([]func(*Mesh){func(m *Mesh) { m.TrustDomain = "cluster.local" }}, oneNetwork...)},
		"istio#58047": {"istiod", "1.27.9 1.28.2", "1.28.3 1.29.0",
			func() *Mesh {
				return &Mesh{Istiods: []*Istiod{{Clusters: map[string]string{"a": "synced", "b": "closed"}}}}
			},
			[]func(*Mesh){func(m *Mesh) { m.Istiods[0].Clusters["b"] = "syncing" }}},
		"ambient-multinetwork-cluster-stability": {"istiod", "1.27.9 1.28.3", "1.28.4 1.29.0",
			func() *Mesh {
				return &Mesh{Networks: remote(), Istiods: []*Istiod{{Clusters: map[string]string{"a": "synced", "b": "synced"}}}}
			},
			append([]func(*Mesh){func(m *Mesh) { delete(m.Istiods[0].Clusters, "b") }}, oneNetwork...)},
		"istio#58768": {"istio-cni", "1.27.9 1.28.3", "1.28.4 1.29.0",
			func() *Mesh {
				return &Mesh{Events: []*Event{{Reason: "FailedCreatePodSandBox"}}, DaemonSets: []*DaemonSet{{Component: "istio-cni", Desired: 3, Ready: 2}}}
			},
			[]func(*Mesh){func(m *Mesh) { m.Events = nil }, func(m *Mesh) { m.DaemonSets[0].Ready = 3 }, func(m *Mesh) { m.DaemonSets[0].Component = "ztunnel" }}},
		"istio#59321": {"istiod", "1.27.9 1.28.5 1.29.0", "1.28.6 1.29.1 1.30.0",
			func() *Mesh {
				return &Mesh{Components: crashed("Error"), Workloads: []*Workload{{Kind: "WorkloadEntry"}}}
			},
			[]func(*Mesh){notCrashed, func(m *Mesh) { m.Workloads[0].Kind = "Pod" }}},
		"aws-brancheni-probe-fix": {"istio-cni", "1.27.9 1.28.6 1.29.2", "1.28.7 1.29.3 1.30.0",
			pods(&Pod{Enrolled: true, ProbeFailures: 1, Annotations: map[string]string{"vpc.amazonaws.com/pod-eni": "[]"}}),
			[]func(*Mesh){func(m *Mesh) { m.Pods[0].Enrolled = false }, func(m *Mesh) { m.Pods[0].ProbeFailures = 0 }, func(m *Mesh) { m.Pods[0].Annotations = nil }}},
		"istio#60423": {"istiod", "1.27.9 1.28.7 1.29.3 1.30.0", "1.28.8 1.29.4 1.30.1 1.31.0",
			func() *Mesh { return &Mesh{Services: []*Service{{PublishNotReady: true}}} },
			[]func(*Mesh){func(m *Mesh) { m.Services[0].PublishNotReady = false }}},
		"krt-dependency-reverse-index-leak": {"istiod", "1.27.9 1.28.9 1.29.4 1.30.1", "1.28.10 1.29.5 1.30.2 1.31.0",
			func() *Mesh { return &Mesh{Components: crashed("OOMKilled")} },
			[]func(*Mesh){notCrashed, func(m *Mesh) { own(m)[0].Crashed.LastReason = "Error" }}},
		"istio#60328": {"istio-cni", "1.28.9 1.29.3 1.30.0", "1.29.4 1.30.1 1.31.0",
			func() *Mesh { return &Mesh{Components: crashed("Error")} },
			[]func(*Mesh){notCrashed}},
		"istio#59513": {"istiod", "1.28.9 1.29.1", "1.29.2 1.30.0",
			func() *Mesh {
				return &Mesh{Networks: remote(), Pods: []*Pod{{Component: "gateway", Labels: map[string]string{"istio": "eastwestgateway"}}}}
			},
			append([]func(*Mesh){func(m *Mesh) { m.Pods[0].Component = "" }, func(m *Mesh) { m.Pods[0].Labels["istio"] = "ingressgateway" }}, oneNetwork...)},
		"ambient-probe-ipset-reconcile": {"istio-cni", "1.28.9 1.29.4 1.30.1", "1.29.5 1.30.2 1.31.0",
			func() *Mesh {
				return &Mesh{Pods: []*Pod{{Enrolled: true, ProbeFailures: 1, Node: &Node{RebootedSeconds: 60}}}}
			},
			[]func(*Mesh){func(m *Mesh) { m.Pods[0].Enrolled = false }, func(m *Mesh) { m.Pods[0].ProbeFailures = 0 }, func(m *Mesh) { m.Pods[0].Node.RebootedSeconds = 0 }, func(m *Mesh) { m.Pods[0].Node = nil }}},
		"cni-ztunnel-poddeleted-deadlock": {"istio-cni", "1.28.9 1.29.5 1.30.2", "1.29.6 1.30.3 1.31.0",
			func() *Mesh { return &Mesh{Ztunnels: []*Ztunnel{{CNIConnection: "lost"}}} },
			[]func(*Mesh){func(m *Mesh) { m.Ztunnels[0].CNIConnection = "connected" }}},
		"istio#61168": {"istio-cni", "1.29.0 1.30.9", "1.31.0 1.32.0",
			pods(&Pod{HostNetwork: true, Redirection: "enabled"}),
			[]func(*Mesh){func(m *Mesh) { m.Pods[0].HostNetwork = false }, func(m *Mesh) { m.Pods[0].Redirection = "" }}},
		"wds-reconnect-version-skip": {"istiod", "1.29.0 1.30.9", "1.31.0 1.32.0",
			func() *Mesh { return &Mesh{Ztunnels: []*Ztunnel{{XDS: XDSState{Count: 21}}}} },
			[]func(*Mesh){func(m *Mesh) { m.Ztunnels[0].XDS.Count = 20 }}},
		"ztunnel#1284": {"ztunnel", "1.22.0 1.23.9", "1.24.0 1.25.0",
			func() *Mesh { return &Mesh{WorkloadStates: []*InPod{{State: "Pending"}}} },
			[]func(*Mesh){func(m *Mesh) { m.WorkloadStates[0].State = "Up" }, func(m *Mesh) { m.WorkloadStates[0].Pod = &Pod{} }}},
	}
}

// bugsOf are the links of what the mesh's component is said to have, in a version.
func bugsOf(m *Mesh, component, version string) []string {
	if len(m.Components) == 0 {
		m.Components = []*Component{{}}
	}
	c := m.Components[0]
	c.Name, c.Version, c.KnownBugs = component, version, nil
	for _, cert := range m.Certificates {
		if cert.Ztunnel.Version == "" {
			cert.Ztunnel.Version = version
		}
	}
	joinKnownBugs(m)
	var links []string
	for _, b := range c.KnownBugs {
		links = append(links, b.Link)
	}
	return links
}

func TestAKnownBugIsToldWhereItsVersionAndItsConditionsAreHere(t *testing.T) {
	cases := bugCases()
	for _, b := range upstreamBugs() {
		c, known := cases[b.link]
		if !known {
			t.Errorf("%s: no case tries it", b.link)
			continue
		}
		delete(cases, b.link)
		versions := strings.Fields(c.has)
		for _, v := range versions {
			if !slices.Contains(bugsOf(c.meets(), c.component, v), b.link) {
				t.Errorf("%s: not told of %s %s", b.link, c.component, v)
			}
			for i, spoil := range c.without {
				m := c.meets()
				bugsOf(m, c.component, v)
				spoil(m)
				if slices.Contains(bugsOf(m, c.component, v), b.link) {
					t.Errorf("%s: told of %s %s without condition %d", b.link, c.component, v, i)
				}
			}
		}
		for _, v := range append(strings.Fields(c.lacks), "", "master") {
			if slices.Contains(bugsOf(c.meets(), c.component, v), b.link) {
				t.Errorf("%s: told of %s %q", b.link, c.component, v)
			}
		}
		for _, other := range []string{"istiod", "ztunnel", "istio-cni"} {
			if other != c.component && slices.Contains(bugsOf(c.meets(), other, versions[0]), b.link) {
				t.Errorf("%s: told of %s", b.link, other)
			}
		}
	}
	for link := range cases {
		t.Errorf("%s: the table has no such bug", link)
	}
}

func TestAKnownBugPointsAtWhatMeetsIt(t *testing.T) {
	m := &Mesh{
		Components: []*Component{{Name: "istiod", Version: "1.28.7"}},
		Services:   []*Service{{Source: Evidence{File: "services.json", Pointer: "/items/0"}}, {PublishNotReady: true, Source: Evidence{File: "services.json", Pointer: "/items/1"}}},
	}
	joinKnownBugs(m)
	bugs := m.Components[0].KnownBugs
	if len(bugs) != 1 || len(bugs[0].Evidence()) != 1 || bugs[0].Evidence()[0].Pointer != "/items/1" {
		t.Errorf("told %+v", bugs)
	}
}

func TestEachKnownBugStandsOnceWithFixesInOrder(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range upstreamBugs() {
		if seen[b.link] || b.what == "" {
			t.Errorf("%s stands twice, or says nothing", b.link)
		}
		seen[b.link] = true
		last := ""
		for _, f := range b.fixed {
			fix, ok := release(f)
			if !ok || semver.Compare(semver.MajorMinor(fix), last) <= 0 {
				t.Errorf("%s: fixed in %v: want the first version of each minor, in order", b.link, b.fixed)
			}
			last = semver.MajorMinor(fix)
		}
	}
}
