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
		"bundle/...":  {module + "analyze", module + "rules"},
		"rules/...":   {module + "analyze", module + "bundle"},
		"collect/...": {module + "analyze", module + "rules", module + "internal/sim"},
		// Rooms of the archive: layout stands alone, and what is kept knows nothing of views.
		"bundle/layout": {module + "bundle/view", module + "bundle/redact", module + "bundle/pseudonym"},
		"bundle/view":   {module + "bundle/pseudonym"},
		"bundle/redact": {module + "bundle/view", module + "bundle/pseudonym"},
		// Rooms of the analysis: the model knows nothing of where it came from.
		"analyze/mesh/...": {module + "analyze/load", module + "analyze/foreign", module + "bundle"},
		"analyze/load/...": {module + "analyze/foreign", module + "analyze/source", module + "analyze/report", module + "analyze/ruletest", module + "rules"},
		"analyze/result":   {module + "bundle", module + "rules", module + "internal", module + "analyze/mesh", module + "analyze/load"},
		"analyze/report":   {module + "bundle", module + "rules", module + "analyze/mesh", module + "analyze/load"},
		// Decoders know only the form of what they decode.
		"internal/ztunnel/... internal/istiod/... internal/openmetrics/... internal/istio/...": {module + "bundle", module + "analyze", module + "rules", module + "collect"},
		// Rooms of the simulated cluster: the mesh knows nothing of what is planted in it.
		"internal/sim/world":                         {module + "internal/sim/plant", module + "internal/sim/fault", module + "internal/sim/trap", module + "internal/sim/replay"},
		"internal/sim/plant":                         {module + "internal/sim/fault", module + "internal/sim/trap", module + "internal/sim/replay"},
		"internal/sim/fault":                         {module + "internal/sim/trap", module + "internal/sim/replay"},
		"internal/sim/trap":                          {module + "internal/sim/fault", module + "internal/sim/replay"},
		"internal/sim/replay":                        {module + "internal/sim/plant", module + "internal/sim/fault", module + "internal/sim/trap"},
		"internal/kubeapi/...":                       {module + "internal/sim", module + "bundle", module + "analyze", module + "rules"},
		"internal/rawjson/... internal/tempfile/...": {module + "bundle", module + "analyze", module + "internal/istio", module + "internal/ztunnel"},
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
