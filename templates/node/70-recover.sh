# recover: at boot, before the runtimes. The generation that is committed, or else the newest that ever was and is whole
# and not denied (the adopted one is the first of them), or else none: never one that only was staged.
do_recover() {
  mkdir -p "$V" "$V/tx" "$V/verdict"
  RECOVERED='' RECOVER_WHY=
  if kv_get "$V/trial" tx && sys_running edgectl-tx; then
    active_gen
    RECOVERED=$AGEN RECOVER_WHY="the trial of $KV goes on"
    return 0
  fi
  committed_gen
  rc_pointer=$GEN
  if [ -n "$GEN" ] && gen_usable "$GEN"; then
    RECOVERED=$GEN RECOVER_WHY=committed
  else
    recover_choose "$GEN"
  fi
  rm -rf "$R/staging"/* "$R/gen/.new" "$R/.committed.new" "$R/tx"/.new.* 2>/dev/null
  if [ -n "$RECOVERED" ]; then
    if [ "$RECOVERED" != "$rc_pointer" ]; then
      hold_unproven "${rc_pointer:-$rc_newest}" "$RECOVERED"
      gen_commit "$RECOVERED" || :
      event repaired generation "$RECOVERED" from "${rc_pointer:-none}" why "$RECOVER_WHY"
    fi
    gen_mark "$RECOVERED"
    point "$ACTIVE" "$R/gen/$RECOVERED"
    sys_trial_clear
    wire_generation "$RECOVERED" || :
  fi
  recover_journals
  recover_held
  snapshots_sweep
}
recover_choose() {
  if [ -z "$1" ]; then rc_broken='the committed pointer leads nowhere'; else rc_broken="$WRONG_COMPONENT of generation $1 $WRONG"; fi
  rc_best=0 rc_newest=0
  for rc_dir in "$R/gen"/*; do
    rc_n=${rc_dir##*/}
    is_number "$rc_n" && [ -e "$rc_dir/.ever" ] || continue
    [ "$rc_n" -le "$rc_newest" ] || rc_newest=$rc_n
    [ "$rc_n" -gt "$rc_best" ] || continue
    gen_usable "$rc_n" && rc_best=$rc_n
  done
  if [ "$rc_best" != 0 ]; then
    RECOVERED=$rc_best RECOVER_WHY="$rc_broken"
  else
    RECOVER_WHY="BROKEN: $rc_broken, and no generation that was ever committed is whole"
    # A node that never adopted anything has nothing to recover: its distribution's own files run.
    [ -L "$R/committed" ] || ls "$R/wired"/* >/dev/null 2>&1 || RECOVER_WHY='nothing was adopted yet'
  fi
}
# recover_journals: close what another boot left open.
recover_journals() {
  for rj_dir in "$R/tx"/*; do
    [ -d "$rj_dir" ] && [ ! -e "$rj_dir/closed" ] || continue
    tx_load "${rj_dir##*/}" || { true >"$rj_dir/closed"; continue; }
    if tx_closed; then true >"$rj_dir/closed"; continue; fi
    settle_tx "${rj_dir##*/}" power
  done
}

verb_recover() {
  do_recover
  o_new recovered; o_n generation "${RECOVERED:-0}"; o_s why "$RECOVER_WHY"; o_end
  generation_line
  case $RECOVER_WHY in BROKEN*) fail DAMAGED "$RECOVER_WHY" ;; esac
  done_ok
}

# verb_fallback UNIT: a unit of ours failed for good. In a trial that is the verdict; in the 24 hours after a commit there
# is one way back by itself; later a person decides.
verb_fallback() {
  if kv_get "$V/trial" tx; then
    fb_tx=$KV
    tx_load "$fb_tx" && ! tx_closed && { take_back "$fb_tx" crash; return 0; }
  fi
  lock settle 600 || return 1
  committed_gen
  fb_from=$GEN
  if [ -z "$fb_from" ] || ! gen_young "$fb_from"; then unlock settle; return 0; fi
  kv_get "$R/gen/$fb_from/.meta" prev
  fb_to=$KV
  if ! is_number "$fb_to" || [ ! -e "$R/gen/$fb_to/.ever" ] || [ -e "$R/gen/$fb_from/.fellback" ] || ! gen_usable "$fb_to"; then
    event broken unit "$1" generation "$fb_from" why 'no generation to fall back to'
    unlock settle
    return 0
  fi
  changed_components "$fb_to" "$fb_from"
  UNITS='' START_TIMEOUT=10
  units_of "$fb_from"
  units_of "$fb_to"
  case " $UNITS " in *" $1 "*) ;; *) unlock settle; return 0 ;; esac
  state_of "$fb_from" "$fb_to"
  if [ -n "$STATE_NAMES" ]; then
    # The older version would meet what the newer one has written since.
    event broken unit "$1" generation "$fb_from" why "the state of$STATE_NAMES does not go back by itself"
    unlock settle
    return 0
  fi
  deny_changed "$fb_to" "$fb_from" crash
  # The one that it falls back to has had its chance to be fallen back from.
  true >"$R/gen/$fb_to/.fellback"
  gen_commit "$fb_to" || :
  point "$ACTIVE" "$R/gen/$fb_to"
  wire_generation "$fb_to" || :
  mkdir -p "$R/later"
  up_now
  clock_good || NOW=0
  for fb_name in $CHANGED; do
    fb_old='' fb_new=''
    if gen_component "$fb_from" "$fb_name"; then fb_old=$C_DIGEST; fi
    if gen_component "$fb_to" "$fb_name"; then fb_new=$C_DIGEST; fi
    put_file "$R/later/$fb_name" "from=$fb_old${NL}to=$fb_new${NL}why=crash of $1${NL}boot=$BOOT${NL}up=$UP${NL}wall=$NOW$NL"
  done
  sync_disk
  for fb_unit in $UNITS; do sys_restart "$fb_unit"; done
  event reverted_later unit "$1" from "$fb_from" to "$fb_to"
  unlock settle
}
# gen_young N: was it committed less than 24 hours ago, as far as that can be known?
gen_young() {
  kv_get "$R/gen/$1/.commit" up || return 1
  gy_up=$KV
  kv_get "$R/gen/$1/.commit" wall
  gy_wall=$KV
  kv_get "$R/gen/$1/.commit" boot
  up_now
  if [ "$KV" = "$BOOT" ]; then [ $((UP - gy_up)) -lt 86400 ]; return; fi
  if clock_good && [ "$gy_wall" != 0 ]; then [ $((NOW - gy_wall)) -lt 86400 ]; return; fi
  [ "$UP" -lt 86400 ]
}
