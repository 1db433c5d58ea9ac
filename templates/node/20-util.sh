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

# Locks are directories in V that name their holder: its process and when that began, in ticks since boot, because numbers of processes
# come again. One whose holder is dead is inherited in its place: whoever makes the link `heir` in it looks once more who holds it, and
# only then puts its own name there. So two that saw the same dead holder never both have it.
LOCKS=
# lock NAME [LOOKS]: fails when somebody else has it for so many looks.
lock() {
  lk_dir=$V/$1.lock
  lk_tries=0
  proc_start "$$"
  lk_own="$$ $START"
  until { mkdir "$lk_dir" 2>/dev/null && lock_name; } || lock_inherit; do
    mkdir -p "$V"
    lk_tries=$((lk_tries + 1))
    [ "$lk_tries" -le "${2:-300}" ] || return 1
    tick
  done
  LOCKS="$LOCKS $1"
}
# proc_start PID: sets START to when it began (proc(5), stat, field 22); empty when there is no such process.
proc_start() {
  START=
  { read -r pr_stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  # The name of the program stands in brackets and may hold anything.
  pr_stat=${pr_stat##*) }
  START=$(printf '%s' "$pr_stat" | cut -d ' ' -f 20)
}
# lock_name: put our name on a lock that was just made; fails when somebody else is on it. A name appears whole or not at all.
# Without room for one the lock is held all the same: the way back needs none.
lock_name() {
  printf '%s\n' "$lk_own" 2>/dev/null >"$lk_dir/pid.$$"
  lk_named=1
  if [ -s "$lk_dir/pid.$$" ]; then ln "$lk_dir/pid.$$" "$lk_dir/pid" 2>/dev/null && lk_named=0; elif [ -e "$lk_dir/pid.$$" ]; then lk_named=0; fi
  rm -f "$lk_dir/pid.$$"
  return "$lk_named"
}
# lock_inherit: fails unless the holder is dead, or nobody put a name on it for twenty looks.
lock_inherit() {
  lock_orphaned || return 1
  ln -s "$$" "$lk_dir/heir" 2>/dev/null || {
    # To inherit takes no time; an heir that is still there after a hundred looks has died as well.
    [ "$lk_tries" -lt 100 ] || rm -f "$lk_dir/heir"
    return 1
  }
  lk_mine=1
  if lock_orphaned && [ "$(readlink "$lk_dir/heir")" = "$$" ]; then
    # One without a name may still get it from whoever made it, so that only one of both may succeed.
    if [ -z "$lk_pid" ]; then
      lock_name && lk_mine=0
    else
      printf '%s\n' "$lk_own" 2>/dev/null >"$lk_dir/pid.$$" && mv -f "$lk_dir/pid.$$" "$lk_dir/pid" 2>/dev/null && lk_mine=0
    fi
  fi
  [ "$(readlink "$lk_dir/heir")" != "$$" ] || rm -f "$lk_dir/heir"
  return "$lk_mine"
}
lock_orphaned() {
  lk_pid='' lk_start=''
  { read -r lk_pid lk_start <"$lk_dir/pid"; } 2>/dev/null
  if [ -z "$lk_pid" ]; then
    [ "$lk_tries" -gt 20 ] && [ -d "$lk_dir" ]
    return
  fi
  kill -0 "$lk_pid" 2>/dev/null || return 0
  [ -n "$lk_start" ] || return 1
  proc_start "$lk_pid"
  [ "$START" != "$lk_start" ]
}
unlock() {
  unlock_dir "$V/$1.lock"
  lk_left=
  for lk_name in $LOCKS; do [ "$lk_name" = "$1" ] || lk_left="$lk_left $lk_name"; done
  LOCKS=$lk_left
}
# unlock_dir DIR: in one step out of the way, so that nobody ever finds half of it. One who was on the way in may still leave a link there.
unlock_dir() { mv "$1" "$1.$$" 2>/dev/null && { rm -rf "$1.$$" 2>/dev/null || rm -rf "$1.$$"; }; }
unlock_all() { for lk_name in $LOCKS; do unlock_dir "$V/$lk_name.lock"; done; LOCKS=; }

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
