package main

import (
	"os/exec"
	"strings"
	"testing"
)

// The archive is all that the live and the offline phase share, and data flows one way.
func TestImportsGoOneWay(t *testing.T) {
	const module = "github.com/zbundle/zbundle/"
	for packages, foreign := range map[string][]string{
		"analyze/... rules/... bundle/... internal/ztunnel/... internal/istio/... internal/istiod/... internal/openmetrics/...": {"k8s.io/", module + "collect", module + "cmd", module + "internal/sim"},
		"analyze/result":       {module + "bundle", module + "rules", module + "internal", module + "analyze/mesh", module + "analyze/load"},
		"analyze/report":       {module + "bundle", module + "rules", module + "analyze/mesh", module + "analyze/load"},
		"bundle/...":           {module + "analyze", module + "rules"},
		"rules/...":            {module + "analyze", module + "bundle"},
		"analyze/mesh/...":     {module + "analyze/load", module + "bundle"},
		"collect/...":          {module + "analyze", module + "rules", module + "internal/sim"},
		"internal/ztunnel/...": {module + "bundle", module + "analyze"},
	} {
		args := []string{"list", "-deps"}
		for _, p := range strings.Fields(packages) {
			args = append(args, module+p)
		}
		out, err := exec.Command("go", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		for _, dep := range strings.Fields(string(out)) {
			for _, prefix := range foreign {
				if strings.HasPrefix(dep, prefix) {
					t.Errorf("%s imports %s", packages, dep)
				}
			}
		}
	}
}
