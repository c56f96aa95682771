package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// again are the flags of this command line that a command after it needs to speak of the
// same thing: the mesh, the revision, how targets are reached, what the plan is narrowed
// to. It begins with a blank, or is empty.
func again(c *cobra.Command, g *globals) string {
	var out strings.Builder
	if g.dir != "" {
		out.WriteString(" -C " + shellWord(g.dir))
	}
	c.Flags().Visit(func(f *pflag.Flag) {
		shared := c.Root().PersistentFlags().Lookup(f.Name) != nil || slices.Contains([]string{"only", "exclude", "policy-ref", "override", "accept-machine", "refresh-secrets"}, f.Name)
		if !shared || f.Name == "chdir" {
			return
		}
		for _, v := range flagValues(f) {
			out.WriteString(" --" + f.Name + v)
		}
	})
	return out.String()
}

// flagValues are what follows a flag's name, once for each time that it was given.
func flagValues(f *pflag.Flag) []string {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		var out []string
		for _, v := range list.GetSlice() {
			out = append(out, " "+shellWord(v))
		}
		return out
	}
	if f.Value.Type() == "bool" {
		return []string{""}
	}
	return []string{" " + shellWord(f.Value.String())}
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellWord is one word for a shell that a person pastes it into.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
