package load

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/internal/istio"
)

// podFacts are what the loader needs of a pod beyond the model.
type podFacts struct {
	image   string // of the mesh component's own container
	started time.Time
	env     map[string]string
	rev     string
}

func (l *objectReader) pod(o podObject, at mesh.Evidence) {
	intern := func(s string) string { return unique.Make(s).Value() } // of many pods
	p := &mesh.Pod{
		Namespace: intern(o.Metadata.Namespace), Name: o.Metadata.Name, UID: o.Metadata.UID, NodeName: intern(o.Spec.NodeName),
		ServiceAccount: intern(o.Spec.ServiceAccountName), Labels: l.shared(o.Metadata.Labels), Annotations: l.shared(o.Metadata.Annotations),
		Phase: intern(o.Status.Phase), HostNetwork: o.Spec.HostNetwork, Deleting: !o.Metadata.DeletionTimestamp.IsZero(),
		Created: o.Metadata.CreationTimestamp, Started: o.Status.StartTime, GracePeriodSeconds: -1, Source: at,
	}
	if o.Spec.GracePeriod != nil {
		p.GracePeriodSeconds = *o.Spec.GracePeriod
	}
	for _, ip := range o.Status.PodIPs {
		p.IPs = append(p.IPs, ip.IP)
	}
	if len(p.IPs) == 0 && o.Status.PodIP != "" {
		p.IPs = []string{o.Status.PodIP}
	}
	p.Ready, p.ReadySince = becameReady(o.Status.Conditions)
	for _, r := range o.Metadata.OwnerReferences {
		if r.Controller || len(o.Metadata.OwnerReferences) == 1 {
			p.OwnerKind, p.OwnerName = intern(r.Kind), intern(r.Name)
		}
	}
	_, p.Sidecar = o.Metadata.Annotations[istio.SidecarStatusAnnotation]
	component, own := component(o.Metadata.Labels, o.Spec.Containers)
	p.Component = component
	facts := podFacts{env: map[string]string{}, rev: o.Metadata.Labels[istio.RevisionLabel]}
	for i, c := range o.Spec.Containers {
		p.Containers = append(p.Containers, containerOf(c))
		if c.Name == own {
			facts.image = c.Image
		}
		for _, e := range c.Env {
			facts.env[e.Name] = e.Value
			if e.Value != "" {
				if p.Env == nil {
					p.Env = map[string]string{}
				}
				p.Env[e.Name] = e.Value
			}
		}
		p.ProbePorts = append(p.ProbePorts, probePorts(&o.Spec.Containers[i])...)
		if user := cmp.Or(c.SecurityContext.RunAsUser, o.Spec.SecurityContext.RunAsUser); user != nil {
			p.Containers[i].RunAsUser = *user
		}
	}
	l.platformPod(p)
	for _, s := range o.Status.ContainerStatuses {
		at := slices.IndexFunc(p.Containers, func(c *mesh.Container) bool { return c.Name == s.Name })
		if at < 0 {
			continue
		}
		if s.State.Running != nil && s.State.Running.StartedAt.After(facts.started) {
			facts.started = s.State.Running.StartedAt
		}
		l.containerStatus(p.Containers[at], s)
	}
	l.notStarted(p, o)
	if p.Component != "" {
		l.pods[p.Namespace+"/"+p.Name] = facts
	}
	l.mesh.Pods = append(l.mesh.Pods, p)
}

// notStarted keeps what the scheduler and the init containers say of a pod that does not start.
func (l *objectReader) notStarted(p *mesh.Pod, o podObject) {
	for _, s := range o.Status.InitContainerStatuses {
		at := slices.IndexFunc(o.Spec.InitContainers, func(c containerObject) bool { return c.Name == s.Name })
		if at < 0 || s.State.Waiting == nil {
			continue
		}
		c := containerOf(o.Spec.InitContainers[at])
		l.containerStatus(c, s)
		p.InitContainers = append(p.InitContainers, c)
	}
	for _, c := range o.Status.Conditions {
		if c.Type == "PodScheduled" && c.Status == "False" {
			p.Unscheduled = c.Message
		}
	}
}

func containerOf(c containerObject) *mesh.Container {
	out := &mesh.Container{Name: unique.Make(c.Name).Value(), Image: unique.Make(c.Image).Value(), MemoryLimit: strings.Trim(string(c.Resources.Limits["memory"]), `"`)}
	for _, port := range c.Ports {
		out.Ports = append(out.Ports, port.ContainerPort)
		if port.Name != "" {
			if out.NamedPorts == nil {
				out.NamedPorts = map[string]int{}
			}
			out.NamedPorts[port.Name] = port.ContainerPort
		}
	}
	return out
}

// containerStatus keeps times; ages follow when the capture's time is known.
func (l *objectReader) containerStatus(c *mesh.Container, s containerStatus) {
	c.Ready, c.Restarts = s.Ready, s.RestartCount
	if s.State.Running != nil {
		c.StartedAt = s.State.Running.StartedAt
	}
	if s.State.Waiting != nil {
		c.Waiting, c.WaitingMessage = s.State.Waiting.Reason, s.State.Waiting.Message
	}
	last := s.LastState.Terminated
	if last == nil {
		last = s.State.Terminated
	}
	if last != nil {
		c.HasLast, c.LastReason, c.LastExitCode, c.LastEndedAt = true, last.Reason, last.ExitCode, last.FinishedAt
	}
}

// shared is one map for all pods that have the same labels, as those of a Deployment do.
func (l *objectReader) shared(labels map[string]string) map[string]string {
	var key strings.Builder
	for k, v := range byKey(labels) {
		fmt.Fprintf(&key, "%q=%q,", k, v)
	}
	if known := l.alike[key.String()]; known != nil {
		return known
	}
	l.alike[key.String()] = labels
	return labels
}

// component tells which part of the mesh pods of these labels and containers are, and which container is its own.
func component(labels map[string]string, containers []containerObject) (component, container string) {
	known := istio.Pod{Labels: labels, Containers: make([]istio.Container, 0, len(containers))}
	for _, c := range containers {
		known.Containers = append(known.Containers, istio.Container{Name: c.Name, Args: c.Args})
	}
	return known.Component()
}
