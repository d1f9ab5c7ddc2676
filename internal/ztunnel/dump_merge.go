package ztunnel

import "strings"

// addressOf is one address of the element at an index: looking it up in the
// element's own list would take the square of the number of addresses.
type addressOf struct {
	at      int
	address string
}

// mergeWorkload folds the entries that 1.22 prints one per address into one workload per UID.
func (d *dumpReader) mergeWorkload() func(*[]Workload, string, Workload) {
	at, known := map[string]int{}, map[addressOf]bool{}
	return func(list *[]Workload, key string, w Workload) {
		i, ok := at[w.UID]
		if !ok || w.UID == "" {
			i = len(*list)
			at[w.UID] = i
			for _, ip := range w.WorkloadIPs {
				known[addressOf{i, ip}] = true
			}
			*list = append(*list, w)
		}
		ip := key[strings.LastIndexByte(key, '/')+1:]
		if a := (addressOf{i, ip}); ip != "" && !known[a] {
			known[a] = true
			(*list)[i].WorkloadIPs = append((*list)[i].WorkloadIPs, ip)
		}
	}
}

// mergeService folds the entries that 1.22 prints one per VIP into one service per hostname.
func (d *dumpReader) mergeService() func(*[]Service, string, Service) {
	at, known := map[string]int{}, map[addressOf]bool{}
	return func(list *[]Service, key string, s Service) {
		i, ok := at[s.Key()]
		if !ok {
			i = len(*list)
			at[s.Key()] = i
			for _, vip := range s.VIPs {
				known[addressOf{i, vip}] = true
			}
			*list = append(*list, s)
		}
		if a := (addressOf{i, key}); key != "" && !known[a] {
			known[a] = true
			(*list)[i].VIPs = append((*list)[i].VIPs, key)
		}
	}
}

func keepPolicy(list *[]Policy, _ string, p Policy) { *list = append(*list, p) }

func keepCertificate(list *[]Certificate, _ string, c Certificate) { *list = append(*list, c) }
