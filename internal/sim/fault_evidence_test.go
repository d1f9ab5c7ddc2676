package sim

// syncEvidence, healthEvidence and the like say what the faults of one file must show in what the mesh serves.

func syncEvidence() map[string][]string {
	return map[string][]string{
		"xds-dns-failure":             {"source: dns error, retrying in"},
		"xds-tls-untrusted":           {"source: invalid peer certificate: BadSignature"},
		"xds-auth-rejected":           {"status: Unauthenticated", "Failed to authenticate client from"},
		"xds-flapping":                {`istio_xds_connection_terminations_total{reason="Error"} 149`, "Stream established"},
		"wds-push-storm-on-reconnect": {"WDS: PUSH request for node:", `istio_xds_connection_terminations_total{reason="Reconnect"}`},
		"istiod-ambient-disabled":     {`{"workloads":[],"services":[],"policies":[]}`, `"PILOT_ENABLE_AMBIENT","value":"false"`},
		"istiod-krt-unsynced":         {"Failed to watch *v1.EndpointSlice"},
		"istiod-wds-late":             {`pilot_proxy_convergence_time_bucket{le="10"} 378`},
		"workload-sent-late":          {"timed out waiting for workload"},
		"istiod-root-cert-cm-missing": {`configmap \"istio-ca-root-cert\" not found`, `"phase":"Pending"`},
	}
}

func healthEvidence() map[string][]string {
	return map[string][]string{
		"workload-dead-node":              {`"status":"Unknown"`, "Kubelet stopped posting node status."},
		"workload-health-mismatch":        {`"status": "Unhealthy"`, `"status":"UNHEALTHY"`},
		"workload-ip-collision":           {"peer did not present the expected SAN", "AlertReceived(CertificateUnknown)", "SUBJECT"},
		"workload-divergence":             {"SUBJECT"},
		"service-missing-or-vip-mismatch": {"SUBJECT"},
		"service-port-unresolved":         {"found, but cannot resolve port", `"80": 0`},
		"serviceentry-deduplicated":       {"was pruned by deduplication", "SUBJECT"},
	}
}

func captureEvidence() map[string][]string {
	return map[string][]string{
		"zds-protocol-mismatch":     {"protocol mismatch error while processing stream", "Connection refused (os error 111)"},
		"ztunnel-no-cni-socket":     {"failed to connect to the Istio CNI node agent over"},
		"cni-no-ztunnel-connection": {"ztunnel disconnected, total connected %!s(int=0)"},
		"cni-sandbox-failure":       {"FailedCreatePodSandBox", `plugin type=\"istio-cni\" failed`},
		"cni-fd-or-panic":           {`"restartCount":3`},
		"istio-cni-crashloop":       {`"reason":"OOMKilled"`},
		"cni-zds-deadlock":          {"install-cni:1.28.5", "new ztunnel connected, total connected: 1"},
		"cni-config-fight":          {"reconciled multiple times in a short period of time"},
		"cni-config-shadowed":       {"has lower priority than"},
		"cni-install-failed":        {"read-only file system", "some Kubernetes environments require customization"},
		"nft-iptables-mixed":        {"iptables artifacts detected"},
		"cni-untaint-stuck":         {`"taints":[{"key":"cni.istio.io/not-ready"`, "failed to remove readiness taint"},
		"iptables-program-failed":   {"failed to update POD inpod: "},
		"iptables-reconcile-failed": {"failed to reconcile inpod rules for pod", "SUBJECT"},
		"redirection-lost":          {"connection failed: deadline has elapsed", "http status: 503 Service Unavailable"},
		"wrong-netns":               {"found more than one netns for the same pod"},
		"netns-pairing-refused":     {"refusing the pairing"},
		"enrolment-flap":            {"pod delete request, shutting down proxy"},
		"optout-annotation":         {`"ambient.istio.io/dns-capture":"false"`},
		"sidecar-and-ambient":       nil, // its namespace's label, which is changed last of all
		"cni-repair-broken-pod":     {"LabelBrokenPod", `"cni.istio.io/uninitialized":"true"`},
		"ztunnel-leaked-pod":        {`"state": "Pending"`, "SUBJECT"},
		"proxy-bind-failed":         {"Address already in use"},
	}
}

func authorityEvidence() map[string][]string {
	return map[string][]string{
		"cert-initializing-stuck":   {`"state": "Initializing"`},
		"cert-impersonation-denied": {"impersonation failed for identity", "is not allowed to impersonate"},
		"cert-prefetch-failed":      {"unable to prefetch cert for"},
		"cert-ca-sign-error":        {"CSR signing error: ", "citadel_server_csr_sign_err_count 20"},
		"sa-id-mismatch":            {`"state": "Unavailable: did not find expected SAN`},
		"root-cert-expiring":        {`"expirationTime": "2026-12-14T12:00:00Z"`},
		"root-cert-invalid":         {"found 1 invalid root certs"},
		"trust-domain-mismatch":     {"SanTrustDomainError"},
		"peer-san-mismatch":         {"peer did not present the expected SAN"},
		"crl-rejecting":             {"peer certificate revoked by CRL"},
		"crl-not-loaded":            {"crl file not found", `"crlPath": "/var/run`},
		"ca-config-mismatch":        {`"caAddress": "https://cert-manager-istio-csr`},
		"istiod-oom":                {`"reason":"OOMKilled"`},
		"ztunnel-fd-exhaustion":     {"process_open_fds 19741", "Too many open files (os error 24)"},
		"ztunnel-not-ready":         {"SUBJECT"},
		"ztunnel-rolling-drops":     {`"restartCount":1`},
	}
}
