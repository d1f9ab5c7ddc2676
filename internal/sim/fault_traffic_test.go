package sim

// hboneEvidence, waypointEvidence, policyEvidence, balanceEvidence and configurationEvidence are what the faults of these groups must show.
func hboneEvidence() map[string][]string {
	return map[string][]string{
		"hbone-503-400-other":        {"http status: 400 Bad Request", "no service for target address"},
		"hbone-h2-failure":           {"h2 failed: ", `response_flags="H2_HANDSHAKE_FAILURE"`},
		"hbone-tls-failure":          {"received fatal alert: HandshakeFailure", "NoCipherSuitesInCommon"},
		"ip-collision-mtls":          {"ip mismatch: "},
		"connect-failed-upstream":    {"http status: 503 Service Unavailable", "connection failed: Connection refused (os error 111)", `response_flags="CONNECT"`},
		"node-local-hbone-blackhole": {"maybe a NetworkPolicy is blocking HBONE port 15008"},
		"hbone-self-call":            {"attempted recursive call to ourselves"},
		"hbone-idle-pings":           {"HBONE ping timeout/error"},
	}
}

func waypointEvidence() map[string][]string {
	return map[string][]string{
		"waypoint-not-bound":            {`"istio.io/use-waypoint":"edge"`},
		"waypoint-cross-ns-rejected":    {`"AttachmentDenied"`, `"istio.io/use-waypoint-namespace"`},
		"waypoint-scaled-to-zero":       {"no healthy upstream"},
		"waypoint-unknown":              {"unknown waypoint: ", `"destination": "/10.95.7.7"`},
		"waypoint-type-mismatch":        {"SUBJECT"},
		"waypoint-no-hbone-listener":    {`"protocol":"HTTP"`},
		"waypoint-gatewayclass-missing": {"Waiting for controller", "could not find GatewayClass"},
		"waypoint-l4-policy-broken":     {"allow policies exist, but none allowed"},
		"waypoint-bypassed":             {"SUBJECT"},
		"waypoint-revision-skew":        {"1.26.8"},
		"waypoint-drain-2s":             {"SUBJECT"},
		"waypoint-missing-for-feature":  {"NoWaypointForWildcardService"},
		"waypoint-not-bound-entry":      {"WaypointIsNotReady"},
	}
}

func policyEvidence() map[string][]string {
	return map[string][]string{
		"policy-missing-in-ztunnel": {"SUBJECT"},
		"policy-allow-nothing":      {`"rules": []`, "allow policies exist, but none allowed"},
		"policy-l7-at-l4":           {`"methods"`, "UnsupportedValue"},
		"policy-action-unsupported": {"does not support the CUSTOM action"},
		"policy-target-unresolved":  {"TargetNotFound"},
		"policy-spiffe-typo":        {`"spiffe://cluster.local/ns/shop/sa/frontend"`},
		"policy-principal-unknown":  {"sa/frontent"},
		"policy-dryrun":             {`"dryRun": true`, `"istio.io/dry-run":"true"`},
		"policy-late-drop":          {"connection closed due to policy change"},
		"strict-blocks-plaintext":   {"explicitly denied by: istio-system/istio_converted_static_strict", `"action": "Deny"`},
		"pa-disable-ignored":        {`"mode":"DISABLE"`},
	}
}

func configurationEvidence() map[string][]string {
	return map[string][]string{
		"virtualservice-not-applied":        {`"timeout":"2s"`},
		"route-not-applied":                 {`"parentRefs":[{"group":"","kind":"Service"`},
		"destinationrule-not-applied":       {`"outlierDetection"`},
		"requestauthentication-not-applied": {`"jwtRules"`},
		"wasmplugin-not-applied":            {"oci://registry.example/limits:1"},
		"telemetry-not-applied":             {`"accessLogging"`},
		"policy-selects-waypoint":           {`"name":"waypoint-methods"`},
		"gateway-hbone-failing":             {`response_flags="UC"`, `envoy_cluster_upstream_cx_connect_fail{cluster_name="connect_originate"} 8`},
	}
}

func balanceEvidence() map[string][]string {
	return map[string][]string{
		"lb-strict-locality-empty":         {"no healthy upstream", `"mode": "Strict"`, `"internalTrafficPolicy":"Local"`},
		"lb-locality-labels-missing":       {`"mode": "Failover"`, `"region": ""`},
		"lb-leaked-allowall":               {`"healthPolicy": "AllowAll"`},
		"se-none-no-endpoints":             {"no healthy upstream", `"resolution":"NONE"`},
		"dns-upstream-failing":             {`istio_dns_upstream_request_duration_seconds_bucket`},
		"dns-message-skew":                 {"expected message id"},
		"dns-hostname-workload-unresolved": {"no ip addresses were resolved for workload"},
		"dns-capture-off-mixed":            {`"ambient.istio.io/dns-capture":"true"`},
	}
}
