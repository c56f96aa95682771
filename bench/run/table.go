//go:build linux

package main

import (
	"fmt"
	"runtime"
	"strings"
)

// A row is one figure of the table.
type row struct {
	what  string
	value float64
	limit float64 // 0: reported, without a limit
	unit  string  // × for a ratio
	parts string  // what it was computed from
	err   error   // it could not be measured
}

// missed reports whether the figure is above its limit, or unknown.
func (r row) missed() bool { return r.err != nil || r.limit > 0 && r.value > r.limit }

func (r row) markdown() string {
	if r.err != nil {
		reason, _, _ := strings.Cut(r.err.Error(), "\n")
		return fmt.Sprintf("| %s | not measured | | %s |", r.what, cell(reason))
	}
	limit, verdict := "", ""
	if r.limit > 0 {
		limit = fmt.Sprintf("≤ %s", number(r.limit, r.unit))
		if r.missed() {
			verdict = " **over**"
		}
	}
	return fmt.Sprintf("| %s | %s%s | %s | %s |", r.what, number(r.value, r.unit), verdict, limit, cell(r.parts))
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func number(v float64, unit string) string {
	switch {
	case unit == "×":
		return fmt.Sprintf("%.2f ×", v)
	case v >= 100:
		return fmt.Sprintf("%.0f %s", v, unit)
	default:
		return fmt.Sprintf("%.1f %s", v, unit)
	}
}

func milliseconds(seconds float64) string { return fmt.Sprintf("%.0f ms", seconds*1e3) }

func megabytes(bytes float64) string { return fmt.Sprintf("%.0f MB", bytes/1e6) }

// document is the whole page, with how to make it again.
func document(rows []row, runs int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# What meshsync costs

Written by `+"`make bench`"+`; do not edit. Each figure is the median of %d rounds, or as many as its row says, after one that
warms the caches; in a round the programs that are compared run in turn, and a ratio is
taken round by round. Absolute times are this machine's (%d processors, %s, %s/%s) and are
shown only to give the ratios a scale. bench/README.md says what each program does.

| figure | measured | limit | from |
|---|---|---|---|
`, runs, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, r := range rows {
		b.WriteString(r.markdown())
		b.WriteByte('\n')
	}
	return b.String()
}
