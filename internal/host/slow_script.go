package host

// slowPart has ms_slow PATH…, which puts into slow what goes before a program that opens these
// files. Who may write to a directory can put a pipe in place of a file that was looked at, and
// whoever opens that waits for ever. Where root, or who looks, owns all directories on the way and
// nobody may leave things in them, nobody can, and it costs no process to know.
const slowPart = `slow='' sure='' limit=''
if command -v timeout >/dev/null 2>&1; then limit='timeout 5'; fi
ms_slow() {
  slow=''
  for f do
    [ "${f%/*}" != "$sure" ] || continue
    d=${f#"$R"}
    while d=${d%/*} && [ -n "$d" ]; do
      if [ ! -O "$R$d" ] || [ -k "$R$d" ]; then
        slow=$limit
        return 0
      fi
    done
    sure=${f%/*}
  done
}
`
