// Command floor does the least that observing hosts over SSH can cost: it dials every
// host of a sandbox's connect file, with host keys checked and a limit, runs one fixed
// script on each and reads all that it prints. It compares nothing and decides nothing.
// bench/run divides the time of `meshsync plan` by that of this program.
//
// With -restart or -put it does the least that changing them can cost, too; with -marathon
// the least that looking at the apps of a Marathon can cost.
//
// It prints one line of JSON and exits with 1 when any host failed: a floor that leaves
// hosts out is none.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"
)

const (
	dialTimeout = 15 * time.Second
	hostTimeout = 60 * time.Second
	outputLimit = 64 << 20
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("floor", flag.ContinueOnError)
	file := flags.String("connect", "", "the sandbox's connect `FILE`")
	limit := flags.Int("limit", 64, "hosts asked at the same time, as many as meshsync asks")
	var then second
	flags.StringVar(&then.restart, "restart", "", "then restart `UNIT` on each host, by a second command")
	flags.Int64Var(&then.put, "put", 0, "then send `BYTES` to a file, by a second command")
	only := flags.String("only", "", "one `HOST` of the file")
	marathon := flags.String("marathon", "", "fetch and decode the apps of the Marathon at `URL`, in place of all that")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *marathon != "" {
		n, err := fetchApps(*marathon)
		if err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(struct {
			Apps int `json:"apps"`
		}{n})
	}
	if *file == "" || *limit < 1 {
		return errors.New("name the connect file of a sandbox with -connect; -limit is at least 1")
	}
	endpoints, err := readEndpoints(*file, *only)
	if err != nil {
		return err
	}
	sizes, err := ask(endpoints, *limit, then)
	if err != nil {
		return err
	}
	total := 0
	for _, n := range sizes {
		total += n
	}
	return json.NewEncoder(out).Encode(struct {
		Hosts int `json:"hosts"`
		Bytes int `json:"bytes"`
	}{len(endpoints), total})
}

// ask runs the script on all hosts and returns the size of each answer, in their order.
func ask(endpoints []endpoint, limit int, then second) ([]int, error) {
	sizes := make([]int, len(endpoints))
	var group errgroup.Group
	group.SetLimit(limit)
	for i, e := range endpoints {
		group.Go(func() error {
			n, err := e.ask(then)
			if err != nil {
				return fmt.Errorf("host %s: %w", e.name, err)
			}
			sizes[i] = n
			return nil
		})
	}
	return sizes, group.Wait()
}

// ask runs the script, and what comes second, on one host within hostTimeout.
func (e endpoint) ask(then second) (int, error) {
	client, err := ssh.Dial("tcp", e.address, e.config)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	watchdog := time.AfterFunc(hostTimeout, func() { _ = client.Close() })
	defer watchdog.Stop()
	n, err := execute(client, e.command, strings.NewReader(script))
	if err == nil {
		err = then.run(client)
	}
	return n, err
}

// execute runs a command by the connection and returns the size of its output.
func execute(client *ssh.Client, command string, input io.Reader) (int, error) {
	session, err := client.NewSession()
	if err != nil {
		return 0, err
	}
	defer session.Close()
	var stdout, stderr bounded
	session.Stdin, session.Stdout, session.Stderr = input, &stdout, &stderr
	if err := session.Run(command); err != nil {
		return 0, fmt.Errorf("%w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.Len(), nil
}

// bounded keeps what is written to it, up to outputLimit.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > outputLimit {
		return 0, fmt.Errorf("more than %d bytes of output", outputLimit)
	}
	return b.Buffer.Write(p)
}
