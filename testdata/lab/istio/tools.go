//go:build tools

// Package istio pins the istiod and istioctl that the lab builds.
package istio

import (
	_ "istio.io/istio/istioctl/cmd/istioctl"
	_ "istio.io/istio/pilot/cmd/pilot-discovery"
)
