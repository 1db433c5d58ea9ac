# Class C: a runtime whose new version migrates state on the node's own disk. Going back to the old version then needs the old state.
# R/snap/<tx>/ is that state from before: one copy `<n>` for each directory, and `index`, lines of
#   dir <n> <path>                       was there, and is in <n>
#   none <n> <path>                      was not there
#   component <name> <old> <new>         digests (or none) that it lies between
# It is whole when it has its name. R/held/<unit> names the transaction that may have left a unit's state in the middle of something: the
# unit does not start while it is there, except in that trial's own boot (V/let/<unit>).

# state_drivers COMPONENT GENERATION…: prints the drivers of class C that a component has in these generations.
state_drivers() {
  sd_name=$1
  shift
  for sd_gen; do
    sd_driver=$R/gen/${sd_gen:-none}/$sd_name/driver
    if kv_get "$sd_driver" class && [ "$KV" = C ]; then printf '%s\n' "$sd_driver"; fi
  done
}
# state_of GENERATION…: sets STATE_DIRS to the state directories of the CHANGED components in these generations (one a line, in the node's
# own paths), STATE_UNITS to their units and STATE_NAMES to the components. All are empty when none is of class C.
state_of() {
  STATE_DIRS='' STATE_UNITS='' STATE_NAMES=''
  for so_name in $CHANGED; do
    for so_driver in $(state_drivers "$so_name" "$@"); do
      case " $STATE_NAMES " in *" $so_name "*) ;; *) STATE_NAMES="$STATE_NAMES $so_name" ;; esac
      if kv_get "$so_driver" service; then
        case " $STATE_UNITS " in *" $KV "*) ;; *) STATE_UNITS="$STATE_UNITS $KV" ;; esac
      fi
      for so_dir in $(driver_lines "${so_driver%/driver}" state); do
        case $NL$STATE_DIRS in *"$NL$P$so_dir$NL"*) ;; *) STATE_DIRS="$STATE_DIRS$P$so_dir$NL" ;; esac
      done
    done
  done
}

# state_real DIR: sets REAL to where a state directory really is: the way to it may lead over links, it itself may not be there yet.
state_real() {
  REAL=$(readlink -f "$1" 2>/dev/null)
  [ -n "$REAL" ] || REAL=$1
}
# mounted_in DIR: sets MOUNTED to a mount point at or below DIR (proc(5), mountinfo); fails when there is none.
mounted_in() {
  while read -r _ _ _ _ MOUNTED _; do
    case $MOUNTED in "$1" | "$1"/*) return 0 ;; esac
  done </proc/self/mountinfo
  return 1
}
# state_usable DIR: can it be copied and put back? Sets REAL, and WRONG to why not.
state_usable() {
  WRONG=
  case $1/ in *//* | */./* | */../*) WRONG="$1 is no plain path"; return 1 ;; esac
  state_real "$1"
  for su_own in "$R" "$V" "$ETC" "$KIT"; do
    case $su_own/ in "$REAL"/*) WRONG="$1 holds what edgectl itself keeps"; return 1 ;; esac
    case $REAL/ in "$su_own"/*) WRONG="$1 is in what edgectl itself keeps"; return 1 ;; esac
  done
  if [ -e "$REAL" ] && [ ! -d "$REAL" ]; then WRONG="$1 is not a directory"; return 1; fi
  # It is put back by a rename, which a mount point does not let happen.
  if mounted_in "$REAL"; then WRONG="$MOUNTED is a mount point; name a directory inside of it"; return 1; fi
}
# state_check DIRS: sets STATE_KIB to what a copy of these directories (one a line) needs. Fails with WRONG_ID and WRONG.
state_check() {
  STATE_KIB=0
  while IFS= read -r sc_dir; do
    [ -n "$sc_dir" ] || continue
    WRONG_ID=state
    state_usable "$sc_dir" || return 1
    [ -d "$REAL" ] || continue
    sc_kib=$(du -sk "$REAL" 2>/dev/null) || { WRONG="$sc_dir cannot be read"; return 1; }
    STATE_KIB=$((STATE_KIB + ${sc_kib%%[!0-9]*}))
  done <<DIRS
$1
DIRS
  # Names and small files take more than their own size where blocks are larger.
  STATE_KIB=$((STATE_KIB + STATE_KIB / 16))
  free_kib "$R"
  WRONG_ID=disk WRONG="$FREE KiB free in $R, $((STATE_KIB + RESERVE_KIB)) KiB needed with a copy of the state"
  [ "$FREE" -ge $((STATE_KIB + RESERVE_KIB)) ]
}

# state_copy FROM TO [SECONDS]: owners, modes, times and links as they are, and whatever else this node's cp -a keeps. Sockets are left out:
# without the process that made it a socket means nothing, and some daemons do not start when one is there. Fails with WRONG.
state_copy() {
  rm -rf "$2"
  WRONG="$2 cannot be written"
  timeout -k 2 "${3:-86400}" cp -a "$1" "$2" 3>&- 4>&- 2>"$V/copy.$$"
  sy_status=$?
  one_line "$(head -c 1000 "$V/copy.$$")"
  rm -f "$V/copy.$$"
  [ -z "$LINE" ] || WRONG=$LINE
  case $sy_status in
    0) find "$2" -type s -exec rm -f {} + ; return ;;
    124 | 137 | 143) WRONG="copying $1 took longer than ${3:-86400} s"; COPY_LATE=1 ;;
  esac
  return 1
}
# sync_at PATH: what was written on the file system of PATH survives a power cut.
sync_at() {
  if lab_has nosync; then return 0; fi #@lab
  sync -f "$1" 2>/dev/null || sync
}

# hold TX: the units of STATE_UNITS may not be started, by anybody, over any boot. One that is held already stays held by whom it was.
hold() {
  mkdir -p "$R/held" || return 1
  for ho_unit in $STATE_UNITS; do
    [ -e "$R/held/$ho_unit" ] || put_file "$R/held/$ho_unit" "tx=$1$NL" || return 1
  done
}
# let_start TX: but in this boot's trial they may.
let_start() {
  mkdir -p "$V/let" || return 1
  for ls_unit in $STATE_UNITS; do put_file "$V/let/$ls_unit" "$1$NL" || return 1; done
}
# holds_of TX: sets HELD to the units that a transaction holds.
holds_of() {
  HELD=
  for hf_file in "$R/held"/*; do
    [ -f "$hf_file" ] && kv_get "$hf_file" tx && [ "$KV" = "$1" ] || continue
    HELD="$HELD ${hf_file##*/}"
  done
}
# release TX: its units may start again.
release() {
  holds_of "$1"
  for re_unit in $HELD; do rm -f "$R/held/$re_unit"; done
  rm -rf "$V/let"
}

# halt_units UNITS: stop them and see that they are; one that is still at work would go on writing.
halt_units() {
  for hu_unit in $1; do sys_halt "$hu_unit"; done
  up_now
  hu_until=$((UP + 120))
  for hu_unit in $1; do
    while :; do
      sys_show "$hu_unit"
      case $SHOW_STATE in inactive | failed) break ;; esac
      up_now
      [ "$UP" -lt "$hu_until" ] || { WRONG="$hu_unit does not stop"; return 1; }
      tick
    done
  done
}
