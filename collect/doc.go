// Package collect takes from a cluster everything that tells how its ambient
// mesh is doing, and writes it into a bundle. It only reads: docs/safety.md
// lists every request that it can make.
//
// A run (run.go) has its passes in passes.go, and a room for each question:
//
//	task.go       the table of all that is asked
//	survey.go     what was found: pods, nodes, served API groups
//	observed.go   what the answers of pods told since
//	rights.go     what may be asked, review.go asks for it
//	scope.go      which namespaces, nodes and waypoints were asked for
//	budget.go     what answers weigh, and which are too much
//	guard.go      what processes live through
//	plan.go       the selection of what is worth asking, told as a plan
//	objects.go    how objects are listed and kept
//	pod.go        how a pod is asked, and what is done with its answers
//	record.go     what was asked and how it ended
//
// Requests go out by api.go (the API server), pod_client.go (port-forward, or
// the pod proxy in its place) and tunnel.go. retry.go says what is tried again,
// idle_timeout.go how long an answer may keep silent, absence.go how an API
// server that was away is waited for, redirect.go that no redirect is followed.
package collect
