// Package meshsync embeds the example repository, which meshsync init writes and the
// demo runs.
package meshsync

import "embed"

// ExampleRepo holds the folder example-repo.
//
//go:embed all:example-repo
var ExampleRepo embed.FS
