package ruletest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/analyze/ruletest"
	"github.com/zbundle/zbundle/rules"
)

func TestHeadroomIsOfWhatOneThresholdAloneKeepsBack(t *testing.T) {
	pod := func(age float64, failures int, running bool) *mesh.Pod {
		return &mesh.Pod{Name: "p", AgeSeconds: age, ProbeFailures: failures, Running: running}
	}
	known := &mesh.Mesh{Pods: []*mesh.Pod{pod(30, 1, true), pod(45, 3, true), pod(59, 3, false)}}
	known.SetGaps(mesh.InputPods)
	blind := &mesh.Mesh{Pods: known.Pods}
	blind.SetGaps(mesh.InputPods, mesh.Gap{Subject: "pods", Reason: "forbidden"})
	for name, test := range map[string]struct {
		when  string
		needs string
		mesh  *mesh.Mesh
		want  []ruletest.Headroom
	}{
		"a number reaches a share of the bound": {"pod.running && pod.ageSeconds > 60", "pods", known, []ruletest.Headroom{
			{Comparison: "pod.ageSeconds > 60", Items: 2, Worst: 0.75},
		}},
		"below the bound is what it is above it": {"pod.running && pod.ageSeconds < 15", "pods", known, []ruletest.Headroom{
			{Comparison: "pod.ageSeconds < 15", Items: 2, Worst: 0.5},
		}},
		"of whole numbers the nearest that is found counts": {"pod.running && pod.probeFailures > 3", "pods", known, []ruletest.Headroom{
			{Comparison: "pod.probeFailures > 3", Items: 2, Worst: 0.75},
		}},
		"what is not judged has none": {"pod.running && pod.ageSeconds > 60", "pods!", blind, []ruletest.Headroom{
			{Comparison: "pod.ageSeconds > 60"},
		}},
		"what other conditions keep back has none": {"pod.deleting && pod.ageSeconds > 60", "pods", known, []ruletest.Headroom{
			{Comparison: "pod.ageSeconds > 60"},
		}},
	} {
		rule, problems := rules.Parse("a.yaml", []byte(`id: a
title: A rule
severity: warning
category: resources
for: pods
needs: [`+test.needs+`]
when: `+test.when+`
message: m
cause: c
impact: i
remedy: r
`))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		engine, err := analyze.Compile([]*rules.Rule{rule})
		if err != nil {
			t.Fatal(err)
		}
		got, err := ruletest.MeasureHeadroom(t.Context(), engine, test.mesh)
		if err != nil {
			t.Fatal(err)
		}
		for i := range test.want {
			test.want[i].Rule = "a"
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
