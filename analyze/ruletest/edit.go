package ruletest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/zbundle/zbundle/rules"
)

// edit sets and removes values of a JSON document by pointers. A step into a
// list may select by a value instead of an index: /items/metadata.name=frontend-1-a/status.
func edit(text []byte, c rules.Change) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var root any
	if err := dec.Decode(&root); err != nil {
		return nil, err
	}
	for _, pointer := range slices.Sorted(maps.Keys(c.Set)) {
		if err := at(&root, pointer, func(parent any, step string) (any, error) { return put(parent, step, c.Set[pointer]) }); err != nil {
			return nil, fmt.Errorf("set %s: %w", pointer, err)
		}
	}
	if c.Remove != "" {
		if err := at(&root, c.Remove, remove); err != nil {
			return nil, fmt.Errorf("remove %s: %w", c.Remove, err)
		}
	}
	return json.MarshalIndent(root, "", " ")
}

// at walks to the parent of what a pointer names, and lets change give its new value.
func at(value *any, pointer string, change func(parent any, step string) (any, error)) error {
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, s := range steps {
		steps[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(s)
	}
	return walk(value, steps, change)
}

func walk(value *any, steps []string, change func(any, string) (any, error)) error {
	if len(steps) == 1 {
		changed, err := change(*value, steps[0])
		if err == nil {
			*value = changed
		}
		return err
	}
	switch v := (*value).(type) {
	case map[string]any:
		child, ok := v[steps[0]]
		if !ok {
			return fmt.Errorf("there is no %q", steps[0])
		}
		err := walk(&child, steps[1:], change)
		v[steps[0]] = child
		return err
	case []any:
		i, err := index(v, steps[0])
		if err != nil {
			return err
		}
		return walk(&v[i], steps[1:], change)
	}
	return fmt.Errorf("%q stands in nothing that has parts", steps[0])
}

// index is the place in a list of a step: a number, or path=value.
func index(list []any, step string) (int, error) {
	if key, want, ok := strings.Cut(step, "="); ok {
		for i, e := range list {
			if fmt.Sprint(field(e, strings.Split(key, "."))) == want {
				return i, nil
			}
		}
		return 0, fmt.Errorf("nothing in the list has %s", step)
	}
	i, err := strconv.Atoi(step)
	if err != nil || i < 0 || i >= len(list) {
		return 0, fmt.Errorf("%q is no place in a list of %d", step, len(list))
	}
	return i, nil
}

func field(v any, keys []string) any {
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

func put(parent any, step string, value any) (any, error) {
	switch p := parent.(type) {
	case map[string]any:
		p[step] = value
		return p, nil
	case []any:
		if step == "-" {
			return append(p, value), nil
		}
		i, err := index(p, step)
		if err != nil {
			return nil, err
		}
		p[i] = value
		return p, nil
	}
	return nil, errors.New("it stands in nothing that has parts")
}

func remove(parent any, step string) (any, error) {
	switch p := parent.(type) {
	case map[string]any:
		if _, ok := p[step]; !ok {
			return nil, fmt.Errorf("there is no %q", step)
		}
		delete(p, step)
		return p, nil
	case []any:
		i, err := index(p, step)
		if err != nil {
			return nil, err
		}
		return slices.Delete(p, i, i+1), nil
	}
	return nil, errors.New("it stands in nothing that has parts")
}
