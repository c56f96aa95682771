package host

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxInline is how much of a batch's contents may stand in the script itself. A payload of its own takes a
// session and half a dozen processes, which is most of what a small batch costs; but bash reads a
// script byte by byte.
const maxInline = 32 << 10

// largePart is what is worth a process that copies it in large pieces, or does not copy it at all.
const largePart = 1 << 20

// recordPart is the part with the entries of the record that stay.
const recordPart = "record"

// lay puts the small parts into the script, and orders the others in the payload, the largest last: the
// last one is taken from it in one piece, without a second process that ends it.
func (b *batch) lay() {
	slices.SortStableFunc(b.parts, func(x, y part) int { return cmp.Compare(len(x.text), len(y.text)) })
	held := 0
	for i, p := range b.parts {
		if fits := held+len(p.text) <= maxInline; fits && !p.secret && isPlainText(p.text) {
			held += len(p.text)
			b.slices[p.name] = slice{off: -1 - i, size: len(p.text)}
			continue
		}
		b.slices[p.name] = slice{off: b.size, size: len(p.text)}
		b.size += len(p.text)
	}
}

// stages reports whether a payload is sent before the script.
func (b *batch) stages() bool { return b.size > 0 || len(b.secrets) > 0 }

// payload reads the parts that the script does not hold one after another, piece by piece: they may be
// large, and whoever is given one in a piece copies it.
func (b *batch) payload() io.Reader {
	var all []io.Reader
	for _, p := range b.parts {
		if !b.slices[p.name].inline() {
			all = append(all, struct{ io.Reader }{strings.NewReader(p.text)})
		}
	}
	return io.MultiReader(all...)
}

// isPlainText reports whether each shell takes a text in a script as it is.
func isPlainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\t' || r == 0x7f
	})
}

// payloadPart has ms_slice OFFSET SIZE TO, which writes a part to a file.
func (b *batch) payloadPart() string {
	var s strings.Builder
	s.WriteString(b.takePayload() + "ms_slice() {\n  c=''\n  case $1 in\n")
	for _, p := range b.parts {
		if at := b.slices[p.name]; at.inline() && at.size > 0 && p.name != recordPart {
			fmt.Fprintf(&s, "  %d) c=%s;;\n", at.off, quote(p.text))
		}
	}
	s.WriteString("  esac\n  case $1 in\n")
	if b.stages() {
		s.WriteString("  [0-9]*) ms_staged \"$@\";;\n")
	}
	s.WriteString("  *) { printf '%s' \"$c\" >\"$3\"; } 2>/dev/null;;\n  esac" + notWhole)
	return s.String()
}

// takePayload takes the payload that was sent before the script, if there is one. It is there for this shell only:
// whatever becomes of it, nothing is left. A large part behind little else is taken by cat, which copies
// in large pieces or not at all, where tail does in small ones. A large file that is all of it goes to
// its place as it is; it is no secret, and what a killed batch leaves of it the next one removes.
func (b *batch) takePayload() string {
	switch {
	case !b.stages():
		return ""
	case b.isOneFile():
		return movedPart
	}
	return stagedPart
}

// isOneFile reports whether the payload is one large file, and no secret.
func (b *batch) isOneFile() bool {
	return b.size > largePart && len(b.secrets) == 0 && b.size == len(b.parts[len(b.parts)-1].text) && b.slices[recordPart].inline()
}

// movedPart moves it over the empty file that was made for it. Where that one has inherited something from its
// directory, an access list or a label, which ls marks behind the mode, it is filled.
const movedPart = `ms_staged() {
  case $(ls -ld -- "$3") in
  ??????????[!\ ]*) cat <"$B/staging/$RUN" >"$3";;
  *) mv -f -T -- "$B/staging/$RUN" "$3";;
  esac 2>/dev/null && [ "$(wc -c <"$3")" -eq "$2" ]
}
`

const stagedPart = `if [ -r "$B/staging/$RUN" ]; then exec 7<"$B/staging/$RUN"; rm -f -- "$B/staging/$RUN"; else exec 7</dev/null; fi
ms_staged() {
  {
    if [ "$2" = 0 ]; then true
    elif [ $(($1+$2)) -eq "$PAYLOAD" ] && [ "$1" -lt 1048576 ] && [ "$2" -gt 1048576 ]; then
      { [ "$1" = 0 ] || dd bs="$1" count=1 >/dev/null 2>&1; cat; } </proc/self/fd/7
    elif [ $(($1+$2)) -eq "$PAYLOAD" ]; then tail -c "+$(($1+1))" /proc/self/fd/7
    else tail -c "+$(($1+1))" /proc/self/fd/7 | head -c "$2"; fi
  } 2>/dev/null >"$3" && [ "$(wc -c <"$3")" -eq "$2" ]
}
`

// notWhole ends ms_slice.
const notWhole = ` || { W="its content could not be written whole: is the disk full?"; return 1; }
}
`

// static sets STATIC to the entries of the record that stay.
func (b *batch) static() string {
	r := b.slices[recordPart]
	if r.inline() {
		return "STATIC=" + quote(b.parts[-1-r.off].text) + "\n"
	}
	return fmt.Sprintf(`STATIC=$(tail -c +%d /proc/self/fd/7 2>/dev/null | head -c %d)
[ "${#STATIC}" -eq %[2]d ] || { printf '%%s broken %%s\n' "$T" 'the files that arrived are no longer there'; return 1; }
`, r.off+1, r.size)
}

// leftPart removes payloads of runs that ended before their batch began; a younger one may be of a
// run that comes next. That of the batch itself was taken, or is yet to be: a clock that was set makes it old.
const leftPart = `for e in "$B/staging"/*; do
  [ -f "$e" ] || continue
  find "$B/staging" -type f ! -name "$RUN" -mmin +60 -exec rm -f -- {} + 2>/dev/null
  break
done
`
