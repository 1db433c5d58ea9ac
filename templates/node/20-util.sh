# kv_get FILE KEY: sets KV to the value of the first KEY=value line.
kv_get() {
  KV=
  [ -f "$1" ] || return 1
  while IFS= read -r kv_line || [ -n "$kv_line" ]; do
    case $kv_line in "$2="*) KV=${kv_line#*=}; return 0 ;; esac
  done <"$1"
  return 1
}

# sha_text TEXT, sha_file FILE: set SHA to the lower-case hex sha256.
sha_text() { SHA=$(printf '%s' "$1" | sha256sum); SHA=${SHA%% *}; }
sha_file() { SHA=$(sha256sum <"$1") || return 1; SHA=${SHA%% *}; }

# up_now: sets UP to the seconds that this boot has lasted, on the monotonic clock.
up_now() {
  read -r up_raw _ </proc/uptime
  UP=$((${up_raw%.*} - BOOTED_AT))
}

# clock_good: sets NOW; is the wall clock to be believed?
clock_good() {
  NOW=$(date +%s)
  [ "$NOW" -ge 1704067200 ] && [ "$NOW" -ge "$KIT_BUILT" ]
}

# sync_disk: everything written so far survives a power cut; fails when the disk says that it does not. One file system; where -f is
# not known the plain form, which tells of no error.
sync_disk() {
  if lab_has nosync; then return 0; fi #@lab
  sync -f "$R" 2>/dev/null && return 0
  # A sync that knows -f has failed for the disk's reasons, and asking without -f would only hide that.
  if sync -f /proc 2>/dev/null; then return 1; fi
  sync
}

# An empty file is made with `true >FILE`: `:` is a special built-in, and one whose redirection fails ends the shell (POSIX, 2.8.1).

# put_file FILE TEXT: all or nothing, also for readers.
put_file() {
  printf '%s' "$2" 2>/dev/null >"$1.tmp.$$" && mv -f "$1.tmp.$$" "$1" && return 0
  rm -f "$1.tmp.$$"
  return 1
}

# point LINK TARGET: atomically; `ln -sf` would leave a moment without a link.
point() {
  ln -s "$2" "$1.tmp.$$" 2>/dev/null || { rm -f "$1.tmp.$$"; ln -s "$2" "$1.tmp.$$" || return 1; }
  mv -fT "$1.tmp.$$" "$1" && return 0
  rm -f "$1.tmp.$$"
  return 1
}

# Locks are directories in V that name their holder; one whose holder is dead is taken over.
LOCKS=
lock() {
  lk_tries=0
  until mkdir "$V/$1.lock" 2>/dev/null; do
    mkdir -p "$V"
    lk_pid=
    { read -r lk_pid <"$V/$1.lock/pid"; } 2>/dev/null
    if [ -n "$lk_pid" ]; then
      kill -0 "$lk_pid" 2>/dev/null || { mv "$V/$1.lock" "$V/$1.stale.$$" 2>/dev/null && rm -rf "$V/$1.stale.$$"; continue; }
    elif [ "$lk_tries" -gt 20 ]; then
      mv "$V/$1.lock" "$V/$1.stale.$$" 2>/dev/null && rm -rf "$V/$1.stale.$$"
      continue
    fi
    lk_tries=$((lk_tries + 1))
    [ "$lk_tries" -le "${2:-300}" ] || return 1
    tick
  done
  printf '%s\n' "$$" >"$V/$1.lock/pid"
  LOCKS="$LOCKS $1"
}
unlock() {
  rm -rf "$V/$1.lock"
  lk_left=
  for lk_name in $LOCKS; do [ "$lk_name" = "$1" ] || lk_left="$lk_left $lk_name"; done
  LOCKS=$lk_left
}
unlock_all() { for lk_name in $LOCKS; do rm -rf "$V/$lk_name.lock"; done; LOCKS=; }

# tick: a short wait between two looks at something.
tick() { sleep "$TICK"; }

# one_line TEXT: sets LINE to its first line, shortened.
one_line() {
  LINE=${1%%"$NL"*}
  LINE=$(printf '%s' "$LINE" | cut -c1-300)
}

# free_kib PATH: sets FREE to the KiB that are free on its file system.
free_kib() {
  FREE=$(df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print $4 }')
  is_number "$FREE" || FREE=0
}

# load_identity: who this node is, which boot this is.
load_identity() {
  NODE='' FLEET='' BOOT='' BOOTED_AT=0 TICK=1
  if kv_get "$ETC/node.conf" node; then NODE=$KV; fi
  if kv_get "$ETC/node.conf" fleet; then FLEET=$KV; fi
  sys_boot
  up_now
}

# event KIND [KEY VALUE]…: one file in the spool. Losing one never changes a verdict.
event() {
  ev_kind=$1
  shift
  mkdir -p "$R/spool/tmp" "$R/spool/new" 2>/dev/null || return 0
  lock spool 50 || return 0
  ev_seq=0
  for ev_file in "$R/spool/new"/*; do [ -f "$ev_file" ] && ev_seq=${ev_file##*/}; done
  if [ "$ev_seq" = 0 ] && [ -f "$R/spool/last" ]; then read -r ev_seq <"$R/spool/last"; fi
  ev_seq=$(($(printf '%s' "$ev_seq" | sed 's/^0*//;s/^$/0/') + 1))
  up_now
  o_new event; o_n seq "$ev_seq"; o_s boot "$BOOT"; o_n up "$UP"; o_s kind "$ev_kind"
  while [ $# -ge 2 ]; do o_s "$1" "$2"; shift 2; done
  ev_name=$(printf '%012d' "$ev_seq")
  if printf '%s}\n' "$O" 2>/dev/null >"$R/spool/tmp/$ev_name"; then
    mv -f "$R/spool/tmp/$ev_name" "$R/spool/new/$ev_name"
    put_file "$R/spool/last" "$ev_seq$NL"
  else
    rm -f "$R/spool/tmp/$ev_name"
  fi
  spool_trim
  unlock spool
}

# spool_trim: the oldest events go when nobody fetches them.
spool_trim() {
  set -- "$R/spool/new"/*
  while [ $# -gt 2000 ]; do rm -f "$1"; shift; done
}
