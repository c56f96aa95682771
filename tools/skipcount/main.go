// Command skipcount reads the stream of `go test -json` and prints what `go test` prints:
// a line per package, the output of what failed. At the end it counts the tests and lists
// the skips by reason, because a skipped test is one that shows nothing, which plain
// `go test` hides.
//
// Exit code: 0 all passed, 1 a test, a package or a build failed, or a skip was not
// allowed (with -strict), 2 usage or an unreadable stream.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, in io.Reader, out, errOut io.Writer) int {
	flags := flag.NewFlagSet("skipcount", flag.ContinueOnError)
	flags.SetOutput(errOut)
	strict := flags.Bool("strict", false, "fail when a test is skipped that the -allow file does not name")
	allow := flags.String("allow", "", "`FILE` with the tests that may be skipped, and why")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	allowed, err := readAllowed(*allow)
	if err != nil {
		fmt.Fprintln(errOut, "skipcount:", err)
		return 2
	}
	r := newReport(out)
	if err := r.read(in); err != nil {
		fmt.Fprintln(errOut, "skipcount:", err)
		return 2
	}
	refused := r.summary(allowed, *strict)
	if r.failed > 0 || r.broken > 0 || refused > 0 {
		return 1
	}
	return 0
}
