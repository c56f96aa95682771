// Package faults has the tests in which hosts die, cables break, disks fill and others are in
// the way while a batch is at work. After each fault what was there is old or new, and the
// next run ends in what is wanted and leaves nothing behind.
package faults
