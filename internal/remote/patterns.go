package remote

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// readablePatterns refuses lines of an ssh_config, and of the files that it includes, that OpenSSH
// understands and the library takes for something else without a word: quotes belong to a
// name there, a tab does not end it, and Match host is a list of names only.
func readablePatterns(name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	for i, line := range strings.Split(string(data), "\n") {
		keyword, args := setting(line)
		if why := unread(keyword, args); why != "" {
			return fmt.Errorf("%s:%d: %s", name, i+1, why)
		}
		if keyword != "include" {
			continue
		}
		for _, file := range included(strings.Fields(args)) {
			if err := readablePatterns(file); err != nil {
				return err
			}
		}
	}
	return nil
}

// setting divides a line into its keyword, in lower case, and what follows without a comment.
func setting(line string) (keyword, args string) {
	line = strings.TrimSpace(line)
	end := strings.IndexAny(line, " \t=")
	if end < 0 || strings.HasPrefix(line, "#") {
		return "", ""
	}
	args, _, _ = strings.Cut(line[end:], " #")
	return strings.ToLower(line[:end]), strings.Trim(args, " \t=\r")
}

// unread says why a line would not be read as OpenSSH reads it; "" when it is.
func unread(keyword, args string) string {
	switch keyword {
	case "host", "match", "include":
	default:
		return ""
	}
	fields := strings.Fields(args)
	switch {
	case strings.Contains(args, `"`):
		return keyword + " with quotes is not supported: write what is in them without"
	case strings.Contains(args, "\t"):
		return keyword + " with a tab between its arguments is not supported: write a blank"
	case keyword == "match" && len(fields) > 2, keyword == "match" && strings.Contains(args, ","):
		return "match with more than one name or criterion is not supported: write Host with the names"
	default:
		return ""
	}
}

// included are the files that an Include names, as the library finds them: whatever HOME says,
// it looks where the user's own folder is.
func included(patterns []string) []string {
	home := os.Getenv("HOME")
	if u, err := user.Current(); err == nil {
		home = u.HomeDir
	}
	var out []string
	for _, p := range patterns {
		if rest, below := strings.CutPrefix(p, "~/"); below {
			p = filepath.Join(home, rest)
		} else if !filepath.IsAbs(p) {
			p = filepath.Join(home, ".ssh", p)
		}
		files, err := filepath.Glob(p)
		if err == nil { // else the library has refused it
			out = append(out, files...)
		}
	}
	return out
}
