package ztunnel

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Config is the configuration a ztunnel runs with, as src/config.rs serialises
// it: typed where it matters to an analysis, everything else in Other.
type Config struct {
	ClusterID     string
	ClusterDomain string
	Network       string
	LocalNode     string
	ProxyMode     string // "Shared" or "Dedicated"

	CAAddress  string // "" without a CA
	XDSAddress string // "" without a control plane

	// RequireOriginalSource is nil where ztunnel decides.
	RequireOriginalSource *bool
	// IPv6Enabled is nil below 1.27.
	IPv6Enabled *bool
	// CRLPath is "" without a revocation list, and below 1.29.
	CRLPath string

	ProxyMetadata map[string]string
	ProxyArgs     string
	// IllegalPorts are printed in random order.
	IllegalPorts     []uint16
	NumWorkerThreads int
	DNSProxy         bool
	// ZtunnelIdentity is the SPIFFE ID of the ztunnel itself; "" below 1.27.
	ZtunnelIdentity string
	InpodUDS        string
	PacketMark      uint32
	// SecretTTL is the lifetime that ztunnel asks certificates for.
	SecretTTL Seconds

	// Other holds every key not above, and those above whose value is null or
	// of another type, as served.
	Other map[string]jsontext.Value

	// seen are the typed keys that were there, for those whose value is zero.
	seen map[string]bool
}

// Seconds is a Rust Duration.
type Seconds struct {
	Secs  int64 `json:"secs"`
	Nanos int64 `json:"nanos"`
}

// configField binds a key to its typed place.
type configField struct {
	key  string
	to   any
	zero bool
}

func (c *Config) fields() []configField {
	return []configField{
		{"clusterId", &c.ClusterID, c.ClusterID == ""},
		{"clusterDomain", &c.ClusterDomain, c.ClusterDomain == ""},
		{"network", &c.Network, c.Network == ""},
		{"localNode", &c.LocalNode, c.LocalNode == ""},
		{"proxyMode", &c.ProxyMode, c.ProxyMode == ""},
		{"caAddress", &c.CAAddress, c.CAAddress == ""},
		{"xdsAddress", &c.XDSAddress, c.XDSAddress == ""},
		{"requireOriginalSource", &c.RequireOriginalSource, c.RequireOriginalSource == nil},
		{"ipv6Enabled", &c.IPv6Enabled, c.IPv6Enabled == nil},
		{"crlPath", &c.CRLPath, c.CRLPath == ""},
		{"proxyMetadata", &c.ProxyMetadata, c.ProxyMetadata == nil},
		{"proxyArgs", &c.ProxyArgs, c.ProxyArgs == ""},
		{"illegalPorts", &c.IllegalPorts, c.IllegalPorts == nil},
		{"numWorkerThreads", &c.NumWorkerThreads, c.NumWorkerThreads == 0},
		{"dnsProxy", &c.DNSProxy, !c.DNSProxy},
		{"ztunnelIdentity", &c.ZtunnelIdentity, c.ZtunnelIdentity == ""},
		{"inpodUds", &c.InpodUDS, c.InpodUDS == ""},
		{"packetMark", &c.PacketMark, c.PacketMark == 0},
		{"secretTtl", &c.SecretTTL, c.SecretTTL == Seconds{}},
	}
}

// UnmarshalJSONFrom reads the object; no value of any key makes it fail.
func (c *Config) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*c = Config{}
	if err := unmarshalNext(dec, &c.Other); err != nil {
		return err
	}
	c.seen = map[string]bool{}
	for _, f := range c.fields() {
		v, ok := c.Other[f.key]
		if !ok || v.Kind() == 'n' || unmarshalBytes(v, f.to) != nil {
			continue
		}
		delete(c.Other, f.key)
		c.seen[f.key] = true
	}
	return nil
}

// MarshalJSONTo writes every key that was read and every typed field that is set, by key.
func (c Config) MarshalJSONTo(enc *jsontext.Encoder) error {
	all := map[string]any{}
	for k, v := range c.Other {
		all[k] = v
	}
	for _, f := range c.fields() {
		if !f.zero || c.seen[f.key] {
			all[f.key] = f.to
		}
	}
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if err := enc.WriteToken(jsontext.String(k)); err != nil {
			return err
		}
		if err := marshalNext(enc, all[k]); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}
