// Package ztunnel reads what a ztunnel serves and logs: its config dump, its
// log with the access records in it, the errors those carry, and its readiness.
//
// The shapes follow the sources of istio/ztunnel from 1.22 on. Reading is
// tolerant: keys that are not known are kept, so encoding loses nothing.
package ztunnel
