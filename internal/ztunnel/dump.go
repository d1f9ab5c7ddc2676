package ztunnel

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Keys of a config dump, see [Dump].Sections.
const (
	SectionWorkloads      = "workloads"
	SectionServices       = "services"
	SectionPolicies       = "policies"
	SectionStagedServices = "stagedServices"
	SectionStaticConfig   = "staticConfig"
	SectionCertificates   = "certificates"
	SectionWorkloadState  = "workloadState"
	SectionVersion        = "version"
	SectionConfig         = "config"
)

// maxProblems bounds what a broken dump can make us remember.
const maxProblems = 100

// Dump is what /config_dump serves (src/admin.rs ConfigDump), or a part of it.
type Dump struct {
	Workloads []Workload
	Services  []Service
	Policies  []Policy
	// StagedServices are endpoints that arrived before their service, by
	// "<namespace>/<hostname>", then by workload UID.
	StagedServices map[string]map[string]Endpoint
	StaticConfig   *StaticConfig
	Certificates   []Certificate
	// WorkloadState is keyed by Kubernetes pod UID; ztunnels that are not in
	// in-pod mode have none.
	WorkloadState map[string]ProxyState
	Version       *Version
	Config        *Config

	// Sections are the top-level keys that were there.
	Sections map[string]bool
	// Other holds the top-level keys that are not known.
	Other map[string]jsontext.Value
	// Problems name elements that are not of the expected shape; such an
	// element is kept as far as it could be read.
	Problems []string
}

// StaticConfig is what a ztunnel was given by file rather than by istiod.
type StaticConfig struct {
	Workloads []jsontext.Value `json:"workloads"`
	Policies  []jsontext.Value `json:"policies"`
	Services  []jsontext.Value `json:"services"`

	Extra jsontext.Value `json:",embed"`
}

// ReadDump reads a whole dump, one section of it, or the 1.22 form that keys
// workloads and services by address. On an error the dump holds what was read
// before it; its text says whether the JSON is cut off or broken.
func ReadDump(r io.Reader) (*Dump, error) { return VisitDump(r, nil) }

// VisitDump is ReadDump, but hands each workload to visit in place of keeping
// them all. The workload is visit's for as long as it runs, its lists for good;
// an error ends the reading.
func VisitDump(r io.Reader, visit func(*Workload) error) (*Dump, error) {
	d := &dumpReader{
		dump:  &Dump{Sections: map[string]bool{}},
		dec:   NewDecoder(r),
		seen:  interner{},
		visit: visit,
	}
	if err := d.read(); err != nil {
		return d.dump, describeDumpError(err)
	}
	return d.dump, nil
}

func describeDumpError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read config dump: the JSON is cut off: %w", err)
	}
	return fmt.Errorf("read config dump: %w", err)
}

type dumpReader struct {
	dump  *Dump
	dec   *jsontext.Decoder
	seen  interner
	visit func(*Workload) error // nil keeps the workloads
}

func (d *dumpReader) read() error {
	if err := d.begin('{'); err != nil {
		return err
	}
	for d.dec.PeekKind() == '"' {
		tok, err := d.dec.ReadToken()
		if err != nil {
			return err
		}
		name := tok.String()
		d.dump.Sections[name] = true
		if err := d.section(name); err != nil {
			return fmt.Errorf("section %s: %w", name, err)
		}
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	if tok, err := d.dec.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = fmt.Errorf("unexpected %v after the dump", tok.Kind())
		}
		return err
	}
	return nil
}

// begin reads the opening of the dump itself.
func (d *dumpReader) begin(kind jsontext.Kind) error {
	tok, err := d.dec.ReadToken()
	if errors.Is(err, io.EOF) {
		return errors.New("it is empty")
	}
	if err != nil {
		return err
	}
	if tok.Kind() != kind {
		return fmt.Errorf("not a JSON object but %v", tok.Kind())
	}
	return nil
}

func (d *dumpReader) section(name string) error {
	switch name {
	case SectionWorkloads:
		return d.workloads()
	case SectionServices:
		return readList(d, name, &d.dump.Services, d.addService, d.mergeService(), nil)
	case SectionPolicies:
		return readList(d, name, &d.dump.Policies, d.addPolicy, keepPolicy, nil)
	case SectionCertificates:
		return readList(d, name, &d.dump.Certificates, d.addCertificate, keepCertificate, nil)
	case SectionStagedServices:
		return d.value(name, &d.dump.StagedServices)
	case SectionStaticConfig:
		return d.value(name, &d.dump.StaticConfig)
	case SectionWorkloadState:
		return d.workloadState()
	case SectionVersion:
		return d.value(name, &d.dump.Version)
	case SectionConfig:
		return d.value(name, &d.dump.Config)
	}
	v, err := d.dec.ReadValue()
	if err != nil {
		return err
	}
	if d.dump.Other == nil {
		d.dump.Other = map[string]jsontext.Value{}
	}
	d.dump.Other[name] = v.Clone()
	return nil
}

func (d *dumpReader) workloads() error {
	list := &d.dump.Workloads
	if err := readList(d, SectionWorkloads, list, d.addWorkload, d.mergeWorkload(), d.visit); err != nil || d.visit == nil {
		return err
	}
	// Of the form that is keyed by address, which takes several entries to know a workload.
	for i := range *list {
		if err := d.visit(&(*list)[i]); err != nil {
			return err
		}
	}
	*list = nil
	return nil
}

func (d *dumpReader) workloadState() error {
	bounds := json.WithUnmarshalers(json.JoinUnmarshalers(AtMost[ProxyState](), AtMost[Connection]()))
	if err := d.value(SectionWorkloadState, &d.dump.WorkloadState, bounds); err != nil {
		return err
	}
	for uid, s := range d.dump.WorkloadState {
		s.Pointer = "/" + SectionWorkloadState + "/" + escapePointer(uid)
		d.dump.WorkloadState[uid] = s
	}
	return nil
}

// value decodes one value; one of another shape is a problem, not an error.
func (d *dumpReader) value(pointer string, to any, opts ...json.Options) error {
	depth := d.dec.StackDepth()
	_, before := d.dec.StackIndex(depth)
	err := json.UnmarshalDecode(d.dec, to, opts...)
	if err == nil {
		return nil
	}
	var shape *json.SemanticError
	if !errors.As(err, &shape) {
		return err
	}
	d.problem(pointer, err)
	for d.dec.StackDepth() > depth {
		if err := d.skip(); err != nil {
			return err
		}
	}
	if _, after := d.dec.StackIndex(depth); after == before {
		return d.dec.SkipValue()
	}
	return nil
}

// skip reads past one value, or past the end of the innermost object or list.
func (d *dumpReader) skip() error {
	if k := d.dec.PeekKind(); k == '}' || k == ']' {
		_, err := d.dec.ReadToken()
		return err
	}
	return d.dec.SkipValue()
}

func (d *dumpReader) problem(pointer string, err error) {
	if len(d.dump.Problems) < maxProblems {
		d.dump.Problems = append(d.dump.Problems, "/"+strings.TrimPrefix(pointer, "/")+": "+err.Error())
	}
}

// readList reads a list, or the 1.22 object whose values are the elements. add
// finishes an element; merge folds one of an object into the list by its key;
// visit, where it is not nil, takes those of a list, which are then not kept.
func readList[T any](d *dumpReader, name string, list *[]T, add func(*T, string), merge func(list *[]T, key string, v T), visit func(*T) error) error {
	kind := d.dec.PeekKind()
	if kind != '[' && kind != '{' {
		var none []T
		return d.value(name, &none)
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	if *list == nil {
		*list = []T{}
	}
	for i := 0; ; i++ {
		key := ""
		switch d.dec.PeekKind() {
		case ']', '}':
			_, err := d.dec.ReadToken()
			return err
		case '"':
			if kind == '[' {
				break
			}
			tok, err := d.dec.ReadToken()
			if err != nil {
				return err
			}
			key = tok.String()
		}
		if max(i, len(*list)) >= maxElements {
			return fmt.Errorf("it has more than %d elements, which no mesh has", maxElements)
		}
		pointer := "/" + name + "/" + strconv.Itoa(i)
		if kind == '{' {
			pointer = "/" + name + "/" + escapePointer(key)
		}
		if kind == '{' {
			var v T
			if err := d.value(pointer, &v); err != nil {
				return err
			}
			add(&v, pointer)
			merge(list, key, v)
			continue
		}
		v := appendZero(list)
		if err := d.value(pointer, v); err != nil {
			return err
		}
		add(v, pointer)
		if visit == nil {
			continue
		}
		if err := visit(v); err != nil {
			return err
		}
		var none T
		*v = none
		*list = (*list)[:len(*list)-1]
	}
}

// appendZero makes room at the end of the list. It doubles: elements are large,
// and append's own growth would copy each of them several times over.
func appendZero[T any](list *[]T) *T {
	if len(*list) == cap(*list) {
		*list = slices.Grow(*list, max(16, len(*list)))
	}
	*list = (*list)[:len(*list)+1]
	return &(*list)[len(*list)-1]
}

func escapePointer(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(s)
}
