package sim

func configurationTraps() []Trap {
	return []Trap{
		{"l7-configuration-of-gateway", "an ingress gateway with VirtualService, DestinationRule, HTTPRoute, RequestAuthentication and WasmPlugin for the captured pods that it calls", "", layGatewayConfiguration},
		{"l7-configuration-of-waypoint", "the same bound to the services of a waypoint, and a Telemetry for their namespace", "", layWaypointConfiguration},
		{"l7-configuration-of-sidecars", "VirtualService and DestinationRule of captured pods that pods with sidecars call", "notice", laySidecarConfiguration},
		{"l7-configuration-without-effect", "what asks nothing of ztunnel: a Telemetry for the mesh, DestinationRules of mutual TLS alone, a VirtualService of hosts outside the mesh", "", layOn((*mesh).pickDirect, layIdleConfiguration)},
	}
}

func layGatewayConfiguration(m *mesh) error {
	if err := layGateway(m); err != nil {
		return err
	}
	s, err := m.pickDirect("")
	if err != nil {
		return err
	}
	rule := virtualServiceSpec(s)
	rule["hosts"], rule["gateways"] = []any{"shop.example"}, []any{"ingress/public"}
	m.configure("virtualservices", s.namespace, s.name, rule)
	m.configure("destinationrules", s.namespace, s.name, destinationRuleSpec(s))
	route := serviceRouteSpec(s)
	route["parentRefs"] = []any{map[string]any{"name": "public", "namespace": "ingress"}}
	m.configure("httproutes", s.namespace, s.name, route)
	selected := map[string]any{"selector": gatewaySelector("public")}
	m.configure("requestauthentications", "ingress", "public", selected)
	m.configure("wasmplugins", "ingress", "public", selected)
	return nil
}

func layWaypointConfiguration(m *mesh) error {
	users := m.throughWaypoint()
	if len(users) == 0 {
		return ErrNoSubject
	}
	s := users[0]
	m.configure("virtualservices", s.namespace, s.name, virtualServiceSpec(s))
	m.configure("destinationrules", s.namespace, s.name, destinationRuleSpec(s))
	m.configure("httproutes", s.namespace, s.name, serviceRouteSpec(s))
	m.configure("wasmplugins", s.namespace, s.name, pluginSpec(s))
	m.configure("requestauthentications", s.namespace, s.name, map[string]any{"targetRefs": []any{serviceRef(s)}})
	m.configure("telemetries", s.namespace, "default", map[string]any{"accessLogging": accessLogging()})
	return nil
}

func laySidecarConfiguration(m *mesh) error {
	if err := laySidecars(m); err != nil {
		return err
	}
	s, err := m.pickDirect("")
	if err != nil {
		return err
	}
	m.configure("virtualservices", s.namespace, s.name, virtualServiceSpec(s))
	m.configure("destinationrules", s.namespace, s.name, destinationRuleSpec(s))
	return nil
}

func layIdleConfiguration(m *mesh, s *meshService) {
	m.configure("telemetries", systemNamespace, "mesh-default", map[string]any{"accessLogging": accessLogging()})
	mutual := map[string]any{"tls": map[string]any{"mode": "ISTIO_MUTUAL"}}
	m.configure("destinationrules", systemNamespace, "default", map[string]any{"host": "*.local", "trafficPolicy": mutual})
	m.configure("destinationrules", s.namespace, s.name, map[string]any{"host": s.name, "trafficPolicy": mutual})
	rule := virtualServiceSpec(s)
	rule["hosts"] = []any{"api.partner.example"}
	m.configure("virtualservices", s.namespace, "partner", rule)
}
