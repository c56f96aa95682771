package host

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/secret"
)

// Secrets gives the contents of the secret files that are written.
type Secrets func(mesh.SecretSource) (secret.Value, error)

// keyFile holds the key of a host: 32 random bytes that root alone can read. It is made
// when the first secret is staged, and serves all meshes.
const keyFile = "/var/lib/meshsync/.key"

// keyed is ms_keyed, which puts the digest of what it reads under the host's key K into
// D: sha256(key, hex of sha256(content), line feed). What the outer one takes has always the
// same length, so it cannot be extended; without the key nobody can try contents. Neither
// the key nor the content's own digest is ever an argument of a program. e3b0… is the digest
// of nothing: the key could not be read. It is one line because stageCommand has it.
const (
	keyed    = `ms_keyed() { D=$(sha256sum) || return 1; ` + underKey + `; }`
	underKey = `if [ -f "$K" ] && [ -s "$K" ]; then ` +
		`D=$({ cat -- "$K" && echo "${D%% *}"; } 2>/dev/null | sha256sum); D=` + mesh.KeyedPrefix + `${D%% *}; else D=` + mesh.KeyedPrefix + `; fi; ` +
		`case $D in *:e3b0c44298fc1c149afbf4c8*) D=` + mesh.KeyedPrefix + `;; esac`
)

// secretPart makes known which files are secrets, or once were: each mesh keeps a list of
// those that it wrote, because a file that git no longer declares may still hold one. hidden says that
// there is a list that cannot be read, as older versions wrote them. ms_secret PATH tells whether a file
// is one, also of a link that leads to it, and of what a run that was killed left beside the file that it
// was to become. ms_keyed_of PATH is ms_keyed of a file that somebody may turn into a pipe.
const secretPart = `K=$R` + keyFile + `
sec='' hidden=''
for f in "$R"/var/lib/meshsync/*/secrets; do
  if [ -f "$f" ] && [ ! -r "$f" ]; then hidden=1
  elif [ -f "$f" ]; then while IFS= read -r l; do sec=$sec$nl$R$l; done <"$f"; fi
done
ms_secret() {
  case $1 in */.meshsync-*) return 0;; esac
  [ -n "$sec" ] || return 1
  case "$sec$nl" in *"$nl$1$nl"*) return 0;; esac
  [ -L "$1" ] || return 1
  leads=1
  IFS=$nl
  set -f
  for s in $sec; do
    # shellcheck disable=SC3013 # dash, bash and busybox have it; where it is missing no link is a secret
    if [ "$1" -ef "$s" ]; then leads=0; fi
  done 2>/dev/null
  set +f
  unset IFS
  return "$leads"
}
ms_keyed_of() { ms_slow "$1"; D=$($slow sha256sum -- "$1") || return 1; D=${D#\\}; ` + underKey + `; }
`

// digestPart has ms_digest, see package primitive.
const digestPart = `ms_digest() {
  if ms_secret "$1"; then ms_keyed_of "$1"
  else ms_slow "$1"; D=$($slow sha256sum -- "$1") && D=${D#\\} D=${D%% *}; fi
}
`

// noteFunctions keep the list of a mesh's secret files. The list is written before the
// first file that it names, and a name leaves it when something else was put to its path. It has
// paths only, and everybody may read it: an account that asks for digests by way of sudo must
// know of which files it may not.
const noteFunctions = `ms_note() {
  if [ -f "$B/secrets" ]; then while IFS= read -r l; do [ "$R$l" != "$1" ] || return 0; done <"$B/secrets"; fi
  { printf '%s\n' "${1#"$R"}" >>"$B/secrets"; } 2>/dev/null && ms_sync "$B/secrets" "$B"
}
ms_unnote() {
  [ -f "$B/secrets" ] || return 0
  while IFS= read -r l; do [ "$R$l" = "$1" ] || printf '%s\n' "$l"; done <"$B/secrets" >"$B/.secrets-$RUN"
  ms_sync "$B/.secrets-$RUN" && mv -f -T -- "$B/.secrets-$RUN" "$B/secrets"
}
`

// noteSecrets writes the code that puts the secrets of the batch on the list, and has the
// script take for one whatever was seen as one.
func (b *batch) noteSecrets(s *strings.Builder) {
	if len(b.secrets) > 0 {
		s.WriteString("[ ! -f \"$B/secrets\" ] || chmod 644 -- \"$B/secrets\"\n")
	}
	for _, i := range b.secrets {
		name := rooted(b.work.Changes[i].Addr.Name)
		fmt.Fprintf(s, "for e in \"$B/old/%s\".*; do [ ! -f \"$e\" ] || rm -f -- \"$e\"; done\n", oldName(b.work.Changes[i].Addr)) // of before it was one
		fmt.Fprintf(s, "ms_note %s || { printf '%%s broken %%s\\n' \"$T\" 'the list of secrets cannot be written'; return 1; }\nsec=$sec$nl%s\n", name, name)
	}
	for _, c := range b.work.Changes {
		if mesh.SecretContent(c.Before["content"]) {
			fmt.Fprintf(s, "sec=$sec$nl%s\n", rooted(c.Addr.Name))
		}
	}
}

// stageSecrets is the part of stageCommand for a payload with secrets: s is where it lies, r the
// run, l where in it each of them begins and how long it is. It makes the host's key if there
// is none, and prints the digest of each secret under it.
const stageSecrets = `K="$R` + keyFile + `"; ` + keyed + `; ` +
	`[ -f "$K" ] && [ -s "$K" ] || { rm -f "$K" && [ ! -e "$K" ] && head -c 32 /dev/urandom >"$K-$r" && [ "$(wc -c <"$K-$r")" -eq 32 ] && sync "$K-$r" && ` +
	`{ ln "$K-$r" "$K" 2>/dev/null; rm -f "$K-$r"; [ -s "$K" ]; }; } || { rm -f "$K-$r"; no; }; ` +
	`set -- $l; while [ $# -gt 1 ]; do tail -c "+$(($1+1))" "$s" | head -c "$2" | { ms_keyed && echo "$D"; } || no; shift 2; done`

// unstage removes a payload with secrets that will not be used, as far as the host lets it.
func (h *Host) unstage(ctx context.Context, run string, b *batch) {
	if len(b.secrets) > 0 && ctx.Err() == nil {
		_, _ = h.run(ctx, "rm -f -- "+`"${MESHSYNC_ROOT-}"`+quote(stateDir(h.o.Mesh)+"/staging/"+run)+"\n") // the reason why it is not used is told
	}
}

// secretOf is the content of a secret file.
func secretOf(c diff.Change, secrets Secrets) (secret.Value, error) {
	if secrets == nil {
		return secret.Value{}, fmt.Errorf("%s: nobody gives its secret", c.Addr)
	}
	v, err := secrets(*c.Secret)
	if err != nil {
		return v, fmt.Errorf("%s: %w", c.Addr, err)
	}
	return v, nil
}

// stagingLine is the first line of what stageCommand reads.
func (b *batch) stagingLine(run string) string {
	line := run
	for _, i := range b.secrets {
		s := b.slices[b.work.Changes[i].Addr.Name]
		line += fmt.Sprintf(" %d %d", s.off, s.size)
	}
	return line + "\n"
}

// keyedAs takes over what the secrets of the batch are known by on their host; false when
// these are no such digests.
func (b *batch) keyedAs(digests []string) bool {
	b.work.Changes = slices.Clone(b.work.Changes)
	for n, i := range b.secrets {
		if !isKeyed(digests[n]) {
			return false
		}
		c := &b.work.Changes[i]
		c.After = c.After.Clone()
		c.After["content"] = digests[n]
	}
	if len(b.secrets) > 0 {
		b.derive()
	}
	return true
}

// isKeyed reports whether a text is a digest under a host's key.
func isKeyed(s string) bool {
	sum, ok := strings.CutPrefix(s, mesh.KeyedPrefix)
	raw, err := hex.DecodeString(sum)
	return ok && err == nil && len(raw) == 32
}

// keyedLine reads `keyed:HEX  PATH`, or `keyed:  PATH` where the host has no key.
func (p *parser) keyedLine(l string) error {
	if l == "" {
		return nil
	}
	sum, name, ok := strings.Cut(l, "  ")
	if !ok || sum != mesh.KeyedPrefix && !isKeyed(sum) {
		return garbled(p.q, "a line about a secret has no digest")
	}
	p.digest[p.bare(name)] = sum
	return nil
}
