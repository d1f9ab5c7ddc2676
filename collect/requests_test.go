package collect

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/internal/sim"
)

// TestOnlyWhatTheTableListsIsAsked watches everything that collections send,
// of whole clusters and of broken ones.
func TestOnlyWhatTheTableListsIsAsked(t *testing.T) {
	world := &sim.Generate{Nodes: 2, Workloads: 12, Seed: 1, Version: "1.30.3", MemoryUsed: 64 << 20}
	faulty := *world
	faulty.Faults = []string{"ztunnel-crashloop", "no-portforward"}
	for name, test := range map[string]struct {
		served sim.Options
		opts   Options
	}{
		"a whole cluster":          {sim.Options{Generate: world}, Options{}},
		"without rights":           {sim.Options{Generate: &faulty}, Options{}},
		"in scope":                 {sim.Options{Generate: world}, Options{For: "shop", Namespaces: []string{"pay"}, Waypoints: WaypointsTake}},
		"in single namespaces":     {sim.Options{Generate: world, Roles: []sim.Role{listsPods("istio-system"), listsPods("shop")}}, Options{Namespaces: []string{"shop"}}},
		"within a budget":          {sim.Options{Generate: world}, Options{Budget: 1}},
		"answers that break off":   {sim.Options{Generate: world, Break: []string{"ztunnel=reset", "logs=reset"}}, Options{}},
		"an API server overloaded": {sim.Options{Generate: world, Break: []string{"lists=429"}}, Options{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := collectFrom(t, test.served, test.opts)
			if len(got.requests) < 20 {
				t.Fatalf("only %d requests were seen", len(got.requests))
			}
			for _, r := range got.requests {
				if !listedInTable(r) {
					t.Errorf("%s %s %s is in no table", r.Target, r.Method, r.Path)
				}
			}
		})
	}
}

var podRequest = regexp.MustCompile(`^/api/v1/namespaces/[^/]+/pods/([^/:]+)(?::(\d+))?/(log|portforward|proxy)(/.*)?$`)

func listedInTable(r sim.Request) bool {
	u, err := url.Parse(r.Path)
	if err != nil {
		return false
	}
	if r.Target != "api-server" {
		port, err := strconv.Atoi(r.Target[strings.LastIndexByte(r.Target, ':')+1:])
		return err == nil && r.Method == http.MethodGet && askedOfPods(port, u, false)
	}
	if m := podRequest.FindStringSubmatch(u.Path); m != nil {
		switch m[3] {
		case "portforward": // a WebSocket's GET, or the POST of SPDY
			return r.Method == http.MethodGet || r.Method == http.MethodPost
		case "log":
			return r.Method == http.MethodGet && !u.Query().Has("follow")
		}
		port, err := strconv.Atoi(m[2])
		return err == nil && r.Method == http.MethodGet && askedOfPods(port, &url.URL{Path: m[4], RawQuery: u.RawQuery}, true)
	}
	switch {
	case r.Method == http.MethodPost:
		return r.Path == reviewPath
	case r.Method != http.MethodGet || u.Query().Has("watch"):
		return false
	case r.Path == "/version", r.Path == "/apis":
		return true
	}
	return slices.ContainsFunc(objectTasks, func(task task) bool { return asksFor(task, u) })
}

func askedOfPods(port int, u *url.URL, byProxy bool) bool {
	return slices.ContainsFunc(podTasks, func(task task) bool {
		path, query, _ := strings.Cut(task.path, "?")
		want, err := url.ParseQuery(query)
		if err != nil || task.port != port || path != u.Path || byProxy && !task.onPodAddress || len(want) != len(u.Query()) {
			return false
		}
		for key := range want {
			if !u.Query().Has(key) || key != "proxyID" && want.Get(key) != u.Query().Get(key) {
				return false
			}
		}
		return true
	})
}

// asksFor tells whether a path lists the objects of a task, in pages, or
// fetches one of those that it names.
func asksFor(task task, u *url.URL) bool {
	for _, version := range task.versions {
		base := groupVersions{task.group: {version}}.path(task.resource)
		if task.form == asNamed {
			for _, name := range task.names {
				if strings.HasPrefix(u.Path, base+"/namespaces/") && strings.HasSuffix(u.Path, "/"+task.name+"/"+name) {
					return true
				}
			}
			continue
		}
		all := u.Path == base+"/"+task.name
		one := task.namespaced && strings.HasPrefix(u.Path, base+"/namespaces/") && strings.HasSuffix(u.Path, "/"+task.name) && strings.Count(u.Path, "/") == strings.Count(base, "/")+3
		if limit, err := strconv.Atoi(u.Query().Get("limit")); (all || one) && err == nil && limit > 0 && limit <= pageSize {
			return true
		}
	}
	return false
}

// TestTheTableItselfOnlyReads: nothing that changes a process is in it. A path
// that is not known to only read has to be looked up in its server's source,
// and added here.
func TestTheTableItselfOnlyReads(t *testing.T) {
	onlyRead := []string{
		"/config_dump", "/debug/ambientz", "/debug/clusterz", "/debug/config_dump", "/debug/connections", "/debug/mesh", "/debug/networkz", "/debug/syncz",
		"/healthz/ready", "/metrics", "/readyz", "/stats/prometheus", "/version",
	}
	asked := map[string]bool{}
	for _, task := range podTasks {
		if path, _, _ := strings.Cut(task.path, "?"); path != "" {
			asked[path] = true
		}
	}
	if diff := cmp.Diff(onlyRead, slices.Sorted(maps.Keys(asked))); diff != "" {
		t.Errorf("paths that are asked of pods (-known to only read +in the table):\n%s", diff)
	}
}
