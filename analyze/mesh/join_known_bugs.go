package mesh

// joinKnownBugs says of each component which bugs of its version may show.
func joinKnownBugs(m *Mesh) {
	for _, c := range m.Components {
		for _, b := range upstreamBugs() {
			if lacks, err := Before(c.Version, b.fixed); b.component != c.Name || err != nil || !lacks {
				continue
			}
			if shown := b.met(m, c); shown != nil {
				c.KnownBugs = append(c.KnownBugs, &KnownBug{What: b.what, Fixed: b.fixed, Link: b.link, shown: shown})
			}
		}
	}
}
