package primitive

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// file is a regular file: content, mode, owner, group. It is written beside its place
// and moved there by one rename.
func file() Primitive {
	return Primitive{
		Kind: mesh.File, Field: "files", order: orderPath,
		Decode: func(declaration []byte) (Declared, error) {
			f, err := decoded[struct {
				ownership
				Content *string            `json:"content"`
				Secret  *mesh.SecretSource `json:"secret"`
				Check   string             `json:"check"`
				Key     string             `json:"fingerprint"`
			}](declaration)
			d := Declared{Attrs: f.attrs(), Text: f.Content, Secret: f.Secret, Fingerprint: f.Key, Validate: checkCommand(f.Check)}
			switch {
			case f.Secret != nil:
				d.Attrs["content"] = f.Secret.ID()
			case f.Content != nil:
				d.Attrs["content"] = mesh.DigestBytes([]byte(*f.Content))
			}
			return d, err
		},
		Refuse: func(_ string, declaration []byte) (problem, hint string) {
			f, err := decoded[struct{ Check string }](declaration)
			if err != nil || f.Check == "" {
				return "", ""
			}
			return refuseCheck(f.Check)
		},
		Path: &Path{
			Type: 0o100000, // S_IFREG
			Attrs: func(f Found) (map[string]any, string) {
				if f.Digest == "" {
					return nil, "the file cannot be read"
				}
				attrs := ownership{f.Mode, f.Owner, f.Group}.attrs()
				attrs["content"] = f.Digest
				return attrs, ""
			},
			Entry: func(attrs mesh.Tree) string { return text(attrs, "content") },
			Now:   `[ ! -L "$1" ] && [ -f "$1" ] && ms_digest "$1" && Z=$(stat -c '%a %U %G %s' -- "$1") && N="file ${Z% *} $D" && Z=${Z##* }`,
			Expected: func(attrs mesh.Tree) string {
				return owned(attrs) + " " + strings.TrimPrefix(text(attrs, "content"), "sha256:")
			},
			Describe:  func(now string) string { return describeOwned("file", now) },
			Functions: writeFile,
			Write: func(path string, attr func(string) string, c Content) string {
				confidential := ""
				if c.Confidential {
					confidential = "confidential"
				}
				return fmt.Sprintf("ms_file %s %s %s %s %d %d %s '%s' '%s'", path, attr("mode"), attr("owner"), attr("group"), c.Offset, c.Size, word(c.Validate), c.Old, confidential)
			},
		},
	}
}

// The candidate is checked under its temporary name, with its owner and mode: the old
// content stays where it is until the new one is accepted. The check is root's: whoever may write
// to a directory on the way must not lead it to another file, whose content it may quote.
const writeFile = `# ms_candidate: the path by which a check gets "new", into P. Where somebody else could turn that
# path elsewhere, it is one that leads through this shell, which is where "new" lies.
ms_candidate() {
  P=/proc/$me/cwd/new d=$BESIDE
  set --
  while [ -n "$d" ] && [ "$d" != "$R" ]; do
    d=${d%/*}
    [ -O "${d:-/}" ] || return 0
    set -- "$@" "${d:-/}"
  done
  for l in $(stat -c '%A:%g' -- "$@" 2>/dev/null); do
    case $l in d????-??-?:*|d???????-?:0) shift;; *) return 0;; esac
  done
  [ $# -gt 0 ] || P=$BESIDE/new
}
# ms_owned OWNER:GROUP of "new", which mostly is root's as it was made: / tells who that is.
ms_owned() {
  if [ "$1" = root:root ] && [ -O / ] && [ -G / ] && [ -O new ] && [ -G new ]; then return 0; fi
  ms_try chown "$1" -- new
}
# ms_file PATH MODE OWNER GROUP OFFSET SIZE CHECK KEY CONFIDENTIAL
ms_file() {
  ms_beside "${1%/*}" || return 1
  (umask 077; true >new) 2>/dev/null || { W="cannot write into ${1%/*}: is it read-only or full?"; return 1; }
  ms_slice "$5" "$6" new && ms_owned "$3:$4" && ms_try chmod "$2" -- new || { rm -f -- new; return 1; }
  if [ -n "$7" ]; then
    ms_candidate
    ms_run ms_accepts "$7" "$P" || {
      rm -f -- new
      [ -z "$9" ] || W='what it says is not shown, for it may quote what not everybody may read'
      W="its check refuses it, so the old content stays: $W"
      return 1
    }
  fi
  ms_old "../${1##*/}" "$8" new || { rm -f -- new; return 1; }
  ms_place "${1##*/}"
}
ms_accepts() (
  ms_home
  exec /bin/sh -c -- "$1" sh "$2"
)
`

func text(attrs mesh.Tree, key string) string {
	s, _ := attrs[key].(string)
	return s
}

// owned is mode, owner and group as stat prints them: the mode without leading zeros.
func owned(attrs mesh.Tree) string {
	mode := strings.TrimLeft(text(attrs, "mode"), "0")
	if mode == "" {
		mode = "0"
	}
	return mode + " " + text(attrs, "owner") + " " + text(attrs, "group")
}

func describeOwned(kind, now string) string {
	f := strings.Fields(now)
	if len(f) < 3 {
		return "a " + kind
	}
	out := fmt.Sprintf("a %s with mode %s of %s:%s", kind, f[0], f[1], f[2])
	switch {
	case len(f) > 3 && mesh.SecretContent(f[3]):
		out += " and a secret content"
	case len(f) > 3:
		out += " and content sha256:" + f[3][:min(12, len(f[3]))] + "…"
	}
	return out
}
