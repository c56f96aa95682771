// Command prescribed imports the libraries that meshsync is built on and prints a version.
// What it costs to start is what they cost; bench/run divides the time of
// `meshsync version` by it. Each library is referred to, so that the linker keeps it.
package main

import (
	"fmt"
	"os"

	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"
	"github.com/go-git/go-git/v5"
	"github.com/sergi/go-diff/diffmatchpatch"
	"golang.org/x/crypto/ssh"
)

func main() {
	linked := []any{cuecontext.New, load.Instances, git.PlainOpen, diffmatchpatch.New, ssh.NewClientConn}
	if _, err := fmt.Fprintf(os.Stdout, "prescribed 1 (%d entries linked)\n", len(linked)); err != nil {
		os.Exit(1)
	}
}
