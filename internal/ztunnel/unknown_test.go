package ztunnel

import (
	"io"
	"maps"
	"reflect"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// UnknownKeys lists, sorted, the keys of a dump that are not known, as
// "Workload.newKey", "Config.newKey" or "Dump.newKey": what a newer ztunnel added.
func UnknownKeys(r io.Reader) ([]string, error) {
	d, err := ReadDump(r)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for k := range d.Other {
		found["Dump."+k] = true
	}
	if d.Config != nil {
		for k := range d.Config.Other {
			if !d.Config.knows(k) {
				found["Config."+k] = true
			}
		}
	}
	collectExtra(reflect.ValueOf(d), found)
	return slices.Sorted(maps.Keys(found)), nil
}

// collectExtra walks every struct for what its Extra field took.
func collectExtra(v reflect.Value, found map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			collectExtra(v.Elem(), found)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range v.Len() {
			collectExtra(v.Index(i), found)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			collectExtra(v.MapIndex(k), found)
		}
	case reflect.Struct:
		collectFields(v, found)
	}
}

func collectFields(v reflect.Value, found map[string]bool) {
	if m, ok := v.Interface().(StringMatch); ok && !m.known() {
		found["StringMatch."+string(m.Kind)] = true
		return
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		if field.Name != "Extra" {
			collectExtra(v.Field(i), found)
			continue
		}
		var extra map[string]jsontext.Value
		if raw := v.Field(i).Bytes(); len(raw) > 0 && unmarshalBytes(raw, &extra) == nil {
			for k := range extra {
				found[v.Type().Name()+"."+k] = true
			}
		}
	}
}

// otherConfigKeys are the keys of 1.22 to master that have no typed place.
var otherConfigKeys = []string{
	"proxy", "windowSize", "connectionWindowSize", "frameSize", "poolMaxStreamsPerConn", "poolUnusedReleaseTimeout",
	"socks5Addr", "adminAddr", "statsAddr", "readinessAddr", "inboundAddr", "inboundPlaintextAddr", "outboundAddr",
	"dnsProxyAddr", "proxyWorkloadInformation", "localIp", "caRootCert", "caCertWatcher", "altCaHostname",
	"xdsRootCert", "altXdsHostname", "preferedServiceNamespace", "xdsOnDemand", "fakeCa", "fakeSelfInbound",
	"selfTerminationDeadline", "dnsResolverCfg", "dnsResolverOpts", "inpodEnabled", "inpodPortReuse", "inpodMark",
	"socketConfig", "xdsHeaders", "caHeaders", "localhostAppTunnel", "ztunnelWorkload", "enableEnhancedBaggage",
}

// knows says that some version of ztunnel that we know prints the key.
func (c *Config) knows(key string) bool {
	return slices.Contains(otherConfigKeys, key) ||
		slices.ContainsFunc(c.fields(), func(f configField) bool { return f.key == key })
}

// known says that the kind is one of those above.
func (m StringMatch) known() bool {
	switch m.Kind {
	case MatchExact, MatchPrefix, MatchSuffix, MatchPresence:
		return true
	}
	return false
}
