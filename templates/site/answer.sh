# What every script for a site begins with. It is piped to `sh -s` by the login itself, without root: docs/tasks/cache.md says why that is enough.
# shellcheck shell=sh disable=SC2154 # ARG_* are assigned by whoever puts the script together
exec 4>&1 1>&2
say() { printf '%s\n' "$1" >&4; }
# end CODE REASON: the last line of an answer; both empty when all is well. The reason is made of harmless characters by the caller.
end() {
  if [ -z "$1" ]; then say '{"t":"end","ok":true}'; exit 0; fi
  say "{\"t\":\"end\",\"ok\":false,\"code\":\"$1\",\"reason\":\"$2\"}"
  exit 1
}
clean() { tr -cd 'A-Za-z0-9 ._:/()%-' | cut -c1-160; }
spool_of() {
  SPOOL=$ARG_spool
  if [ -z "$SPOOL" ]; then SPOOL=${XDG_STATE_HOME:-${HOME:-/nonexistent}/.local/state}/edgectl/cache; fi
}
# same_origin_curl ARGUMENTS…: curl with the site registry's credentials, if there are any, on standard input.
registry_curl() { printf '%s\n' "$ARG_credentials" | curl -q -sS --connect-timeout 10 -m 120 -K - "$@"; }
# alive JOBDIR: does its runner run?
alive() {
  al_pid=$(sed -n 's/^pid=//p' "$1/state" 2>/dev/null)
  [ -n "$al_pid" ] && [ -r "/proc/$al_pid/cmdline" ] && tr '\0' ' ' 2>/dev/null <"/proc/$al_pid/cmdline" | grep -qF "$1"
}
# job_line JOBDIR: what a job is doing.
job_line() {
  jl_state=$(sed -n 's/^state=//p' "$1/state" 2>/dev/null | clean)
  jl_alive=false
  if alive "$1"; then jl_alive=true; fi
  jl_bytes=0
  if [ "$jl_alive" = true ] || [ "$jl_state" != 'done' ]; then
    for jl_part in "$SPOOL"/parts/*; do
      case $jl_part in *.counted) continue ;; *) ;; esac
      if [ -f "$jl_part" ]; then jl_bytes=$((jl_bytes + $(wc -c <"$jl_part"))); fi
    done
  fi
  say "{\"t\":\"job\",\"id\":\"${1##*/}\",\"state\":\"${jl_state:-none}\",\"alive\":$jl_alive,\"image\":\"$(sed -n 's/^image=//p' "$1/state" 2>/dev/null | clean)\",\"why\":\"$(sed -n 's/^why=//p' "$1/state" 2>/dev/null | clean)\",\"spooled\":$jl_bytes}"
}
