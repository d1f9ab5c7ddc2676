package ztunnel

import "github.com/go-json-experiment/json/jsontext"

// Values of [ProxyState].State.
const (
	ProxyUp      = "Up"
	ProxyPending = "Pending"
)

// ProxyState is the proxy of one pod that the CNI agent handed over, as
// src/inpod/admin.rs serialises it.
type ProxyState struct {
	// Pointer is the JSON pointer of the state in the file it was read from.
	Pointer string `json:"-"`

	State string `json:"state"`
	// Connections is nil while Pending.
	Connections *Connections `json:"connections,omitzero"`
	// Info is nil in some builds below 1.24.
	Info *PodInfo `json:"info,omitzero"`

	Extra jsontext.Value `json:",embed"`
}

// PodInfo names the pod as the CNI agent knows it.
type PodInfo struct {
	Name           string `json:"name"`
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
	TrustDomain    string `json:"trustDomain,omitzero"`

	Extra jsontext.Value `json:",embed"`
}

// Connections are those open when the dump was made.
type Connections struct {
	Inbound  []Connection `json:"inbound"`
	Outbound []Connection `json:"outbound"`

	Extra jsontext.Value `json:",embed"`
}

// Connection is one open connection; addresses are "<ip>:<port>".
// Inbound, Src is the peer's HBONE socket, ActualDst the application's port and
// OriginalDst the hostname of the service that was called, "" (null) if none was.
// Outbound, OriginalDst is what the application dialled and ActualDst the peer.
type Connection struct {
	Src         string     `json:"src"`
	OriginalDst NullString `json:"originalDst"`
	ActualDst   string     `json:"actualDst"`
	// Protocol is "TCP", "HBONE" or "DOUBLEHBONE", "" below 1.26.
	Protocol string `json:"protocol,omitzero"`

	Extra jsontext.Value `json:",embed"`
}

// NullString is a string that is null in JSON when empty.
type NullString string

// UnmarshalJSONFrom reads a string or null.
func (s *NullString) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	return unmarshalNext(dec, (*string)(s))
}

// MarshalJSONTo writes a string, or null for the empty one.
func (s NullString) MarshalJSONTo(enc *jsontext.Encoder) error {
	if s == "" {
		return enc.WriteToken(jsontext.Null)
	}
	return enc.WriteToken(jsontext.String(string(s)))
}

// Version is the build that made the dump, as src/version.rs serialises it.
type Version struct {
	Version      string `json:"version"`
	GitRevision  string `json:"gitRevision"`
	RustVersion  string `json:"rustVersion"`
	BuildProfile string `json:"buildProfile"`
	BuildStatus  string `json:"buildStatus"`
	// GitTag is there up to 1.26, CryptoProvider from 1.27.
	GitTag string `json:"gitTag,omitzero"`
	// IstioVersion may be "unknown".
	IstioVersion   string `json:"istioVersion"`
	CryptoProvider string `json:"cryptoProvider,omitzero"`

	Extra jsontext.Value `json:",embed"`
}
