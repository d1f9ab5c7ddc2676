package main

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/zbundle/zbundle/bundle"
)

// timeValue is a flag that takes a time in RFC 3339.
type timeValue struct{ at *time.Time }

func (v *timeValue) Set(s string) error {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return fmt.Errorf("want a time like 2026-01-31T15:04:05Z")
	}
	*v.at = at
	return nil
}

func (v *timeValue) Type() string { return "time" }

func (v *timeValue) String() string {
	if v.at == nil || v.at.IsZero() {
		return ""
	}
	return v.at.Format(time.RFC3339)
}

// sizeValue is a flag that takes a number of bytes as Kubernetes writes it (4Mi, 500k), or with a B behind.
type sizeValue struct{ bytes *int64 }

func (v *sizeValue) Set(s string) error {
	q, err := resource.ParseQuantity(strings.TrimSuffix(s, "B"))
	if err != nil || q.Sign() < 0 {
		return fmt.Errorf("want a size like 4Mi or 4MB")
	}
	*v.bytes = q.Value()
	return nil
}

func (v *sizeValue) Type() string { return "size" }

func (v *sizeValue) String() string {
	if v.bytes == nil {
		return ""
	}
	return resource.NewQuantity(*v.bytes, resource.BinarySI).String()
}

// shardValue is a flag that takes one of several parts: I/N.
type shardValue struct{ shard **bundle.Shard }

func (v *shardValue) Set(s string) error {
	shard, err := bundle.ParseShard(s)
	if err != nil {
		return err
	}
	*v.shard = shard
	return nil
}

func (v *shardValue) Type() string { return "I/N" }

func (v *shardValue) String() string {
	if v.shard == nil || *v.shard == nil {
		return ""
	}
	return (*v.shard).String()
}
