// Package appdef is what Marathon 1.11.26 makes of an app definition that it is sent:
// types read, deprecated fields translated, defaults filled in, rules checked, and the
// form that GET shows. It is pure, and it is written for the sandbox alone: the program
// has a canonical form of its own, and where the two disagree a test shows it.
//
// The order of work is Marathon's, because it decides which of two errors is reported
// and what a second pass sees: read (422), deprecated rules (422), translation (500),
// rules (422), defaults, model (500), rules of the model (422).
package appdef
