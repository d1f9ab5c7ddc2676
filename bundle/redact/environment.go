package redact

import (
	"slices"
	"strings"
)

// environment are the variables whose values say how the mesh is set up; the
// values of all others are dropped. A trailing * stands for any ending.
var environment = []string{
	"PILOT_*", "AMBIENT_*", "CA_TRUSTED_NODE_ACCOUNTS", "ENABLE_DEBUG_*", "REVISION", "CLUSTER_ID", "ISTIO_META_CLUSTER_ID",
	"RUST_LOG", "LOG_LEVEL", "LOG_FORMAT", "ENABLE_ORIG_SRC", "XDS_ADDRESS", "CA_ADDRESS", "ISTIO_META_NETWORK", "NETWORK", "INPOD_ENABLED",
	"ZTUNNEL_CPU_LIMIT", "ZTUNNEL_WORKER_THREADS", "HOST_PROBE_SNAT_IP*", "ENABLE_POD_ENI", "POD_SECURITY_GROUP_ENFORCING_MODE",
	"AUTHZ_POLICY_INFO_LOGGING", "EXCLUDE_NAMESPACES", "TRUST_DOMAIN",
}

// VariableKept is true of the environment variables whose values a bundle holds.
func VariableKept(name string) bool { return listed(name) }

func listed(name string) bool {
	return slices.ContainsFunc(environment, func(pattern string) bool {
		if prefix, any := strings.CutSuffix(pattern, "*"); any {
			return strings.HasPrefix(name, prefix)
		}
		return name == pattern
	})
}
