// Package view holds the form in which a bundle stores what several ztunnels
// or istiods answer alike: put into one order, stored once as a view, and of
// whoever differs a little as a delta against the nearest one. What writes,
// merges, anonymizes and reads bundles uses this one implementation.
package view
