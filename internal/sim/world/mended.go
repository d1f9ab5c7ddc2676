package world

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A mended fault was there before the world's moment and is no more: what the
// agents logged of it is still in their logs, and what failed has worked since.

const (
	// mendedLog is how far before the moment of a fault its logs reach.
	mendedLog = TrafficSpan + 5*time.Minute
	// mendedCalls is how often each pair that failed has called since.
	mendedCalls  = 15
	betweenCalls = 20 * time.Second
)

// failedCall is a call that a ztunnel logged as failed.
type failedCall struct {
	at      time.Time
	src     *Pod
	dst     *Pod // nil where none was chosen
	dstAddr string
}

// mended builds the world of each mended fault, NAME@MINUTES or
// NAME=SUBJECT@MINUTES, takes over what was logged of it, and lets the pairs
// that failed call again.
func (m *Mesh) mended(g *Generate, c Changes) error {
	for _, text := range g.Mended {
		fault, minutes, ok := strings.Cut(text, "@")
		ago, err := strconv.Atoi(minutes)
		if !ok || err != nil || ago < 1 {
			return fmt.Errorf("a mended fault is NAME@MINUTES, not %q", text)
		}
		past := *g
		past.Faults, past.Mended, past.Traps = []string{fault}, nil, nil
		then, _, err := past.meshAt(m.Now.Add(-time.Duration(ago)*time.Minute), c)
		if err != nil {
			return fmt.Errorf("the mended fault %s: %w", text, err)
		}
		m.rememberLogs(then, then.Now.Add(-mendedLog))
		past.Faults = nil
		healed, _, err := past.meshAt(then.Now.Add(mendedCalls*betweenCalls), c)
		if err != nil {
			return err
		}
		healed.callAgain(then)
		m.rememberLogs(healed, then.Now)
	}
	return nil
}

// rememberLogs takes over what the agents of an earlier mesh logged since a time.
func (m *Mesh) rememberLogs(then *Mesh, since time.Time) {
	lately := func(lines []LogLine) (out []LogLine) {
		for _, l := range lines {
			if l.At.After(since) {
				out = append(out, l)
			}
		}
		return out
	}
	for i, n := range m.Nodes {
		old := then.Nodes[i]
		if n.Ztunnel != nil && old.Ztunnel != nil {
			n.Ztunnel.Lines = append(lately(old.Ztunnel.Lines), n.Ztunnel.Lines...)
		}
		if n.CNI != nil && old.CNI != nil {
			n.CNI.Lines = append(lately(old.CNI.Lines), n.CNI.Lines...)
		}
	}
	for i := range min(len(m.Istiods), len(then.Istiods)) {
		m.Istiods[i].Lines = append(lately(then.Istiods[i].Lines), m.Istiods[i].Lines...)
	}
}

// callAgain lets each pair that failed in an earlier mesh call in the minutes
// after that one's moment, when its fault was mended.
func (m *Mesh) callAgain(then *Mesh) {
	seen := map[string]bool{}
	for _, f := range then.broken {
		src := m.podNamed(f.src)
		key := f.dstAddr
		if f.dst != nil {
			key = f.dst.Namespace + "/" + f.dst.Name
		}
		if src == nil || seen[src.Name+" "+key] {
			continue
		}
		seen[src.Name+" "+key] = true
		dst, service := m.podNamed(f.dst), m.serviceAt(f.dstAddr)
		for i := range mendedCalls {
			at := then.Now.Add(time.Duration(i) * betweenCalls)
			switch {
			case dst != nil:
				m.CallPod(src, dst, at)
			case service != nil:
				m.CallService(src, service, at)
			}
		}
	}
}

// podNamed is the pod that goes by the name of one of another mesh.
func (m *Mesh) podNamed(p *Pod) *Pod {
	if p == nil {
		return nil
	}
	for _, own := range m.Pods {
		if own.Namespace == p.Namespace && own.Name == p.Name {
			return own
		}
	}
	return nil
}

// serviceAt is the service with an address that was dialled.
func (m *Mesh) serviceAt(address string) *Service {
	for _, s := range m.Services {
		if len(s.IPs) > 0 && address == fmt.Sprintf("%s:%d", s.IPs[0], s.Port) {
			return s
		}
	}
	return nil
}
