package load

import (
	"fmt"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/internal/istiod"
)

// look is what the istiod said at the second look.
func (t *istiodFiles) look() *mesh.Look {
	if t.i.After == nil {
		t.i.After = &mesh.Look{Acked: map[string]string{}}
	}
	return t.i.After
}

func (l *istiodReader) ambientzAfter(t *istiodFiles, f bundle.File) error {
	a, err := l.sent(f)
	if err != nil {
		return err
	}
	look := t.look()
	look.Workloads, look.Services, look.Policies = a.Workloads, a.Services, a.Policies
	return nil
}

func (l *istiodReader) synczAfter(t *istiodFiles, f bundle.File) error {
	list, err := istiod.ReadSyncz(f.Reader)
	if err != nil {
		return err
	}
	look := t.look()
	for _, s := range list {
		if s.ProxyType != istiod.ProxyZtunnel {
			continue
		}
		look.Proxies = append(look.Proxies, s.Proxy)
		look.Acked[s.Proxy+" WDS"] = s.Resources[istiod.TypeAddress].Acked
		look.Acked[s.Proxy+" WADS"] = s.Resources[istiod.TypeAuthorization].Acked
	}
	return nil
}

// podChanges are the pods that were created and deleted while the collection ran.
func (l *loader) podChanges(f bundle.File) error {
	c, err := bundle.DecodePodChanges(f.Reader)
	if err != nil {
		return err
	}
	if len(c.Came)+len(c.Went) > mostItems {
		return fmt.Errorf("is of more than %d pods, which no mesh has", mostItems)
	}
	add := func(p bundle.PodName, created bool) {
		l.mesh.PodChanges = append(l.mesh.PodChanges, mesh.PodChange{
			Namespace: p.Namespace, Name: p.Name, Created: created, Source: mesh.Evidence{File: f.Path, Text: p.UID},
		})
	}
	for _, p := range c.Came {
		add(p, true)
	}
	for _, p := range c.Went {
		add(p, false)
	}
	return nil
}
