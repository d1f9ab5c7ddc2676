package sim

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// cniFaults are those of the CNI agent, of its connection to ztunnel and of what it makes of pods.
func cniFaults() []Fault {
	return []Fault{
		{"zds-protocol-mismatch", "a ztunnel and the CNI agent of its node don't understand each other", plantZDSMismatch},
		{"ztunnel-no-cni-socket", "a ztunnel lost the CNI agent of its node and can't connect again", plantNoSocket},
		{"cni-no-ztunnel-connection", "a CNI agent has no ztunnel connected, though one runs", plantNoZDS},
		{"cni-sandbox-failure", "a pod can't start because the CNI agent of its node has no ztunnel", showing((*mesh).pickPod, plantSandbox)},
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
func (m *mesh) pickAgent(arg string) (*cniAgent, *ztunnel, error) {
	z, err := m.pickZtunnel(arg)
	if err != nil {
		return nil, nil, err
	}
	if z.node.cni == nil {
		return nil, nil, ErrNoSubject
	}
	return z.node.cni, z, nil
}

func plantAgentLine(level, scope, message string) planter {
	return func(m *mesh, arg string) (Subject, error) {
		agent, _, err := m.pickAgent(arg)
		if err != nil {
			return Subject{}, err
		}
		agent.lines = append(agent.lines, record(m.now.Add(-17*time.Minute), level, scope, message, ""))
		return agent.pod.subject(), nil
	}
}

// deserted makes the pods of a ztunnel's node such that it was never given them: callers are refused.
func (m *mesh) deserted(z *ztunnel) {
	for _, p := range m.onNode(z.node) {
		if p.proxy == proxyUp {
			p.mute, p.proxy = true, proxyAbsent
		}
	}
}

func plantZDSMismatch(m *mesh, arg string) (Subject, error) {
	agent, z, err := m.pickAgent(arg)
	if err != nil {
		return Subject{}, err
	}
	z.began = m.now.Add(-20 * time.Minute)
	z.pod.container.started = z.began.Truncate(time.Second)
	z.pending, agent.disconnected = []string{"workload proxy manager"}, true
	m.deserted(z)
	for at := z.began.Add(time.Second); at.Before(m.now); at = at.Add(15 * time.Second) {
		z.lines = append(z.lines, record(at, "error", "inpod::workloadmanager", "protocol mismatch error while processing stream, shutting down", ""))
	}
	return z.subject(), nil
}

func plantNoSocket(m *mesh, arg string) (Subject, error) {
	agent, z, err := m.pickAgent(arg)
	if err != nil {
		return Subject{}, err
	}
	z.pending, agent.disconnected = []string{"workload proxy manager"}, true
	lost := m.now.Add(-15 * time.Minute)
	z.lines = append(z.lines, record(lost, "info", "inpod::workloadmanager", "process stream ended with eof", ""))
	for at := lost.Add(10 * time.Millisecond); at.Before(m.now); at = at.Add(15 * time.Second) {
		z.lines = append(z.lines, record(at, "warn", "inpod::workloadmanager",
			`failed to connect to the Istio CNI node agent over "/var/run/ztunnel/ztunnel.sock", is the node agent healthy? details: `+
				`Os { code: 2, kind: NotFound, message: "No such file or directory" }. retrying in 15s`, ""))
	}
	return z.subject(), nil
}

func plantNoZDS(m *mesh, arg string) (Subject, error) {
	agent, z, err := m.pickAgent(arg)
	if err != nil {
		return Subject{}, err
	}
	if !z.answers() {
		return Subject{}, ErrNoSubject
	}
	agent.disconnected = true
	agent.lines = append(agent.lines, record(m.now.Add(-40*time.Minute), "info", "cni-agent", "ztunnel disconnected, total connected %!s(int=0)", ""))
	return agent.pod.subject(), nil
}

func plantSandbox(m *mesh, p *meshPod) Subject {
	young := m.addBeside(p, p.onNode, 0, m.now.Add(-6*time.Minute))
	young.phase, young.ready, young.inIstiod = corev1.PodPending, false, false
	young.container.waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
	m.extra = append(m.extra, stored{"events", m.event("pod", young.namespace, young.name, "FailedCreatePodSandBox", corev1.EventTypeWarning,
		`Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "5f0c": plugin type="istio-cni" failed (add): `+
			`istio-cni cmdAdd failed to contact node Istio CNI agent: unable to push CNI event (status code 500): no ztunnel connection`,
		m.now.Add(-30*time.Second).Truncate(time.Second))})
	return young.subject()
}

// killed ends the agent's container and starts it anew.
func (a *cniAgent) killed(reason string, code int32, since, at time.Time) {
	c := &a.pod.container
	c.restarts, c.started = 3, at.Add(2*time.Second).Truncate(time.Second)
	c.previous = &corev1.ContainerStateTerminated{
		Reason: reason, ExitCode: code, StartedAt: metav1.NewTime(since.Truncate(time.Second)), FinishedAt: metav1.NewTime(at.Truncate(time.Second)),
	}
}

func plantAgentPanic(m *mesh, arg string) (Subject, error) {
	agent, _, err := m.pickAgent(arg)
	if err != nil {
		return Subject{}, err
	}
	at := m.now.Add(-50 * time.Minute)
	agent.killed("Error", 2, m.started, at)
	agent.before = joinLines([]logLine{record(at.Add(-time.Minute), "info", "cni-agent", "in pod mode - adding pod to ztunnel", "")}).Text
	agent.before = append(agent.before, "fatal error: concurrent map writes\n\ngoroutine 1041 [running]:\n"+
		"internal/runtime/maps.fatal({0x2b1d0f4?, 0x0?})\n\t/usr/local/go/src/runtime/panic.go:1046 +0x18\n"...)
	return agent.pod.subject(), nil
}

func plantAgentKilled(m *mesh, arg string) (Subject, error) {
	agent, _, err := m.pickAgent(arg)
	if err != nil {
		return Subject{}, err
	}
	agent.killed("OOMKilled", 137, m.started, m.now.Add(-90*time.Minute))
	return agent.pod.subject(), nil
}

// plantSilentAgent: a pod was labelled since, and the agent did not see it.
func plantSilentAgent(m *mesh, arg string) (Subject, error) {
	p, err := m.pickPod(arg)
	if err != nil {
		return Subject{}, err
	}
	agent := p.onNode.cni
	z := p.onNode.ztunnel
	if err := m.downgrade("1.28.5"); err != nil {
		return Subject{}, err
	}
	at := m.now.Add(-40 * time.Minute)
	agent.lines = append(agent.lines, record(at, "info", "cni-agent", "new ztunnel connected, total connected: 1", ""))
	z.lines = append(z.lines, record(at, "info", "inpod::workloadmanager", "handling new stream", ""))
	young := m.addBeside(p, p.onNode, 0, m.now.Add(-12*time.Minute))
	young.faulty = true
	return agent.pod.subject(), nil
}

func plantNotInstalled(m *mesh, arg string) (Subject, error) {
	agent, _, err := m.pickAgent(arg)
	if err != nil {
		return Subject{}, err
	}
	agent.broken, agent.pod.ready = true, false
	for _, p := range m.pods {
		if p.name == agent.pod.name {
			p.ready = false
		}
	}
	for i := range 5 {
		agent.lines = append(agent.lines, record(m.now.Add(-20*time.Minute+time.Duration(i)*4*time.Minute), "error", "install",
			"installation failed: copy binaries: open /host/opt/cni/bin/istio-cni.tmp.2041: read-only file system", ""),
			record(m.now.Add(-20*time.Minute+time.Duration(i)*4*time.Minute+time.Millisecond), "warn", "install",
				"hint: some Kubernetes environments require customization of the CNI directory. Ensure you properly set global.platform=<name> during installation", ""))
	}
	return agent.pod.subject(), nil
}

func plantTaint(m *mesh, arg string) (Subject, error) {
	_, z, err := m.pickAgent(arg)
	if err != nil {
		return Subject{}, err
	}
	n := z.node
	n.taints = append(n.taints, corev1.Taint{Key: "cni.istio.io/not-ready", Effect: corev1.TaintEffectNoSchedule})
	m.istiods[0].lines = append(m.istiods[0].lines, record(m.started.Add(time.Minute), "error", "untaint",
		fmt.Sprintf("failed to remove readiness taint 'cni.istio.io/not-ready:NoSchedule' from node %s: nodes %q is forbidden", n.name, n.name), ""))
	return Subject{Kind: "node", Name: n.name, Node: n.name}, nil
}
