package mesh

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Trouble is why a pod does not run or is not ready, as its status and its events tell.
type Trouble struct {
	// Container is the one that waits, ended or is not ready; "" where the pod itself can't start.
	Container string `expr:"container"`
	// Reason is the kubelet's or scheduler's word: "ErrImageNeverPull", "CrashLoopBackOff",
	// "OOMKilled", "Unschedulable", "FailedCreatePodSandBox", "Unhealthy" …
	Reason string `expr:"reason"`
	// Says is a sentence of it, with the text that they give.
	Says string `expr:"says"`
	// Remedy is what helps against this reason.
	Remedy string `expr:"remedy"`
	Source Evidence
}

// Evidence is the place of what tells it.
func (t *Trouble) Evidence() []Evidence { return evidence(t.Source) }

// joinTroubles finds for every pod that is not ready what keeps it from being.
func joinTroubles(m *Mesh) {
	for _, p := range m.Pods {
		if p.Ready || p.Deleting || p.Phase == "Succeeded" {
			continue
		}
		p.Trouble = p.trouble()
	}
}

func (p *Pod) trouble() *Trouble {
	if p.Unscheduled != "" {
		return &Trouble{
			Reason: "Unschedulable", Says: "Its pod " + p.called() + " can't be scheduled: " + sentence(p.Unscheduled),
			Remedy: "Make room for it or let it onto a node: " + sentence(p.Unscheduled), Source: p.Source,
		}
	}
	for _, c := range slices.Concat(p.InitContainers, p.Containers) {
		if t := p.waiting(c); t != nil {
			return t
		}
	}
	for _, reason := range []string{"FailedCreatePodSandBox", "FailedMount", "FailedAttachVolume"} {
		if e := p.lastEvent(reason); e != nil && p.StartedSeconds == 0 {
			return &Trouble{
				Reason: reason, Says: "Its pod " + p.called() + " can't start: " + sentence(e.Message),
				Remedy: "Mend what the kubelet says: " + sentence(e.Message), Source: e.Source,
			}
		}
	}
	for _, c := range p.Containers {
		if c.StartedSeconds == 0 || c.Ready {
			continue
		}
		if e := p.lastEvent("Unhealthy"); e != nil && e.AgeSeconds <= c.StartedSeconds {
			return &Trouble{
				Container: c.Name, Reason: "Unhealthy", Says: fmt.Sprintf("Container %s of pod %s runs and is not ready: %s", c.Name, p.called(), sentence(e.Message)),
				Remedy: "See why it does not become ready" + p.logs(c, ""), Source: e.Source,
			}
		}
	}
	return nil
}

// waiting tells of a container that waits for something that will not come by itself.
func (p *Pod) waiting(c *Container) *Trouble {
	t := &Trouble{Container: c.Name, Reason: c.Waiting, Source: p.Source}
	text := sentence(cmp.Or(c.WaitingMessage, c.Waiting))
	if e := p.lastEvent("Failed"); e != nil && (c.WaitingMessage == "" || strings.HasPrefix(c.WaitingMessage, "Back-off pulling")) && strings.Contains(e.Message, "pull") {
		text, t.Source = sentence(e.Message), e.Source
	}
	switch c.Waiting {
	case "", "ContainerCreating", "PodInitializing":
		return nil
	case "ErrImageNeverPull":
		t.Remedy = fmt.Sprintf("Load image %s onto node %s, or set an imagePullPolicy of IfNotPresent for container %s.", c.Image, p.NodeName, c.Name)
	case "ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable":
		t.Remedy = fmt.Sprintf("See that image %s exists and that node %s may pull it: its name and tag, the registry, imagePullSecrets.", c.Image, p.NodeName)
	case "InvalidImageName":
		t.Remedy = fmt.Sprintf("Correct the image's name, %q.", c.Image)
	case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
		t.Remedy = "Give it what the kubelet says: " + text
	case "CrashLoopBackOff":
		return p.crashing(c)
	default:
		t.Remedy = "Mend what the kubelet says: " + text
	}
	t.Says = fmt.Sprintf("Container %s of pod %s does not start: %s", c.Name, p.called(), c.Waiting)
	if text != sentence(c.Waiting) {
		t.Says += ": " + text
	}
	t.Says = sentence(t.Says)
	return t
}

// crashing tells of a container that ends again and again.
func (p *Pod) crashing(c *Container) *Trouble {
	t := &Trouble{Container: c.Name, Reason: c.Waiting, Source: p.Source}
	end := "ends"
	switch {
	case c.LastReason == "OOMKilled":
		t.Reason, end = "OOMKilled", "needs more memory than its limit"
		if c.MemoryLimit != "" {
			end += " of " + c.MemoryLimit
		}
		t.Remedy = fmt.Sprintf("Raise the memory limit of container %s.", c.Name)
	case c.HasLast:
		end = fmt.Sprintf("ends with exit code %d", c.LastExitCode)
		if c.LastReason != "" && c.LastReason != "Error" {
			end += " (" + c.LastReason + ")"
		}
		t.Remedy = "Read why it ended" + p.logs(c, " --previous")
	default:
		t.Remedy = "Read why it ended" + p.logs(c, " --previous")
	}
	t.Says = fmt.Sprintf("Container %s of pod %s %s, %d restarts so far.", c.Name, p.called(), end, c.Restarts)
	return t
}

func (p *Pod) lastEvent(reason string) *Event {
	var last *Event
	for _, e := range p.Events {
		if e.Reason == reason && (last == nil || e.AgeSeconds < last.AgeSeconds) {
			last = e
		}
	}
	return last
}

func (p *Pod) called() string { return p.Namespace + "/" + p.Name }

// commandable are names that may stand in a command as they are.
var commandable = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)

// logs is how to read the container's log, where its names may stand in a command.
func (p *Pod) logs(c *Container, options string) string {
	for _, name := range []string{p.Namespace, p.Name, c.Name} {
		if !commandable.MatchString(name) {
			return " in its log."
		}
	}
	return fmt.Sprintf(": kubectl -n %s logs %s -c %s%s", p.Namespace, p.Name, c.Name, options)
}

// sentence is a text on one line, not too long, with its full stop.
func sentence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 300 {
		return string(runes[:300]) + "..."
	}
	if text == "" || strings.ContainsRune(".!?", rune(text[len(text)-1])) {
		return text
	}
	return text + "."
}
