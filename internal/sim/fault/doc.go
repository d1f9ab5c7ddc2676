// Package fault plants faults in an invented mesh. Each is a row of the table of its family's file, with
// what it is planted on.
package fault
