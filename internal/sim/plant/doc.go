// Package plant picks what a fault or a trap is planted on, and holds the changes that both make.
package plant
