package ztunnel

import (
	"slices"
	"strings"
)

// mergeWorkload folds the entries that 1.22 prints one per address into one workload per UID.
func (d *dumpReader) mergeWorkload() func(*[]Workload, string, Workload) {
	at := map[string]int{}
	return func(list *[]Workload, key string, w Workload) {
		ip := key[strings.LastIndexByte(key, '/')+1:]
		i, ok := at[w.UID]
		if !ok || w.UID == "" {
			at[w.UID] = len(*list)
			i = len(*list)
			*list = append(*list, w)
		}
		(*list)[i].WorkloadIPs = appendNew((*list)[i].WorkloadIPs, ip)
	}
}

// mergeService folds the entries that 1.22 prints one per VIP into one service per hostname.
func (d *dumpReader) mergeService() func(*[]Service, string, Service) {
	at := map[string]int{}
	return func(list *[]Service, key string, s Service) {
		i, ok := at[s.Key()]
		if !ok {
			i = len(*list)
			at[s.Key()] = i
			*list = append(*list, s)
		}
		(*list)[i].VIPs = appendNew((*list)[i].VIPs, key)
	}
}

func keepPolicy(list *[]Policy, _ string, p Policy) { *list = append(*list, p) }

func keepCertificate(list *[]Certificate, _ string, c Certificate) { *list = append(*list, c) }

func appendNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
