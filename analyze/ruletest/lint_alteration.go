package ruletest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/rules"
)

// lintAlterations types the alterations in the tests of rules, which only
// running those tests would do otherwise.
func lintAlterations(set []*rules.Rule) []rules.Problem {
	var problems []rules.Problem
	for _, r := range set {
		scope, err := analyze.ScopeOf(r.For)
		if err != nil {
			continue // analyze.Compile tells
		}
		for _, t := range r.Tests {
			for _, a := range slices.Concat(t.Unless, t.Still) {
				for _, set := range a.Sets {
					problems = append(problems, analyze.Problems(lintAssignment(scope, set))...)
				}
			}
		}
	}
	return problems
}

func lintAssignment(scope *analyze.Scope, set rules.Assignment) error {
	_, errValue := scope.Compile(set.Value)
	steps, err := pathSteps(set.Path)
	if err != nil {
		return errors.Join(err, errValue)
	}
	item, of := scope.Item()
	roots := map[string]reflect.Type{analyze.WholeMesh: reflect.TypeFor[*mesh.Mesh](), item: of}
	root, ok := roots[steps[0]]
	if !ok {
		return errors.Join(notARoot(scope, set.Path, steps[0]), errValue)
	}
	if err := typed(root, steps[1:]); err != nil {
		return errors.Join(set.Path.Problem(err.Error()), errValue)
	}
	return errValue
}

// typed tells whether steps lead to a field of the model.
func typed(t reflect.Type, steps []string) error {
	if len(steps) == 0 {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typed(t.Elem(), steps)
	case reflect.Slice:
		if _, err := strconv.Atoi(steps[0]); err == nil {
			steps = steps[1:]
		}
		return typed(t.Elem(), steps)
	case reflect.Map:
		return typed(t.Elem(), steps[1:])
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.Tag.Get("expr") == steps[0] {
				return typed(f.Type, steps[1:])
			}
		}
		return fmt.Errorf("type %s has no field %s", t.Name(), steps[0])
	}
	return fmt.Errorf("%s stands in nothing that has fields", steps[0])
}
