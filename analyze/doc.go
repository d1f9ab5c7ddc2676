// Package analyze says what is wrong with a mesh: it types rules against the
// mesh model, runs them, and rolls what they find up into findings, each
// symptom under its cause.
package analyze
