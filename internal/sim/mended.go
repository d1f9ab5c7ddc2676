package sim

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
	mendedLog = trafficSpan + 5*time.Minute
	// mendedCalls is how often each pair that failed has called since.
	mendedCalls  = 15
	betweenCalls = 20 * time.Second
)

// failedCall is a call that a ztunnel logged as failed.
type failedCall struct {
	at      time.Time
	src     *meshPod
	dst     *meshPod // nil where none was chosen
	dstAddr string
}

// mended builds the world of each mended fault, NAME@MINUTES or
// NAME=SUBJECT@MINUTES, takes over what was logged of it, and lets the pairs
// that failed call again.
func (m *mesh) mended(g *Generate, c Changes) error {
	for _, text := range g.Mended {
		fault, minutes, ok := strings.Cut(text, "@")
		ago, err := strconv.Atoi(minutes)
		if !ok || err != nil || ago < 1 {
			return fmt.Errorf("a mended fault is NAME@MINUTES, not %q", text)
		}
		past := *g
		past.Faults, past.Mended, past.Traps = []string{fault}, nil, nil
		then, _, err := past.meshAt(m.now.Add(-time.Duration(ago)*time.Minute), c)
		if err != nil {
			return fmt.Errorf("the mended fault %s: %w", text, err)
		}
		m.rememberLogs(then, then.now.Add(-mendedLog))
		past.Faults = nil
		healed, _, err := past.meshAt(then.now.Add(mendedCalls*betweenCalls), c)
		if err != nil {
			return err
		}
		healed.callAgain(then)
		m.rememberLogs(healed, then.now)
	}
	return nil
}

// rememberLogs takes over what the agents of an earlier mesh logged since a time.
func (m *mesh) rememberLogs(then *mesh, since time.Time) {
	lately := func(lines []logLine) (out []logLine) {
		for _, l := range lines {
			if l.at.After(since) {
				out = append(out, l)
			}
		}
		return out
	}
	for i, n := range m.nodes {
		old := then.nodes[i]
		if n.ztunnel != nil && old.ztunnel != nil {
			n.ztunnel.lines = append(lately(old.ztunnel.lines), n.ztunnel.lines...)
		}
		if n.cni != nil && old.cni != nil {
			n.cni.lines = append(lately(old.cni.lines), n.cni.lines...)
		}
	}
	for i := range min(len(m.istiods), len(then.istiods)) {
		m.istiods[i].lines = append(lately(then.istiods[i].lines), m.istiods[i].lines...)
	}
}

// callAgain lets each pair that failed in an earlier mesh call in the minutes
// after that one's moment, when its fault was mended.
func (m *mesh) callAgain(then *mesh) {
	seen := map[string]bool{}
	for _, f := range then.broken {
		src := m.podNamed(f.src)
		key := f.dstAddr
		if f.dst != nil {
			key = f.dst.namespace + "/" + f.dst.name
		}
		if src == nil || seen[src.name+" "+key] {
			continue
		}
		seen[src.name+" "+key] = true
		dst, service := m.podNamed(f.dst), m.serviceAt(f.dstAddr)
		for i := range mendedCalls {
			at := then.now.Add(time.Duration(i) * betweenCalls)
			switch {
			case dst != nil:
				m.callPod(src, dst, at)
			case service != nil:
				m.callService(src, service, at)
			}
		}
	}
}

// podNamed is the pod that goes by the name of one of another mesh.
func (m *mesh) podNamed(p *meshPod) *meshPod {
	if p == nil {
		return nil
	}
	for _, own := range m.pods {
		if own.namespace == p.namespace && own.name == p.name {
			return own
		}
	}
	return nil
}

// serviceAt is the service with an address that was dialled.
func (m *mesh) serviceAt(address string) *meshService {
	for _, s := range m.services {
		if len(s.ips) > 0 && address == fmt.Sprintf("%s:%d", s.ips[0], s.port) {
			return s
		}
	}
	return nil
}
