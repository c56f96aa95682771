package host

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxInline is how large a payload may be that goes in the script itself. A file of its own takes a
// session and half a dozen processes, which is most of what a small batch costs; but bash reads a
// script byte by byte.
const maxInline = 32 << 10

// recordPart is the part of the payload with the entries of the record that stay.
const recordPart = "record"

// payload reads the parts one after another, piece by piece: they may be large, and whoever is given
// one in a piece copies it.
func (b *batch) payload() io.Reader {
	var all []io.Reader
	for _, p := range b.parts {
		all = append(all, struct{ io.Reader }{strings.NewReader(p.text)})
	}
	return io.MultiReader(all...)
}

// fitsScript reports whether the payload can stand in a script: it is short, and text that each shell
// takes as it is.
func (b *batch) fitsScript() bool {
	return b.size <= maxInline && !slices.ContainsFunc(b.parts, func(p part) bool { return !isPlainText(p.text) })
}

func isPlainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\t' || r == 0x7f
	})
}

// payloadPart has ms_slice OFFSET SIZE TO, which writes a part of the payload to a file.
func (b *batch) payloadPart() string {
	if !b.inline {
		return stagedPart
	}
	var s strings.Builder
	s.WriteString("ms_slice() {\n  c=''\n  case \"$1 $2\" in\n")
	for _, p := range b.parts {
		if at := b.slices[p.name]; at.size > 0 && p.name != recordPart {
			fmt.Fprintf(&s, "  '%d %d') c=%s;;\n", at.off, at.size, quote(p.text))
		}
	}
	s.WriteString("  esac\n  { printf '%s' \"$c\" >\"$3\"; } 2>/dev/null" + notWhole)
	return s.String()
}

// stagedPart takes the payload that was sent before the script. It is there for this shell only:
// whatever becomes of it, nothing is left. A large part behind little else is taken by cat, which copies
// in large pieces or not at all, where tail does in small ones.
const stagedPart = `if [ -r "$B/staging/$RUN" ]; then exec 7<"$B/staging/$RUN"; rm -f -- "$B/staging/$RUN"; else exec 7</dev/null; fi
ms_slice() {
  {
    if [ "$2" = 0 ]; then true
    elif [ $(($1+$2)) -eq "$PAYLOAD" ] && [ "$1" -lt 1048576 ] && [ "$2" -gt 1048576 ]; then
      { [ "$1" = 0 ] || dd bs="$1" count=1 >/dev/null 2>&1; cat; } </proc/self/fd/7
    elif [ $(($1+$2)) -eq "$PAYLOAD" ]; then tail -c "+$(($1+1))" /proc/self/fd/7
    else tail -c "+$(($1+1))" /proc/self/fd/7 | head -c "$2"; fi
  } 2>/dev/null >"$3" && [ "$(wc -c <"$3")" -eq "$2" ]` + notWhole

// notWhole ends ms_slice.
const notWhole = ` || { W="its content could not be written whole: is the disk full?"; return 1; }
}
`

// static sets STATIC to the entries of the record that stay.
func (b *batch) static() string {
	if b.inline {
		i := slices.IndexFunc(b.parts, func(p part) bool { return p.name == recordPart })
		return "STATIC=" + quote(b.parts[i].text) + "\n"
	}
	r := b.slices[recordPart]
	return fmt.Sprintf(`STATIC=$(tail -c +%d /proc/self/fd/7 2>/dev/null | head -c %d)
[ "${#STATIC}" -eq %[2]d ] || { printf '%%s broken %%s\n' "$T" 'the files that arrived are no longer there'; return 1; }
`, r.off+1, r.size)
}

// leftPart removes payloads of runs that ended before their batch began; a younger one may be of a
// run that comes next. It follows the taking of the batch's own.
const leftPart = `for e in "$B/staging"/*; do
  [ -f "$e" ] || continue
  find "$B/staging" -type f -mmin +60 -exec rm -f -- {} + 2>/dev/null
  break
done
`
