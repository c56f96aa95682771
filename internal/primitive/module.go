package primitive

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// kernelModule is a module that the running kernel has, loaded or built in. A boot finds
// it by a file below /etc/modules-load.d, which the kit makes beside it.
func kernelModule() Primitive {
	return Primitive{
		Kind: "module", Field: "modules", order: orderSetting, Keeps: true,
		Decode: func([]byte) (Declared, error) { return Declared{Attrs: map[string]any{"loaded": "yes"}}, nil },
		Named: &Named{
			Look: func(wanted []Wanted) string {
				var b strings.Builder
				for _, w := range wanted {
					fmt.Fprintf(&b, "ms_module_now %s; printf '%%s\\n' \"$N\"\n", word(w.Name))
				}
				return moduleFunctions + b.String()
			},
			Read:      readLines("loaded"),
			Functions: moduleFunctions,
			Now:       func(name string) string { return "ms_module_now " + name },
			Expected:  func(attrs mesh.Tree) string { return "is " + text(attrs, "loaded") },
			Describe:  func(string) string { return "the module, loaded," },
			Write:     func(name string, _ mesh.Tree) string { return "ms_module " + name },
		},
	}
}

// The kernel writes dashes in names as underscores. A module that is built in has a folder
// only when it has parameters; modules.builtin has them all, and is read once.
const moduleFunctions = `ms_builtin=''
ms_module_now() {
  m=$1
  while :; do case $m in *-*) m=${m%%-*}_${m#*-};; *) break;; esac; done
  N='is yes'
  [ ! -d "$R/sys/module/$m" ] || return 0
  if [ -z "$ms_builtin" ]; then
    read -r k </proc/sys/kernel/osrelease
    ms_builtin=" $(sed 's|.*/||; s/[.]ko.*//; y/-/_/' "$R/lib/modules/$k/modules.builtin" 2>/dev/null | tr '\n' ' ') "
  fi
  case $ms_builtin in *" $m "*) ;; *) N=absent;; esac
}
# ms_module NAME: modprobe may end well and have done nothing.
ms_module() {
  ms_try modprobe -- "$1" || { W="modprobe cannot load it: $W"; return 1; }
  ms_builtin=''
  ms_module_now "$1"
  [ "$N" != absent ] || { W='modprobe ended well, and the kernel does not have it'; return 1; }
}
`
