#!/usr/bin/env bash
# Builds the parts of a real control plane, once for each pinned version, and
# runs the tests of the lab against them.
set -euo pipefail
cd "$(dirname "$0")"

pins=$(cat */go.mod */*.go | sha256sum | cut -c1-16)
export LAB_BIN=${LAB_BIN:-${XDG_CACHE_HOME:-$HOME/.cache}/zbundle-lab/$pins}
mkdir -p "$LAB_BIN"

build() { # module folder, name, package
  [ -x "$LAB_BIN/$2" ] && return
  echo "building $2"
  (cd "$1" && go build -o "$LAB_BIN/$2.new" "$3")
  mv "$LAB_BIN/$2.new" "$LAB_BIN/$2"
}
build etcd etcd .
build apiserver kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
build kwok kwok sigs.k8s.io/kwok/cmd/kwok
build istio pilot-discovery istio.io/istio/pilot/cmd/pilot-discovery
build istio istioctl istio.io/istio/istioctl/cmd/istioctl

export LAB_ISTIO LAB_KWOK LAB_GATEWAY
LAB_ISTIO=$(cd istio && go list -m -f '{{.Dir}}' istio.io/istio)
LAB_GATEWAY=$(cd istio && go list -m -f '{{.Dir}}' sigs.k8s.io/gateway-api)
LAB_KWOK=$(cd kwok && go list -m -f '{{.Dir}}' sigs.k8s.io/kwok)
go test -count=1 -timeout 15m "$@" ./...
