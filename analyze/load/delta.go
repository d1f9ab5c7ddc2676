package load

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/view"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// deltaSection makes a section out of its view and what is different.
func (l *ztunnelReader) deltaSection(t *ztunnelFiles, name string, f bundle.File) error {
	d, err := view.ReadDelta(f.Reader)
	if err != nil {
		return err
	}
	base, ok := l.views[d.View]
	if !ok {
		return fmt.Errorf("is a delta of %s, which could not be read", d.View)
	}
	own, err := deltaItems(name, d)
	if err != nil {
		return err
	}
	if err := l.keep(ownSpec*(len(d.Changed)+len(d.Extra)) + len(d.Missing)); err != nil {
		return err
	}
	set, err := applied(base, own, d, f.Path)
	if err != nil {
		return err
	}
	t.take(set)
	t.sections[name] = true
	return nil
}

// deltaItems are the items that the section has for itself, their pointers those in the delta's file.
func deltaItems(name string, d *view.Delta) (*ztunnel.Dump, error) {
	var list [][]byte
	var pointers []string
	for pointer, item := range d.Own() {
		list, pointers = append(list, item), append(pointers, pointer)
	}
	text := fmt.Sprintf("{%q:[%s]}", name, bytes.Join(list, []byte(",")))
	dump, err := ztunnel.ReadDump(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	place := func(pointer *string, n int) { *pointer = pointers[min(n, len(pointers)-1)] }
	for n := range dump.Workloads {
		place(&dump.Workloads[n].Pointer, n)
	}
	for n := range dump.Services {
		place(&dump.Services[n].Pointer, n)
	}
	for n := range dump.Policies {
		place(&dump.Policies[n].Pointer, n)
	}
	return dump, nil
}

// applied shares with the view what both have.
func applied(base any, own *ztunnel.Dump, d *view.Delta, file string) (any, error) {
	switch v := base.(type) {
	case *mesh.WorkloadSet:
		return against(v, workloadSet(own.Workloads, file), d), nil
	case *mesh.ServiceSet:
		return against(v, serviceSet(own.Services, file), d), nil
	case *mesh.PolicySet:
		return against(v, policySet(own.Policies, file), d), nil
	}
	return nil, fmt.Errorf("is a delta of %s, which holds nothing that ztunnels share", d.View)
}

func against[T any](base, own *mesh.Set[T], d *view.Delta) *mesh.Set[T] {
	own.View, own.Without = base, map[string]bool{}
	for key := range d.Gone() {
		own.Without[key] = true
	}
	for key := range own.Specs {
		own.Without[key] = true
	}
	return own
}
