package pseudonym

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// fields are the keys of logs, and the labels of metrics, whose values are
// names, without what stands before their last dot.
var fields = set(`
workload namespace service identity name pod ns node id uid cluster proxy revision sa policy wl hostname host
source_workload source_workload_namespace source_app source_principal source_cluster source_canonical_service source_version
destination_workload destination_workload_namespace destination_app destination_principal destination_cluster destination_canonical_service
destination_service destination_service_name destination_service_namespace destination_version
podName podNamespace serviceAccount cluster_name listener_address http_conn_manager_prefix
`)

// learnFields takes the names in a log or in metrics: the values of fields in
// key="value", key=value and "key":"value". Lines longer than a name's place
// are taken in pieces.
func (n *Names) learnFields(r io.Reader) error {
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := in.ReadSlice('\n')
		n.learnLine(line)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

func (n *Names) learnLine(line []byte) {
	for at := 0; ; {
		sign := bytes.IndexAny(line[at:], "=:")
		if sign < 0 {
			return
		}
		sign += at
		at = sign + 1
		key := bytes.TrimRight(line[:sign], `\" `)
		from := len(key)
		for from > 0 && isToken(key[from-1]) {
			from--
		}
		quoted := line[sign] == '=' || len(key) < sign
		if !quoted || !fields[string(key[from:])] {
			continue
		}
		value := bytes.TrimLeft(line[at:], `\" `)
		end := bytes.IndexAny(value, "\"\\ ,;{}\n\t")
		if end < 0 {
			end = len(value)
		}
		if text := string(value[:end]); !strings.Contains(text, "://") || strings.HasPrefix(text, "spiffe://") {
			n.learnText(text)
		}
	}
}
