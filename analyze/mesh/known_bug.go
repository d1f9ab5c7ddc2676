package mesh

import (
	"slices"
	"strings"

	"github.com/zbundle/zbundle/internal/istio"
)

// KnownBug is a bug of Istio that a component's version has, where what it
// takes to meet the bug is in the bundle.
type KnownBug struct {
	What string `expr:"what"`
	// Fixed are the first versions without it, one of each minor that got the fix; later minors have it too.
	Fixed []string `expr:"fixed"`
	// Link is the issue or the release note: "istio#51429".
	Link string `expr:"link"`
	// shown is what meets it.
	shown Item
}

// Evidence is where that stands which meets the bug.
func (b *KnownBug) Evidence() []Evidence { return b.shown.Evidence() }

// upstreamBug is a row of the table. A version alone is no finding: met gives
// what the bug takes beside it, and nil where that is not here.
type upstreamBug struct {
	component string
	fixed     []string
	link      string
	what      string
	met       func(*Mesh, *Component) Item
}

// upstreamBugs are those of Istio's release notes and issues that a bundle can show the conditions of.
func upstreamBugs() []upstreamBug {
	return []upstreamBug{
		{"istio-cni", []string{"1.22.2", "1.23.0"}, "istio#51429", "pods of finished Jobs stay enrolled, and their addresses with them",
			func(m *Mesh, _ *Component) Item {
				return first(m.Pods, func(p *Pod) bool { return p.OwnerKind == "Job" && p.Redirection != "" })
			}},
		{"istio-cni", []string{"1.24.3", "1.25.0"}, "istio#54565", "the agent believes that it has no connection to a ztunnel that is connected",
			func(m *Mesh, _ *Component) Item {
				return first(m.CNIs, func(c *CNI) bool { return c.ZtunnelConnected == 0 })
			}},
		{"istiod", []string{"1.22.8", "1.23.5", "1.24.3"}, "istio#54146", "a STRICT of single ports is taken as PERMISSIVE, or as STRICT of all",
			func(m *Mesh, _ *Component) Item {
				return first(m.PeerAuthentications, func(p *PeerAuth) bool { return len(p.PortModes) > 0 })
			}},
		{"istio-cni", []string{"1.24.4", "1.25.0"}, "istio#55139", "the network namespace of another process of the pod is taken",
			func(m *Mesh, c *Component) Item {
				return first(m.Logs, func(l *Log) bool {
					return strings.Contains(l.Message, "found more than one netns for the same pod") && c.runs(l.Namespace, l.PodName)
				})
			}},
		{"istio-cni", []string{"1.26.3", "1.27.0"}, "istio#56738", "a pod that was deleted stays in the snapshot, and a restarted ztunnel never becomes ready",
			func(m *Mesh, _ *Component) Item {
				return first(m.Ztunnels, func(z *Ztunnel) bool {
					return z.HasReady && !z.Ready && slices.Contains(z.Pending, "workload proxy manager")
				})
			}},
		{"istio-cni", []string{"1.27.2", "1.28.0"}, "istio#57316", "the CNI configuration is removed upon an error that is not understood",
			func(m *Mesh, _ *Component) Item { return first(m.Events, noSandbox) }},
		{"istiod", []string{"1.26.5", "1.27.2", "1.28.0"}, "istio#57713", "named ports of ServiceEntries are not resolved",
			func(m *Mesh, _ *Component) Item {
				return first(m.Flows, func(f *Flow) bool { return f.Class == "no-port" })
			}},
		{"istiod", []string{"1.28.0"}, "istio#57656", "ServiceEntries of resolution NONE have no endpoints",
			func(m *Mesh, _ *Component) Item {
				return first(m.ServiceEntries, func(e *ServiceEntry) bool { return e.Resolution == "NONE" })
			}},
		{"ztunnel", []string{"1.28.0"}, "ztunnel#1567", "a certificate that is valid is thrown away when its renewal fails",
			func(m *Mesh, c *Component) Item {
				return first(m.Certificates, func(cert *Certificate) bool {
					return cert.State == "Unavailable" && cert.Ztunnel.Version == c.Version
				})
			}},
		{"istiod", []string{"1.28.1"}, "istio#57782", "ServiceEntries of the same host hide each other",
			func(m *Mesh, _ *Component) Item { return sharedHost(m.ServiceEntries) }},
		{"istiod", []string{"1.28.1"}, "istio#58427", "with several networks and a trust domain of its own, connections to other networks fail",
			func(m *Mesh, _ *Component) Item {
				return first(m.Networks, func(n *Network) bool { return n.remote() && m.TrustDomain != "cluster.local" })
			}},
		{"istiod", []string{"1.28.3"}, "istio#58047", "a remote cluster whose watch failed is not read again until istiod restarts",
			func(m *Mesh, _ *Component) Item {
				return first(m.Istiods, func(i *Istiod) bool {
					for _, state := range i.Clusters {
						if state == "timeout" || state == "closed" {
							return true
						}
					}
					return false
				})
			}},
		{"istiod", []string{"1.28.4"}, "ambient-multinetwork-cluster-stability", "the registry of a multi-network mesh is unstable",
			func(m *Mesh, _ *Component) Item {
				if !slices.ContainsFunc(m.Networks, (*Network).remote) {
					return nil
				}
				return first(m.Istiods, func(i *Istiod) bool { return len(i.Clusters) > 1 })
			}},
		{"istio-cni", []string{"1.28.4"}, "istio#58768", "a node affinity of the DaemonSet makes every stop look like an upgrade, and leaves the CNI configuration behind",
			func(m *Mesh, _ *Component) Item {
				if !slices.ContainsFunc(m.Events, noSandbox) {
					return nil
				}
				return first(m.DaemonSets, func(d *DaemonSet) bool { return d.Component == "istio-cni" && d.Ready < d.Desired })
			}},
		{"istiod", []string{"1.28.6", "1.29.1"}, "istio#59321", "istiod crashes over a WorkloadEntry in another network",
			func(m *Mesh, c *Component) Item {
				if !slices.ContainsFunc(m.Workloads, func(w *Workload) bool { return w.Kind == "WorkloadEntry" }) {
					return nil
				}
				return first(c.Pods, hasCrashed)
			}},
		{"istio-cni", []string{"1.28.7", "1.29.3", "1.30.0"}, "aws-brancheni-probe-fix", "probes fail on pods with a branch network interface of their own (EKS)",
			func(m *Mesh, _ *Component) Item {
				return first(m.Pods, func(p *Pod) bool {
					_, branch := p.Annotations["vpc.amazonaws.com/pod-eni"]
					return branch && p.Enrolled && p.ProbeFailures > 0
				})
			}},
		{"istiod", []string{"1.28.8", "1.29.4", "1.30.1"}, "istio#60423", "health policy AllowAll of one service leaks to others",
			func(m *Mesh, _ *Component) Item {
				return first(m.Services, func(s *Service) bool { return s.PublishNotReady })
			}},
		{"istiod", []string{"1.28.10", "1.29.5", "1.30.2"}, "krt-dependency-reverse-index-leak", "istiod leaks memory in its index of dependencies",
			func(_ *Mesh, c *Component) Item {
				return first(c.Pods, func(p *Pod) bool { return hasCrashed(p) && p.Crashed.LastReason == "OOMKilled" })
			}},
		{"istio-cni", []string{"1.29.4", "1.30.1"}, "istio#60328", "the agent panics over concurrent map writes",
			func(_ *Mesh, c *Component) Item { return first(c.Pods, hasCrashed) }},
		{"istiod", []string{"1.29.2", "1.30.0"}, "istio#59513", "an east-west gateway routes to the wrong service",
			func(m *Mesh, _ *Component) Item {
				if !slices.ContainsFunc(m.Networks, (*Network).remote) {
					return nil
				}
				return first(m.Pods, func(p *Pod) bool { return p.Component == "gateway" && p.Labels["istio"] == istio.EastWestGateway })
			}},
		{"istio-cni", []string{"1.29.5", "1.30.2"}, "ambient-probe-ipset-reconcile", "the set of addresses that probes come from is incomplete after the node or its kubelet restarts",
			func(m *Mesh, _ *Component) Item {
				return first(m.Pods, func(p *Pod) bool {
					return p.Enrolled && p.ProbeFailures > 0 && p.Node != nil && p.Node.RebootedSeconds > 0
				})
			}},
		{"istio-cni", []string{"1.29.6", "1.30.3"}, "cni-ztunnel-poddeleted-deadlock", "the agent and ztunnel block each other when a pod goes while ztunnel connects",
			func(m *Mesh, _ *Component) Item {
				return first(m.Ztunnels, func(z *Ztunnel) bool { return z.CNIConnection == "failing" || z.CNIConnection == "lost" })
			}},
		{"istio-cni", []string{"1.31.0"}, "istio#61168", "pods on the host network are taken as eligible",
			func(m *Mesh, _ *Component) Item {
				return first(m.Pods, func(p *Pod) bool { return p.HostNetwork && p.Redirection != "" })
			}},
		{"istiod", []string{"1.31.0"}, "wds-reconnect-version-skip", "every reconnection makes istiod send everything anew",
			func(m *Mesh, _ *Component) Item {
				return first(m.Ztunnels, func(z *Ztunnel) bool { return z.XDS.Count > 20 })
			}},
		{"ztunnel", []string{"1.24.0"}, "ztunnel#1284", "a network namespace that went is tried again for ever",
			func(m *Mesh, _ *Component) Item {
				return first(m.WorkloadStates, func(i *InPod) bool { return i.State == "Pending" && i.Pod == nil })
			}},
	}
}

// first is the first item that is as asked, nil for none.
func first[T Item](items []T, is func(T) bool) Item {
	if at := slices.IndexFunc(items, is); at >= 0 {
		return items[at]
	}
	return nil
}

func noSandbox(e *Event) bool { return e.Reason == "FailedCreatePodSandBox" }

func hasCrashed(p *Pod) bool { return p.Crashed != nil }

// sharedHost is the first ServiceEntry with a host that one before it has too.
func sharedHost(entries []*ServiceEntry) Item {
	seen := map[string]bool{}
	return first(entries, func(e *ServiceEntry) bool {
		shared := slices.ContainsFunc(e.Hosts, func(host string) bool { return seen[host] })
		for _, host := range e.Hosts {
			seen[host] = true
		}
		return shared
	})
}
