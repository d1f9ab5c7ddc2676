package mesh_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/analyze/mesh"
)

// spec is a workload of one address.
func spec(name string, addresses ...string) *mesh.WorkloadSpec {
	uid := "Kubernetes//Pod/shop/" + name
	return &mesh.WorkloadSpec{UID: uid, Namespace: "shop", Name: name, Addresses: addresses, Source: mesh.Evidence{File: name}}
}

func setOf(specs ...*mesh.WorkloadSpec) *mesh.WorkloadSet {
	s := &mesh.WorkloadSet{Specs: map[string]*mesh.WorkloadSpec{}}
	for _, spec := range specs {
		s.Specs[spec.UID] = spec
	}
	return s
}

// against is a set that holds own in place of what view has of them, and nothing of those without.
func against(view, own *mesh.WorkloadSet, without ...string) *mesh.WorkloadSet {
	own.View, own.Without = view, map[string]bool{}
	for uid := range own.Specs {
		own.Without[uid] = true
	}
	for _, name := range without {
		own.Without["Kubernetes//Pod/shop/"+name] = true
	}
	return own
}

func names(zs []*mesh.Ztunnel) []string {
	var out []string
	for _, z := range zs {
		out = append(out, z.Name)
	}
	return out
}

func TestASetToldAgainstAViewIsJoinedAsIfItWereWhole(t *testing.T) {
	view := setOf(spec("a", "10.0.0.1"), spec("b", "10.0.0.2"), spec("c", "10.0.0.3"))
	m := &mesh.Mesh{ClusterID: "Kubernetes", Ztunnels: []*mesh.Ztunnel{
		{Name: "z1", NodeName: "n1", Workloads: view},
		{Name: "z2", NodeName: "n2", Workloads: against(view, setOf(), "b")},
		{Name: "z3", NodeName: "n3", Workloads: against(view, setOf(spec("c", "10.0.0.9"), spec("d", "10.0.0.4")))},
		{Name: "z4", NodeName: "n4", Workloads: view},
	}}
	if got := []int{m.Ztunnels[1].Workloads.Len(), m.Ztunnels[2].Workloads.Len()}; !cmp.Equal(got, []int{2, 4}) {
		t.Errorf("the sets hold %v workloads, want 2 and 4", got)
	}
	m.Join()
	type row struct {
		Holders                    int
		Missing, Majority, Differs []string
	}
	got := map[string]row{}
	for _, w := range m.Workloads {
		r := row{Holders: w.Holders, Missing: names(w.MissingFrom), Differs: names(w.DiffersOn)}
		if len(w.Views) > 0 {
			r.Majority = names(w.Views[0].Holders)
		}
		got[w.Name] = r
	}
	want := map[string]row{
		"a": {Holders: 4, Majority: []string{"z1", "z2", "z3", "z4"}},
		"b": {Holders: 3, Missing: []string{"z2"}, Majority: []string{"z1", "z3", "z4"}},
		"c": {Holders: 4, Majority: []string{"z1", "z2", "z4"}, Differs: []string{"z3"}},
		"d": {Holders: 1, Missing: []string{"z1", "z2", "z4"}, Majority: []string{"z3"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(m.AddressClashes) > 0 {
		t.Errorf("no two claim one address, but %+v", m.AddressClashes[0])
	}
}

func TestAddressesThatClash(t *testing.T) {
	host := spec("host", "10.0.0.1")
	host.NetworkMode = "HostNetwork"
	type clash struct {
		Address            string
		Workloads, Holders []string
	}
	for _, test := range []struct {
		name string
		sets func(view *mesh.WorkloadSet) []*mesh.WorkloadSet
		view []*mesh.WorkloadSpec
		want []clash
	}{
		{
			name: "in the view, for all that hold both",
			view: []*mesh.WorkloadSpec{spec("a", "10.0.0.1"), spec("b", "10.0.0.1"), host},
			sets: func(view *mesh.WorkloadSet) []*mesh.WorkloadSet {
				return []*mesh.WorkloadSet{view, against(view, setOf(), "b"), against(view, setOf(spec("c", "10.0.0.3")))}
			},
			want: []clash{{"10.0.0.1", []string{"a", "b"}, []string{"z1", "z3"}}},
		},
		{
			name: "of a set's own with one of the view",
			view: []*mesh.WorkloadSpec{spec("a", "10.0.0.1"), spec("b", "10.0.0.2")},
			sets: func(view *mesh.WorkloadSet) []*mesh.WorkloadSet {
				return []*mesh.WorkloadSet{view, against(view, setOf(spec("old", "10.0.0.2"))), view}
			},
			want: []clash{{"10.0.0.2", []string{"b", "old"}, []string{"z2"}}},
		},
		{
			name: "none where the set's own takes the place of the other",
			view: []*mesh.WorkloadSpec{spec("a", "10.0.0.1")},
			sets: func(view *mesh.WorkloadSet) []*mesh.WorkloadSet {
				return []*mesh.WorkloadSet{view, against(view, setOf(spec("new", "10.0.0.1")), "a")}
			},
		},
		{
			name: "none with itself, of what names an address twice",
			view: []*mesh.WorkloadSpec{spec("a", "10.0.0.1", "10.0.0.1")},
			sets: func(view *mesh.WorkloadSet) []*mesh.WorkloadSet {
				return []*mesh.WorkloadSet{view, against(view, setOf(spec("b", "10.0.0.2", "10.0.0.2")))}
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := &mesh.Mesh{ClusterID: "Kubernetes"}
			for i, set := range test.sets(setOf(test.view...)) {
				n := string(rune('1' + i))
				m.Ztunnels = append(m.Ztunnels, &mesh.Ztunnel{Name: "z" + n, NodeName: "n" + n, Workloads: set})
			}
			m.Join()
			var got []clash
			for _, c := range m.AddressClashes {
				row := clash{Address: c.Address, Holders: names(c.Holders)}
				for _, w := range c.Workloads {
					row.Workloads = append(row.Workloads, w.Name)
				}
				got = append(got, row)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
