package sim

// surroundingsEvidence is of faults in networks, versions and the platform. Those that only
// change objects as they are served show at the API server, and not here.
func surroundingsEvidence() map[string][]string {
	return map[string][]string{
		"netpol-blocks-hbone":           {"maybe a NetworkPolicy is blocking HBONE port 15008", `response_flags="NETWORK_POLICY"`},
		"mc-cluster-id-mismatch":        {`"clusterId": "east"`},
		"mc-network-mismatch":           {`"network": "net-east"`},
		"mc-remote-unsynced":            {"remote cluster west failed to sync"},
		"mc-no-network-gateway":         {"No network gateway found for network west", `"network": "west"`},
		"mc-gateway-unknown-in-ztunnel": {"unknown network gateway: west"},
		"mc-multiple-gateways":          {"Multiple gateways found for network west"},
		"mc-flag-disabled":              nil,
		"mc-service-not-global":         nil,
		"mc-custom-trust-domain":        {"spiffe://corp.example/ns/", `"trustDomain": "corp.example"`},
		"mc-early-serve":                {"SUBJECT"},
		"skew-cni-ztunnel":              {"install-cni:1.27.0"},
		"skew-across-ztunnels":          {"1.30.99"},
		"known-bug":                     {"pilot:1.30.0"},
		"metrics-fd-negative":           {"process_open_fds 18446744073709551615"},
		"cilium-exclusive":              {`"cni-exclusive":"true"`, `"enable-bpf-masquerade":"false"`},
		"cilium-bpf-masquerade":         {`"enable-bpf-masquerade":"true"`, `"cni-exclusive":"false"`},
		"calico-ebpf":                   {"calico/node:v3.28.2", `"bpfEnabled":true`},
		"eks-sg-strict":                 {"POD_SECURITY_GROUP_ENFORCING_MODE", "pod-eni", "Readiness probe failed"},
		"platform-value-missing":        {"some Kubernetes environments require customization"},
		"gateway-api-crds-missing":      nil,
		"uid-1337":                      {"sidecar.istio.io/status"},
		"app-uses-reserved-port":        {`"containerPort":15008`},
		"hostnetwork-ignored":           {`"hostNetwork":true`, `"networkMode": "HostNetwork"`},
		"ns-label-typo":                 nil,
		"rev-label-mix":                 nil,
		"daemonset-incomplete":          {"containers with unready status: [install-cni]"},
		"daemonset-quota":               {"insufficient quota to match these scopes"},
		"psa-blocks-daemonset":          {"violates PodSecurity"},
		"probe-blocked-by-netpol":       {"internal-only", "Readiness probe failed"},
		"probe-bypass-lost":             {"Readiness probe failed", "policy rejection"},
		"probe-bypass-not-set":          {"failed to add pod to addressSet"},
	}
}
