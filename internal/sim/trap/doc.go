// Package trap lays in an invented mesh what is healthy and looks like a fault.
package trap
