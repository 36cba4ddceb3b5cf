# What is run before a page's own lines. The real command checks, explains, renders and tests, and reads a store; what would need another
# machine, or changes members, is asked for its help, which comes only where every argument before it is known.
set -eu

fail() { echo "$*" >>"$FAILED"; exit 9; }
tried() { echo "$*" >>"$TRIED"; }

# What words of the pages stand for.
declare -A WORDS=(
  [ADDRESS]=sqlite://usher.db [CONNECTION=keys.json]=okta=keys.json [EMAIL]=ada@acme.example [HOST]=chat.acme.example [H]=chat.acme.example
  [ISSUER]=https://acme.okta.example [LINE]="$LINE" [METHOD]=GET [ORG]=acme-chat [PARENT]=acme [PATH]=/ [P]=/ [REQUEST]=r-1 [ROLE]=admin
  [TIER]=standard [UNIX]=1800000000 [/etc/envoy/usher]="$HOME/ecds"
)

usher() {
  local words=() before='' word how=help status=0
  for word in "$@"; do
    case "$before $word" in
      '--sha256 …') word=0000000000000000000000000000000000000000000000000000000000000000 ;;
      'render …') word=envoy ;;
      --*' …') word=1 ;;
      *' …') continue ;;
    esac
    word=${WORDS[$word]-$word}
    words+=("$word")
    before=$word
  done
  case "$ONLY_HELP ${words[*]}" in
    ' check '* | ' explain '* | ' render '* | ' test '*) how=run ;;
    *' --store '*) ;;
    ' audit '* | ' members list '* | ' members show '* | ' seats '* | ' sync '*) how=run ;;
  esac
  tried "$how usher ${words[*]}"
  if [ $how = help ]; then
    # What ends with a flag may want its value first.
    "$USHER" "${words[@]}" --help >/dev/null 2>&1 || "$USHER" "${words[@]}" 1 --help >/dev/null || status=$?
  else
    USHER_STORE_URL=$STORE USHER_ADMIN_TOKEN=$ADMIN_TOKEN "$USHER" "${words[@]}" || status=$?
    # A denial is an answer, too.
    if [ "$1" = explain ] && [ $status = 3 ]; then status=0; fi
  fi
  [ $status = 0 ] || fail "usher ${words[*]}: $status"
}

envoy() {
  local before='' word
  for word in "$@"; do
    if [ "$before" = -c ]; then [ -s "$word" ] || fail "envoy: there is no $word"; fi
    before=$word
  done
}

docker() {
  [ "$1" = run ] && shift || fail "docker $1"
  while [ $# != 0 ]; do
    case "$1" in
      -e) grep -q "\`$2\`" "$ROOT/docs/environment.md" || fail "docs/environment.md has no $2"; shift ;;
      -p | -v | --cap-drop | --security-opt) shift ;;
      -*) ;;
      *) shift; ONLY_HELP=help usher "$@"; return ;;
    esac
    shift
  done
}

kubectl() {
  local before='' word
  for word in "$@"; do
    case "$before $word" in
      '-f -') cat >/dev/null ;;
      '-f '*) [ -f "$word" ] || fail "kubectl: there is no $word" ;;
      '-k '*) [ -f "$word/kustomization.yaml" ] || fail "kubectl: no kustomization in $word" ;;
    esac
    before=$word
  done
}

# Without `--all` it would copy one platform of several.
skopeo() {
  local folder=${3#oci:}
  [ "$1 $2" = 'copy --all' ] && [ -f "${folder%:*}/index.json" ] || fail "skopeo $*"
}

# Of the access log, every field that is asked for is one that is rendered.
jq() {
  local program=$1 field
  shift
  if [ "$program" = -r ]; then program=$1; shift; fi
  for word in "$@"; do [ -f "$word" ] || fail "jq: there is no $word"; done
  [ "$1" = access.log ] || return 0
  for field in $(grep -oE '"[^"]*"|[a-z_]+' <<<"$program" | grep -vE '^(".*|select|null|tsv)$'); do
    grep -q "^ *$field: " envoy.yaml || fail "the access log has no $field"
    tried "field $field"
  done
}

perf() {
  if [ "$1" = script ]; then printf '   1 [unknown]\n   2 (/usr/bin/envoy)\n\n   1 (/tmp/perf-7.map)\n\n'; fi
}

apt() { tried "apt $*"; }
cargo() { tried "cargo $*"; }
openssl() { [ "$*" = 'rand -hex 32' ] && echo 0000000000000000 || fail "openssl $*"; }
pgrep() { echo 7; }
pg_dump() { :; }
pg_restore() { :; }
sqlite3() { touch backup.db; }
EDITOR=ls
USHER_STORE_TOKEN=a-token-before
