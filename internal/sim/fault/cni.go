package fault

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

// cniFaults are those of the CNI agent, of its connection to ztunnel and of what it makes of pods.
func cniFaults() []Fault {
	return []Fault{
		{"zds-protocol-mismatch", "a ztunnel and the CNI agent of its node don't understand each other", plantZDSMismatch},
		{"ztunnel-no-cni-socket", "a ztunnel lost the CNI agent of its node and can't connect again", plantNoSocket},
		{"cni-no-ztunnel-connection", "a CNI agent has no ztunnel connected, though one runs", plantNoZDS},
		{"cni-sandbox-failure", "a pod can't start because the CNI agent of its node has no ztunnel", showing(plant.PickPod, plantSandbox)},
		{"cni-fd-or-panic", "a CNI agent crashed of a race", plantAgentPanic},
		{"istio-cni-crashloop", "a CNI agent runs out of memory", plantAgentKilled},
		{"cni-zds-deadlock", "a CNI agent of a version with a known lock-up has fallen silent", plantSilentAgent},
		{"cni-config-fight", "another component keeps rewriting the CNI configuration of a node", plantAgentLine("warn", "install",
			"Configuration has been reconciled multiple times in a short period of time. This may be due to a conflicting component constantly reverting our work. "+
				"Hint: Cilium CNI was detected; ensure 'cni.exclusive=false' in the Cilium configuration.")},
		{"cni-config-shadowed", "Istio's CNI configuration is not the first of a node", plantAgentLine("warn", "install",
			"Istio owned CNI config /host/etc/cni/net.d/02-istio-cni.conflist has lower priority than /host/etc/cni/net.d/01-podman-bridge.conflist.  "+
				"This will lead to undefined behavior and potential bypass of the service mesh.")},
		{"cni-install-failed", "a CNI agent can't write its plugin", plantNotInstalled},
		{"nft-iptables-mixed", "a node still has rules of iptables after nftables was chosen", plantAgentLine("warn", "cni-agent",
			"iptables artifacts detected (IPsets exist). Overriding nftables configuration and continuing with iptables backend. "+
				"To complete migration to nftables, reboot the node.")},
		{"cni-untaint-stuck", "a node keeps its taint though its CNI agent is ready", plantTaint},
	}
}

// pickAgent is the CNI agent on the node that arg names, or one that no fault was planted on.
func pickAgent(m *world.Mesh, arg string) (*world.CNIAgent, *world.Ztunnel, error) {
	z, err := plant.PickZtunnel(m, arg)
	if err != nil {
		return nil, nil, err
	}
	if z.Node.CNI == nil {
		return nil, nil, plant.ErrNoSubject
	}
	return z.Node.CNI, z, nil
}

func plantAgentLine(level, scope, message string) planter {
	return func(m *world.Mesh, arg string) (world.Subject, error) {
		agent, _, err := pickAgent(m, arg)
		if err != nil {
			return world.Subject{}, err
		}
		agent.Lines = append(agent.Lines, world.Record(m.Now.Add(-17*time.Minute), level, scope, message, ""))
		return agent.Pod.Subject(), nil
	}
}

// deserted makes the pods of a ztunnel's node such that it was never given them: callers are refused.
func deserted(m *world.Mesh, z *world.Ztunnel) {
	for _, p := range m.OnNode(z.Node) {
		if p.Proxy == world.ProxyUp {
			p.Mute, p.Proxy = true, world.ProxyAbsent
		}
	}
}

func plantZDSMismatch(m *world.Mesh, arg string) (world.Subject, error) {
	agent, z, err := pickAgent(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	z.Began = m.Now.Add(-20 * time.Minute)
	z.Pod.Container.Started = z.Began.Truncate(time.Second)
	z.Pending, agent.Disconnected = []string{"workload proxy manager"}, true
	deserted(m, z)
	for at := z.Began.Add(time.Second); at.Before(m.Now); at = at.Add(15 * time.Second) {
		z.Lines = append(z.Lines, world.Record(at, "error", "inpod::workloadmanager", "protocol mismatch error while processing stream, shutting down", ""))
	}
	return z.Subject(), nil
}

func plantNoSocket(m *world.Mesh, arg string) (world.Subject, error) {
	agent, z, err := pickAgent(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	z.Pending, agent.Disconnected = []string{"workload proxy manager"}, true
	lost := m.Now.Add(-15 * time.Minute)
	z.Lines = append(z.Lines, world.Record(lost, "info", "inpod::workloadmanager", "process stream ended with eof", ""))
	for at := lost.Add(10 * time.Millisecond); at.Before(m.Now); at = at.Add(15 * time.Second) {
		z.Lines = append(z.Lines, world.Record(at, "warn", "inpod::workloadmanager",
			`failed to connect to the Istio CNI node agent over "/var/run/ztunnel/ztunnel.sock", is the node agent healthy? details: `+
				`Os { code: 2, kind: NotFound, message: "No such file or directory" }. retrying in 15s`, ""))
	}
	return z.Subject(), nil
}

func plantNoZDS(m *world.Mesh, arg string) (world.Subject, error) {
	agent, z, err := pickAgent(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	if !z.Answers() {
		return world.Subject{}, plant.ErrNoSubject
	}
	agent.Disconnected = true
	agent.Lines = append(agent.Lines, world.Record(m.Now.Add(-40*time.Minute), "info", "cni-agent", "ztunnel disconnected, total connected %!s(int=0)", ""))
	return agent.Pod.Subject(), nil
}

func plantSandbox(m *world.Mesh, p *world.Pod) world.Subject {
	young := plant.AddBeside(m, p, p.OnNode, 0, m.Now.Add(-6*time.Minute))
	young.Phase, young.Ready, young.InIstiod = corev1.PodPending, false, false
	young.Container.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
	m.Extra = append(m.Extra, world.Stored{Resource: "events", Object: plant.Event(m, "pod", young.Namespace, young.Name, "FailedCreatePodSandBox", corev1.EventTypeWarning,
		`Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "5f0c": plugin type="istio-cni" failed (add): `+
			`istio-cni cmdAdd failed to contact node Istio CNI agent: unable to push CNI event (status code 500): no ztunnel connection`,
		m.Now.Add(-30*time.Second).Truncate(time.Second))})
	return young.Subject()
}

// killed ends the agent's container and starts it anew.
func killed(a *world.CNIAgent, reason string, code int32, since, at time.Time) {
	c := &a.Pod.Container
	c.Restarts, c.Started = 3, at.Add(2*time.Second).Truncate(time.Second)
	c.Previous = &corev1.ContainerStateTerminated{
		Reason: reason, ExitCode: code, StartedAt: metav1.NewTime(since.Truncate(time.Second)), FinishedAt: metav1.NewTime(at.Truncate(time.Second)),
	}
}

func plantAgentPanic(m *world.Mesh, arg string) (world.Subject, error) {
	agent, _, err := pickAgent(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	at := m.Now.Add(-50 * time.Minute)
	killed(agent, "Error", 2, m.Started, at)
	agent.Before = world.JoinLines([]world.LogLine{world.Record(at.Add(-time.Minute), "info", "cni-agent", "in pod mode - adding pod to ztunnel", "")}).Text
	agent.Before = append(agent.Before, "fatal error: concurrent map writes\n\ngoroutine 1041 [running]:\n"+
		"internal/runtime/maps.fatal({0x2b1d0f4?, 0x0?})\n\t/usr/local/go/src/runtime/panic.go:1046 +0x18\n"...)
	return agent.Pod.Subject(), nil
}

func plantAgentKilled(m *world.Mesh, arg string) (world.Subject, error) {
	agent, _, err := pickAgent(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	killed(agent, "OOMKilled", 137, m.Started, m.Now.Add(-90*time.Minute))
	return agent.Pod.Subject(), nil
}

// plantSilentAgent: a pod was labelled since, and the agent did not see it.
func plantSilentAgent(m *world.Mesh, arg string) (world.Subject, error) {
	p, err := plant.PickPod(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	agent := p.OnNode.CNI
	z := p.OnNode.Ztunnel
	if err := downgrade(m, "1.28.5"); err != nil {
		return world.Subject{}, err
	}
	at := m.Now.Add(-40 * time.Minute)
	agent.Lines = append(agent.Lines, world.Record(at, "info", "cni-agent", "new ztunnel connected, total connected: 1", ""))
	z.Lines = append(z.Lines, world.Record(at, "info", "inpod::workloadmanager", "handling new stream", ""))
	young := plant.AddBeside(m, p, p.OnNode, 0, m.Now.Add(-12*time.Minute))
	young.Faulty = true
	return agent.Pod.Subject(), nil
}

func plantNotInstalled(m *world.Mesh, arg string) (world.Subject, error) {
	agent, _, err := pickAgent(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	agent.Broken, agent.Pod.Ready = true, false
	for _, p := range m.Pods {
		if p.Name == agent.Pod.Name {
			p.Ready = false
		}
	}
	for i := range 5 {
		agent.Lines = append(agent.Lines, world.Record(m.Now.Add(-20*time.Minute+time.Duration(i)*4*time.Minute), "error", "install",
			"installation failed: copy binaries: open /host/opt/cni/bin/istio-cni.tmp.2041: read-only file system", ""),
			world.Record(m.Now.Add(-20*time.Minute+time.Duration(i)*4*time.Minute+time.Millisecond), "warn", "install",
				"hint: some Kubernetes environments require customization of the CNI directory. Ensure you properly set global.platform=<name> during installation", ""))
	}
	return agent.Pod.Subject(), nil
}

func plantTaint(m *world.Mesh, arg string) (world.Subject, error) {
	_, z, err := pickAgent(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	n := z.Node
	n.Taints = append(n.Taints, corev1.Taint{Key: "cni.istio.io/not-ready", Effect: corev1.TaintEffectNoSchedule})
	m.Istiods[0].Lines = append(m.Istiods[0].Lines, world.Record(m.Started.Add(time.Minute), "error", "untaint",
		fmt.Sprintf("failed to remove readiness taint 'cni.istio.io/not-ready:NoSchedule' from node %s: nodes %q is forbidden", n.Name, n.Name), ""))
	return world.Subject{Kind: "node", Name: n.Name, Node: n.Name}, nil
}
