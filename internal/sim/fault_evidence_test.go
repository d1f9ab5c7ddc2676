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
		"istiod-krt-unsynced":         {"remote cluster remote-1 failed to sync"},
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
