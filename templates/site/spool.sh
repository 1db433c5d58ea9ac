#!/bin/sh
# Fills the registry of a site: sh spool.sh JOBDIR. Everything it needs lies in JOBDIR, which `edgectl cache fill` wrote there:
#   job                 key=value lines
#   windows             START END, seconds since the epoch, a line each; empty: at any time
#   sources             N URL, a registry each
#   images              NAME, one a line, in the order in which they are filled
#   NAME/blobs          DIGEST SIZE REPOSITORY SOURCE MOUNT, the largest first; MOUNT is a repository or -
#   NAME/manifests      DIGEST REPOSITORY TYPE, children first
#   NAME/tags           TAG DIGEST REPOSITORY TYPE, set last
#   manifest/DIGEST     the bytes of a manifest
# Parts of blobs lie in SPOOL/parts/DIGEST; their size is the offset at which they go on.
set -u
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 077
TAB='	'

now() { date +%s; }
size_of() { if [ -f "$1" ]; then so_n=$(wc -c <"$1") && echo $((so_n)); else echo 0; fi; }
value_of() { sed -n "s/^$1=//p" "$JOB/job" | head -n 1; }
clean() { tr -cd 'A-Za-z0-9 ._:/()%-' | cut -c1-160; }

# event TYPE IMAGE REST-OF-JSON: one line of status.jsonl.
event() { printf '{"t":"%s","at":%s,"image":"%s"%s}\n' "$1" "$(now)" "$2" "${3-}" >>"$JOB/status.jsonl"; }

# state WORD [WHY]: what the job is doing, replaced whole.
state() {
  printf 'state=%s\nat=%s\npid=%s\nimage=%s\nwhy=%s\n' "$1" "$(now)" "$MAIN" "${IMAGE:-}" "${2-}" >"$JOB/state.$MY" &&
    mv -f "$JOB/state.$MY" "$JOB/state"
}

# A child in the background, so that a signal is heard at once and not when the child ends.
CHILD=
reap() {
  CHILD=$!
  wait "$CHILD"
  reaped=$?
  CHILD=
  return "$reaped"
}
pause() {
  sleep "$1" &
  reap
}
# shellcheck disable=SC2317 # called by the traps
stop_child() { if [ -n "$CHILD" ]; then kill "$CHILD" 2>/dev/null; fi; }

# --- Access: a registry without, with basic, or with token authentication (distribution: "Token Authentication"). ---

# curl_config WHO: the lines that curl reads from its standard input; secrets never stand in an argument.
curl_config() {
  cc_mode=$(eval "printf %s \"\${MODE_$1:-}\"")
  case $cc_mode in
    basic) eval "printf '%s\\n' \"\${CRED_$1:-}\"" ;;
    bearer) eval "printf 'header = \"Authorization: Bearer %s\"\\n' \"\${TOKEN_$1:-}\"" ;;
    *) : ;;
  esac
}

# challenge_of FIELD: a parameter of the WWW-Authenticate header of the last answer.
challenge_of() {
  sed -n 's/\r$//; s/^[Ww][Ww][Ww]-[Aa]uthenticate: *[Bb]earer *//p' "$HEAD" | sed -n "s/.*$1=\"\([^\"]*\)\".*/\1/p" | tail -n 1
}

# authorise WHO BASE SCOPE: answers a 401. Fails when there is nothing to answer it with.
authorise() {
  au_cred=$(eval "printf %s \"\${CRED_$1:-}\"")
  if grep -qi '^www-authenticate: *bearer' "$HEAD"; then
    au_realm=$(challenge_of realm)
    au_service=$(challenge_of service)
    # A password goes over plain http only where the registry itself is spoken to so.
    case $au_realm in https://*) ;; http://*) case $2 in http://*) ;; *) return 1 ;; esac ;; *) return 1 ;; esac
    au_answer=$(printf '%s\n' "$au_cred" | curl -q -sS -f -m 30 -K - -G --data-urlencode "service=$au_service" \
      --data-urlencode "scope=$3" "$au_realm" 2>/dev/null) || return 1
    au_token=$(printf %s "$au_answer" | tr -d '\n' | sed -n 's/.*"\(access_\)\{0,1\}token" *: *"\([!#-~]*\)".*/\2/p')
    [ -n "$au_token" ] || return 1
    eval "MODE_$1=bearer TOKEN_$1=\$au_token"
  else
    [ -n "$au_cred" ] && [ "$(eval "printf %s \"\${MODE_$1:-}\"")" != basic ] || return 1
    eval "MODE_$1=basic"
  fi
}

# bounded ARGV…: with the shell's own bound on the size of files (BLOCKS of 512 bytes), for a source that sends without end.
BLOCKS=
bounded() {
  if [ -n "$BLOCKS" ]; then ulimit -f "$BLOCKS"; fi
  exec "$@"
}

# ask WHO BASE SCOPE CURL-ARGUMENTS…: one request; sets CODE and CURL_SAID, its status is curl's. The answer's header is in HEAD.
ask() {
  ask_who=$1 ask_base=$2 ask_scope=$3
  shift 3
  ask_again=
  case $ask_base in https://*) ask_proto='=https' ;; *) ask_proto='=http,https' ;; esac
  while :; do
    : >"$HEAD"
    curl_config "$ask_who" | bounded curl -q -sS -f -K - --proto "$ask_proto" --connect-timeout 20 --speed-limit 1 --speed-time 60 \
      -D "$HEAD" -w '%{http_code}' "$@" >"$JOB/code.$MY" 2>"$JOB/said.$MY" &
    reap
    ask_rc=$?
    CODE=$(tail -c 3 "$JOB/code.$MY")
    CURL_SAID=$(tail -n 1 "$JOB/said.$MY" | clean)
    if [ "$CODE" != 401 ] || [ -n "$ask_again" ]; then return "$ask_rc"; fi
    ask_again=1
    authorise "$ask_who" "$ask_base" "$ask_scope" || return "$ask_rc"
  done
}

header_of() { sed -n "s/\r\$//; s/^$1: *//p" "$HEAD" | tail -n 1; }
header_any() { tr '[:upper:]' '[:lower:]' <"$HEAD" | sed -n "s/\r\$//; s/^$1: *//p" | tail -n 1; }

# --- Patience: how long to go on when nothing comes. ---

progress() { LAST=$(now) FRUITLESS=0; }

# bear WHY: waits before the next attempt; fails when there was no progress for too long.
bear() {
  FRUITLESS=$((FRUITLESS + 1))
  WHY=$1
  if [ $(($(now) - LAST)) -ge "$PATIENCE" ]; then return 1; fi
  be_s=$BACKOFF
  be_n=1
  while [ "$be_n" -lt "$FRUITLESS" ] && [ "$be_s" -lt 60 ]; do be_s=$((be_s * 2)) be_n=$((be_n + 1)); done
  be_after=$(header_any retry-after)
  case $be_after in '' | *[!0-9]* | ??????*) ;; *) if [ "$be_after" -gt "$be_s" ]; then be_s=$be_after; fi ;; esac
  if [ "$be_s" -gt 300 ]; then be_s=300; fi
  event waiting "$IMAGE" ",\"why\":\"$1\",\"seconds\":$be_s"
  state waiting "$1"
  pause "$be_s"
  state running
}

# --- The line: windows, and bytes of the month. ---

month_file() { echo "$SPOOL/month/$(date -u +%Y-%m)"; }
month_used() { mu_n=$(cat "$(month_file)" 2>/dev/null); echo $((${mu_n:-0})); }

# account PART: adds what came since the last time to the month's counter; also what came before a power cut.
account() {
  ac_now=$(size_of "$1")
  ac_was=$(cat "$1.counted" 2>/dev/null)
  ac_was=$((${ac_was:-0}))
  if [ "$ac_now" -gt "$ac_was" ]; then
    mkdir -p "$SPOOL/month"
    echo $(($(month_used) + ac_now - ac_was)) >"$(month_file).$MY" && mv -f "$(month_file).$MY" "$(month_file)"
    echo "$ac_now" >"$1.counted"
  fi
}
discard() {
  account "$1"
  rm -f "$1" "$1.counted"
}

# allowed: waits until the line may be used; sets SECONDS_LEFT and BYTES_LEFT (empty: no bound).
allowed() {
  while :; do
    SECONDS_LEFT=
    BYTES_LEFT=
    al_now=$(now)
    al_next=
    al_wait=
    if [ -s "$JOB/windows" ]; then
      while read -r al_from al_to; do
        if [ "$al_now" -ge "$al_from" ] && [ "$al_now" -lt "$al_to" ]; then SECONDS_LEFT=$((al_to - al_now)); fi
        if [ -z "$al_next" ] && [ "$al_from" -gt "$al_now" ]; then al_next=$al_from; fi
      done <"$JOB/windows"
      if [ -z "$SECONDS_LEFT" ]; then
        if [ -z "$al_next" ]; then WHY='the windows of this plan are used up; plan again'; return 1; fi
        al_wait=$((al_next - al_now)) WHY='outside of the windows'
      fi
    fi
    if [ -z "$al_wait" ] && [ "$MONTHLY" -gt 0 ]; then
      BYTES_LEFT=$((MONTHLY - $(month_used)))
      if [ "$BYTES_LEFT" -le 0 ]; then al_wait=3600 WHY='the bytes of this month are used up'; fi
    fi
    if [ -z "$al_wait" ]; then return 0; fi
    if [ "$WHY" != "$SAID" ]; then SAID=$WHY; event waiting "$IMAGE" ",\"why\":\"$WHY\",\"seconds\":$al_wait"; fi
    state waiting "$WHY"
    if [ "$al_wait" -gt 60 ]; then al_wait=60; fi
    pause "$al_wait"
    LAST=$(now)
    state running
  done
}

free_bytes() { fb_k=$(df -Pk "$1" | awk 'NR == 2 { print $4 }'); echo $((${fb_k:-0} * 1024)); }
is_right() { case $1 in sha512:*) ir_is=$(sha512sum <"$2") ;; *) ir_is=$(sha256sum <"$2") ;; esac && [ "${ir_is%% *}" = "${1#*:}" ]; }

# --- One blob from its source. ---

# fetch DIGEST SIZE REPOSITORY SOURCE: leaves the whole, verified blob in the spool; sets WHY when it cannot.
fetch() {
  f_part=$SPOOL/parts/$1
  f_source=$(sed -n "s/^$4 //p" "$JOB/sources")
  f_wrong=0 f_again=0
  progress
  while :; do
    account "$f_part"
    f_at=$(size_of "$f_part")
    if [ "$f_at" -ge "$2" ]; then
      if [ "$f_at" -eq "$2" ] && [ -f "$f_part" ] && is_right "$1" "$f_part"; then return 0; fi
      if [ -f "$f_part" ]; then
        discard "$f_part"
        f_wrong=$((f_wrong + 1))
        event wrong "$IMAGE" ",\"digest\":\"$1\",\"source\":\"$f_source\""
        if [ "$f_wrong" -gt 1 ]; then WHY="$f_source sends something else than $1"; return 1; fi
        f_at=0
      fi
      if [ "$2" -eq 0 ]; then : >"$f_part"; continue; fi
    fi
    if [ "$4" = - ]; then WHY="the operator has not brought $1 yet"; return 1; fi
    allowed || return 1
    if [ "$(free_bytes "$SPOOL")" -lt $(($2 * 2 - f_at + RESERVE)) ]; then WHY="the disk has no room for $1 ($2 bytes twice)"; return 1; fi
    set -- "$1" "$2" "$3" "$4" -L --max-redirs 5 -C "$f_at" -o "$f_part"
    if [ "$RATE" -gt 0 ]; then set -- "$@" --limit-rate "$RATE"; fi
    if [ -n "$SECONDS_LEFT" ]; then set -- "$@" --max-time "$SECONDS_LEFT"; fi
    f_end=$2
    if [ -n "$BYTES_LEFT" ] && [ "$BYTES_LEFT" -lt $(($2 - f_at)) ]; then f_end=$((f_at + BYTES_LEFT)); fi
    f_digest=$1 f_size=$2 f_repo=$3 f_src=$4
    shift 4
    BLOCKS=$((f_end / 512 + 2))
    f_began=$(now)
    ask "s$f_src" "$f_source" "repository:$f_repo:pull" "$@" "$f_source/v2/$f_repo/blobs/$f_digest"
    f_rc=$?
    BLOCKS=
    set -- "$f_digest" "$f_size" "$f_repo" "$f_src"
    if [ "$(size_of "$f_part")" -gt "$f_at" ]; then progress; fi
    # curl keeps a rate over one long transfer, and lets the first megabyte of each pass: the rest of the time is waited for here.
    if [ "$RATE" -gt 0 ]; then
      f_rest=$((($(size_of "$f_part") - f_at) / RATE - ($(now) - f_began)))
      if [ "$f_rest" -gt 0 ]; then pause "$f_rest"; fi
    fi
    case $f_rc in
      0) if [ "$(size_of "$f_part")" -le "$f_at" ]; then bear 'the source sends nothing' || return 1; fi ;;
      22)
        case $CODE in
          401 | 403) WHY="$f_source refuses access ($CODE)"; return 1 ;;
          404 | 410) WHY="$f_source has no $1"; return 1 ;;
          416) discard "$f_part"; f_wrong=$((f_wrong + 1)); if [ "$f_wrong" -gt 1 ]; then WHY="$f_source has less than $2 bytes of $1"; return 1; fi ;;
          408 | 425 | 429 | 5??) bear "the source answers $CODE" || return 1 ;;
          *) WHY="$f_source answers $CODE"; return 1 ;;
        esac
        ;;
      33)
        if [ "$f_at" -gt "$DISCARD" ] || [ "$f_again" -gt 0 ]; then WHY="$f_source cannot continue $1 at byte $f_at"; return 1; fi
        f_again=1
        event restart "$IMAGE" ",\"digest\":\"$1\",\"bytes\":$f_at"
        discard "$f_part"
        ;;
      23 | 63) if [ "$(size_of "$f_part")" -le "$f_at" ]; then WHY="writing the spool failed (curl $f_rc)"; return 1; fi ;;
      28) if [ -z "$SECONDS_LEFT" ]; then bear "the source stands still" || return 1; fi ;;
      *) bear "the link is cut ($CURL_SAID)" || return 1 ;;
    esac
  done
}

# --- Into the registry of the site. ---

local_ask() { lo_repo=$1; shift; ask registry "$REGISTRY" "repository:$lo_repo:pull,push" "$@"; }

# has_blob REPOSITORY DIGEST SIZE
has_blob() { local_ask "$1" -I -o /dev/null "$REGISTRY/v2/$1/blobs/$2" && [ "$(header_any content-length)" = "$3" ]; }
has_manifest() {
  local_ask "$1" -I -o /dev/null -H "Accept: $3" "$REGISTRY/v2/$1/manifests/$2" || return 1
  hm_digest=$(header_any docker-content-digest)
  [ "${hm_digest:-$2}" = "$4" ]
}

# upload_place: the absolute place of a begun upload; only at the same registry.
upload_place() {
  up_at=$(header_of '[Ll]ocation')
  case $up_at in /*) UPLOAD=$REGISTRY$up_at ;; "$REGISTRY"/*) UPLOAD=$up_at ;; *) WHY='the registry leads uploads to another place'; return 1 ;; esac
}

# store DIGEST SIZE REPOSITORY: brings a verified part into the registry.
store() {
  progress
  while :; do
    if local_ask "$3" -X POST -H 'Content-Length: 0' -o /dev/null "$REGISTRY/v2/$3/blobs/uploads/" && [ "$CODE" = 202 ]; then
      upload_place || return 1
      case $UPLOAD in *\?*) UPLOAD="$UPLOAD&digest=$1" ;; *) UPLOAD="$UPLOAD?digest=$1" ;; esac
      if local_ask "$3" -T "$SPOOL/parts/$1" -H 'Expect:' -H 'Content-Type: application/octet-stream' -o /dev/null "$UPLOAD" &&
        has_blob "$3" "$1" "$2"; then
        rm -f "$SPOOL/parts/$1" "$SPOOL/parts/$1.counted"
        return 0
      fi
      case $CODE in 400) if ! is_right "$1" "$SPOOL/parts/$1"; then WHY="the spool holds other bytes than $1"; discard "$SPOOL/parts/$1"; return 1; fi ;; *) ;; esac
    fi
    case $CODE in
      401 | 403) WHY="the registry of the site refuses access ($CODE)"; return 1 ;;
      404 | 405) WHY="the registry of the site takes no uploads ($CODE)"; return 1 ;;
      500 | 507) if [ "$FRUITLESS" -ge 3 ]; then WHY="the registry of the site cannot store $1 ($CODE): is its disk full?"; return 1; fi ;;
      *) ;;
    esac
    bear "the registry of the site does not take a blob ($CODE)" || return 1
  done
}

mount_blob() {
  local_ask "$3" -X POST -H 'Content-Length: 0' -o /dev/null "$REGISTRY/v2/$3/blobs/uploads/?mount=$1&from=$5" && [ "$CODE" = 201 ] &&
    has_blob "$3" "$1" "$2"
}

# bring DIGEST SIZE REPOSITORY SOURCE MOUNT
bring() {
  if has_blob "$3" "$1" "$2"; then rm -f "$SPOOL/parts/$1" "$SPOOL/parts/$1.counted"; return 0; fi
  if [ "$5" != - ] && mount_blob "$@"; then event mounted "$IMAGE" ",\"digest\":\"$1\""; return 0; fi
  fetch "$1" "$2" "$3" "$4" || return 1
  store "$1" "$2" "$3" || return 1
  event blob "$IMAGE" ",\"digest\":\"$1\",\"bytes\":$2"
}

# worker N: takes blobs that nobody took yet. One that fails keeps no other from arriving.
worker() {
  MY=w$1 HEAD=$JOB/head.w$1 CHILD=
  trap 'stop_child; exit 143' TERM INT HUP
  wo_failed=0
  while read -r wo_digest wo_size wo_repo wo_source wo_mount <&3; do
    mkdir "$JOB/claim/$wo_digest" 2>/dev/null || continue
    WHY=
    if ! bring "$wo_digest" "$wo_size" "$wo_repo" "$wo_source" "$wo_mount"; then
      wo_failed=1
      event failed "$IMAGE" ",\"digest\":\"$wo_digest\",\"why\":\"$(printf %s "$WHY" | clean)\""
      printf '%s\n' "$WHY" >>"$JOB/why"
    fi
  done 3<"$JOB/$IMAGE/blobs"
  return "$wo_failed"
}

blobs() {
  rm -rf "$JOB/claim" "$JOB/why"
  mkdir "$JOB/claim"
  WORKERS=
  bl_n=0
  while [ "$bl_n" -lt "$PAR" ]; do
    bl_n=$((bl_n + 1))
    worker "$bl_n" &
    WORKERS="$WORKERS $!"
  done
  bl_failed=0
  for bl_pid in $WORKERS; do wait "$bl_pid" || bl_failed=1; done
  WORKERS=
  if [ "$bl_failed" -ne 0 ]; then WHY=$(head -n 1 "$JOB/why" 2>/dev/null); fi
  return "$bl_failed"
}

# put_manifest NAME DIGEST REPOSITORY TYPE
put_manifest() {
  if has_manifest "$3" "$1" "$4" "$2"; then return 0; fi
  progress
  while :; do
    if local_ask "$3" -X PUT -H "Content-Type: $4" -H 'Expect:' --data-binary "@$JOB/manifest/$2" -o /dev/null "$REGISTRY/v2/$3/manifests/$1" &&
      has_manifest "$3" "$1" "$4" "$2"; then return 0; fi
    case $CODE in
      4??) WHY="the registry of the site refuses the manifest $2 as $1 ($CODE)"; return 1 ;;
      *) bear "the registry of the site does not take a manifest ($CODE)" || return 1 ;;
    esac
  done
}

manifests() {
  while read -r mf_digest mf_repo mf_type <&3; do
    put_manifest "$mf_digest" "$mf_digest" "$mf_repo" "$mf_type" || return 1
  done 3<"$JOB/$IMAGE/manifests"
}

# all_there: asks the registry once more for everything, as a garbage collection may have run meanwhile.
all_there() {
  while read -r co_digest co_size co_repo _ <&3; do
    has_blob "$co_repo" "$co_digest" "$co_size" || return 1
  done 3<"$JOB/$IMAGE/blobs"
  while read -r co_digest co_repo co_type <&3; do
    has_manifest "$co_repo" "$co_digest" "$co_type" "$co_digest" || return 1
  done 3<"$JOB/$IMAGE/manifests"
}

fill_image() {
  fi_round=0
  while :; do
    blobs || return 1
    manifests || { if [ "$fi_round" -gt 0 ]; then return 1; fi; }
    if all_there; then break; fi
    fi_round=$((fi_round + 1))
    if [ "$fi_round" -gt 1 ]; then WHY=${WHY:-the registry of the site took everything and does not have it}; return 1; fi
  done
  while read -r tg_tag tg_digest tg_repo tg_type <&3; do
    put_manifest "$tg_tag" "$tg_digest" "$tg_repo" "$tg_type" || return 1
  done 3<"$JOB/$IMAGE/tags"
}

# shellcheck disable=SC2317 # called by the traps
stop_all() {
  trap '' TERM INT HUP
  for st_pid in $WORKERS; do kill "$st_pid" 2>/dev/null; done
  stop_child
  wait
  state stopped 'ended by a signal'
  event stopped "$IMAGE"
  exit 143
}

# hold: one job at a time in a spool; the next one waits and says for whom.
hold() {
  exec 9>>"$SPOOL/lock"
  if flock -n 9; then return 0; fi
  WHY="another job fills this site: $(head -n 1 "$SPOOL/holder" 2>/dev/null | clean)"
  state waiting "$WHY"
  event waiting '' ",\"why\":\"$WHY\",\"seconds\":0"
  flock 9 &
  reap
}

main() {
  JOB=$1
  SPOOL=$(value_of spool)
  MAIN=$$
  MY=main HEAD=$JOB/head.main IMAGE='' WORKERS='' WHY='' SAID='' LAST=$(now) FRUITLESS=0
  REGISTRY=$(value_of registry)
  RATE=$(value_of rate) PAR=$(value_of par) MONTHLY=$(value_of monthly)
  PATIENCE=$(value_of patience) BACKOFF=$(value_of backoff) DISCARD=$(value_of discard) RESERVE=$(value_of reserve)
  mkdir -p "$SPOOL/parts"
  # Secrets lie in memory only, and there only until they are read.
  ma_secrets=$(value_of secrets)
  if [ -n "$ma_secrets" ] && [ -f "$ma_secrets" ]; then
    # shellcheck disable=SC2034 # read by the eval
    while IFS=$TAB read -r ma_who ma_line; do
      case $ma_who in registry | s[0-9]*) case ${ma_who#s} in registry | [0-9] | [0-9][0-9]) eval "CRED_$ma_who=\$ma_line" ;; *) ;; esac ;; *) ;; esac
    done <"$ma_secrets"
    rm -f "$ma_secrets"
  fi
  trap stop_all TERM INT HUP
  hold || exit 1
  value_of job >"$SPOOL/holder"
  state running
  event start ''
  ma_failed=0
  while read -r IMAGE <&5; do
    WHY=
    state running
    if fill_image; then event 'done' "$IMAGE"; else
      ma_failed=1
      event image_failed "$IMAGE" ",\"why\":\"$(printf %s "$WHY" | clean)\""
    fi
  done 5<"$JOB/images"
  IMAGE=''
  rm -rf "$JOB/claim" "$JOB"/head.* "$JOB"/code.* "$JOB"/said.* "$JOB/why"
  if [ "$ma_failed" -eq 0 ]; then state 'done'; event over ''; exit 0; fi
  state failed "$WHY"
  event over ''
  exit 1
}

main "$@"
