// Package world is a simulated mesh and what its parts serve: generate*.go invent it and make its objects,
// mesh.go holds it, ztunnel*.go, istiod.go, cni.go and waypoint.go are what its components answer, and
// traffic*.go what they have logged and counted.
package world
