// Package attacktest attacks the built binary as strangers and users could, and shows that its bounds hold: beside each attack
// a handful of honest clients go on, and of every process the peak of memory and descriptors, and what it has added to disk
// and log, are printed and judged.
//
// What is judged always: memory below its bound, disk and log below theirs, the admin listener answers, the honest clients
// get right answers, and afterwards everything is as before. ATTACKS=long sends as much as docs/security.md tells, instead of
// what fits into a test run, and compares the time of the honest clients before and beside the attack too.
//
// It is for tests only.
package attacktest
