package mesh

import (
	"slices"
	"strings"
)

// fault tells whose failure a flow is: "mesh" of what ztunnels, certificates
// or the network between them did not do, "application" of what an application
// or a destination outside the mesh did, "" of what went well, was denied by a
// policy or was closed in good order.
func (f *Flow) fault() string {
	switch {
	case f.HBONE && strings.Contains(f.Error, "stream closed because of a broken pipe"):
		return "mesh" // h2's text for a tunnel that broke under the call
	case f.Origin != "access-log" || slices.Contains([]string{"", "policy-denied", "policy-changed", "http-401", "drained"}, f.Class):
		return ""
	case slices.Contains([]string{"app-refused", "app-timeout", "http-503", "client-aborted", "server-aborted", "cut-while-closing", "recursive-call"}, f.Class):
		return "application"
	case !f.HBONE && slices.Contains([]string{"refused", "reset", "timeout", "unreachable", "handshake-eof", "dns"}, f.Class):
		return "application" // plain text to a destination that answers for itself
	}
	return "mesh"
}
