//go:build tools

// Package apiserver pins the kube-apiserver that the lab builds.
package apiserver

import _ "k8s.io/kubernetes/cmd/kube-apiserver"
