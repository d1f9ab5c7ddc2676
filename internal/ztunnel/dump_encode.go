package ztunnel

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/internal/rawjson"
)

func unmarshalNext(dec *jsontext.Decoder, to any) error { return json.UnmarshalDecode(dec, to) }

func unmarshalBytes(v []byte, to any) error { return json.Unmarshal(v, to, rawjson.Lenient()) }

func marshalNext(enc *jsontext.Encoder, v any) error { return json.MarshalEncode(enc, v) }

// MarshalJSONTo writes the sections that the dump has, and those that are set,
// in the order that ztunnel prints them, as the lab's stand-in for one does.
func (d *Dump) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, s := range d.sections() {
		if !s.set && !d.Sections[s.name] {
			continue
		}
		if err := enc.WriteToken(jsontext.String(s.name)); err != nil {
			return err
		}
		if err := json.MarshalEncode(enc, s.value, json.Deterministic(true)); err != nil {
			return err
		}
	}
	if len(d.Other) > 0 {
		for name, v := range d.Other {
			if err := enc.WriteToken(jsontext.String(name)); err != nil {
				return err
			}
			if err := enc.WriteValue(v); err != nil {
				return err
			}
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

// MarshalJSON is [Dump.MarshalJSONTo] for encoding/json.
func (d *Dump) MarshalJSON() ([]byte, error) {
	return json.Marshal(d, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
}

type section struct {
	name  string
	set   bool
	value any
}

func (d *Dump) sections() []section {
	return []section{
		{SectionCertificates, d.Certificates != nil, d.Certificates},
		{SectionConfig, d.Config != nil, d.Config},
		{SectionPolicies, d.Policies != nil, d.Policies},
		{SectionServices, d.Services != nil, d.Services},
		{SectionStagedServices, d.StagedServices != nil, d.StagedServices},
		{SectionStaticConfig, d.StaticConfig != nil, d.StaticConfig},
		{SectionVersion, d.Version != nil, d.Version},
		{SectionWorkloadState, d.WorkloadState != nil, d.WorkloadState},
		{SectionWorkloads, d.Workloads != nil, d.Workloads},
	}
}
