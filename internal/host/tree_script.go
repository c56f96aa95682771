package host

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// treeFunctions are ms_tree PATH, which puts into TREE how many entries are below a directory, and
// a digest of which they are, by name and inode: a log that a daemon goes on with is no other
// file, one that somebody saves anew is. ms_now_tree PATH puts that behind what ms_now said. It
// follows no link and stays on one file system, as the removal does.
const treeFunctions = `ms_tree() {
  TREE=$({ find "$1" -xdev -mindepth 1 -printf '%i %P\0' 2>/dev/null || printf 'failed\0'; } | tr '\n\0' ' \n' | sort)
  case $TREE in failed|*"$nl"failed) return 1;; '') n=0;; *) n=$(printf '%s\n' "$TREE" | wc -l);; esac
  TREE=$(printf '%s\n' "$TREE" | sha256sum)
  TREE="$n ${TREE%% *}"
}
ms_now_tree() {
  ms_now "$1"
  case $N in 'directory '*) if ms_tree "$1"; then N="$N $TREE"; fi;; esac
}
`

// writeTrees counts what would go with directories that git wants gone with all that is in them.
// Hardly ever is one there, and where none is, no process is started.
func writeTrees(b *strings.Builder, q query) {
	if len(q.trees) == 0 {
		return
	}
	b.WriteString(treeFunctions)
	for _, p := range q.trees {
		fmt.Fprintf(b, "p=%s\nif [ -d \"$p\" ] && [ ! -L \"$p\" ] && ms_tree \"$p\"; then printf '%%s tree %%s %%s\\n' \"$T\" \"$TREE\" \"$p\"; fi\n", rooted(p))
	}
}

// treeLine reads COUNT DIGEST PATH.
func (p *parser) treeLine(arg string) error {
	f := strings.SplitN(arg, " ", 3)
	if len(f) != 3 {
		return garbled(p.q, "it does not say how many entries a directory has")
	}
	p.trees[p.bare(f[2])] = [2]string{f[0], f[1]}
	return nil
}

// withTree adds to a directory that is to go with all that is in it what that is; reason says
// why nobody knows.
func (p *parser) withTree(r *mesh.Resource) (reason string) {
	if r.Addr.Kind != mesh.Directory || !p.q.isTree(r.Addr.Name) {
		return ""
	}
	tree, told := p.trees[r.Addr.Name]
	if !told {
		return "what is in it cannot be listed: may the user do that, and is find that of GNU?"
	}
	r.Attrs = r.Attrs.Clone()
	r.Attrs["entries"], r.Attrs["tree"] = tree[0], tree[1]
	return ""
}
