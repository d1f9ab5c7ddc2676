package ruletest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/rules"
)

// pathSteps of pod.ztunnel.name, service.conditions["x"].status or mesh.istiods[0].version.
func pathSteps(e rules.Expr) ([]string, error) {
	tree, err := parser.Parse(e.Source)
	if err != nil {
		return nil, analyze.Locate(e, err)
	}
	var steps []string
	node := tree.Node
	for {
		switch n := node.(type) {
		case *ast.MemberNode:
			switch property := n.Property.(type) {
			case *ast.StringNode:
				steps, node = append(steps, property.Value), n.Node
				continue
			case *ast.IntegerNode:
				steps, node = append(steps, strconv.Itoa(property.Value)), n.Node
				continue
			}
		case *ast.IdentifierNode:
			steps = append(steps, n.Value)
			slices.Reverse(steps)
			return steps, nil
		}
		return nil, e.Problem("want a path of fields, such as pod.ztunnel.name")
	}
}

// alterer sets fields of the model, and remembers what they held.
type alterer struct {
	changed bool
	undo    []func()
}

func (a *alterer) restore() {
	for _, undo := range slices.Backward(a.undo) {
		undo()
	}
	a.undo = nil
}

func (a *alterer) assign(root any, steps []string, value any) error {
	if len(steps) == 0 {
		return errors.New("names no field to alter")
	}
	return a.walk(reflect.ValueOf(root), steps, value)
}

// walk goes to the fields that the steps name, into every element of lists
// where they name none, and past what is nil.
func (a *alterer) walk(v reflect.Value, steps []string, value any) error {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return a.walk(v.Elem(), steps, value)
	case reflect.Slice:
		if at, err := strconv.Atoi(steps[0]); err == nil && len(steps) > 1 {
			if at >= v.Len() {
				return fmt.Errorf("there is no element %d in a list of %d", at, v.Len())
			}
			return a.walk(v.Index(at), steps[1:], value)
		}
		for i := range v.Len() {
			if err := a.walk(v.Index(i), steps, value); err != nil {
				return err
			}
		}
		return nil
	case reflect.Map:
		return a.entry(v, steps, value)
	case reflect.Struct:
		field, ok := fieldNamed(v, steps[0])
		if !ok {
			return fmt.Errorf("type %s has no field %s", v.Type().Name(), steps[0])
		}
		if len(steps) == 1 {
			return a.set(field, value)
		}
		if field.Kind() == reflect.Map {
			// The entry goes into a copy: the map may be shared.
			copied := reflect.MakeMap(field.Type())
			for _, k := range field.MapKeys() {
				copied.SetMapIndex(k, field.MapIndex(k))
			}
			a.put(field, copied)
		}
		return a.walk(field, steps[1:], value)
	}
	return fmt.Errorf("%s stands in nothing that has fields", steps[0])
}

func (a *alterer) entry(m reflect.Value, steps []string, value any) error {
	key := reflect.ValueOf(steps[0]).Convert(m.Type().Key())
	element := reflect.New(m.Type().Elem()).Elem()
	if old := m.MapIndex(key); old.IsValid() {
		element.Set(old)
	}
	var err error
	if len(steps) == 1 {
		err = a.set(element, value)
	} else {
		err = a.walk(element, steps[1:], value)
	}
	m.SetMapIndex(key, element)
	return err
}

func (a *alterer) set(field reflect.Value, value any) error {
	to, err := convert(value, field.Type())
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(field.Interface(), to.Interface()) {
		a.changed = true
	}
	a.put(field, to)
	return nil
}

func (a *alterer) put(field, to reflect.Value) {
	old := reflect.New(field.Type()).Elem()
	old.Set(field)
	a.undo = append(a.undo, func() { field.Set(old) })
	field.Set(to)
}

// fieldNamed is the field with an expr name.
func fieldNamed(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("expr") == name {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// convert brings a value of an expression into the form of a field.
func convert(value any, to reflect.Type) (reflect.Value, error) {
	v := reflect.ValueOf(value)
	switch {
	case !v.IsValid() && slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Map}, to.Kind()):
		return reflect.Zero(to), nil
	case !v.IsValid():
		return reflect.Value{}, fmt.Errorf("nil does not fit a field of type %s", typeName(to))
	case v.Type().AssignableTo(to):
		return v, nil
	case to == reflect.TypeFor[time.Time]() && v.Kind() == reflect.String:
		at, err := time.Parse(time.RFC3339, v.String())
		return reflect.ValueOf(at), err
	case v.Kind() == reflect.Slice && to.Kind() == reflect.Slice:
		list := reflect.MakeSlice(to, 0, v.Len())
		for i := range v.Len() {
			element, err := convert(v.Index(i).Interface(), to.Elem())
			if err != nil {
				return reflect.Value{}, err
			}
			list = reflect.Append(list, element)
		}
		return list, nil
	case v.Kind() == reflect.Map && to.Kind() == reflect.Map:
		entries := reflect.MakeMap(to)
		for _, key := range v.MapKeys() {
			k, errKey := convert(key.Interface(), to.Key())
			element, err := convert(v.MapIndex(key).Interface(), to.Elem())
			if err := errors.Join(errKey, err); err != nil {
				return reflect.Value{}, err
			}
			entries.SetMapIndex(k, element)
		}
		return entries, nil
	case v.Kind() == reflect.String == (to.Kind() == reflect.String) && v.CanConvert(to):
		if to := v.Convert(to); v.Kind() != reflect.Float64 || to.Convert(v.Type()).Equal(v) {
			return to, nil
		}
	}
	return reflect.Value{}, fmt.Errorf("a %s does not fit a field of type %s", typeName(v.Type()), typeName(to))
}

// typeName is the name of a type as docs/rules/model.md has it.
func typeName(t reflect.Type) string {
	return strings.NewReplacer("*mesh.", "", "mesh.", "").Replace(t.String())
}
