// Package redact is what of a mesh may enter a bundle: which members of which
// resources are kept, what of config dumps, configurations and access logs is
// withheld, and the scan for secrets that all text passes on its way to the
// archive. docs/safety.md describes it for those who hand bundles on.
package redact

// marker stands for a value that was taken out.
const marker = "[redacted]"
