# say_progress PASSES TEXT: what `status` shows while the trial runs.
say_progress() {
  mkdir -p "$V/tx/$TX"
  one_line "$2"
  put_file "$V/tx/$TX/progress" "passes=$1${NL}health=$LINE$NL"
}

# baseline TX: the children of processes that must keep pid and start time, as `pid start age`.
baseline() {
  mkdir -p "$V/tx/$1"
  true >"$V/tx/$1/survive"
  up_now
  for ba_name in $CHANGED; do
    for ba_gen in "${OLDGEN:-none}" "$TX_GEN"; do
      kv_get "$R/gen/$ba_gen/$ba_name/driver" survive || continue
      ba_words=$KV
      ba_age=600
      if kv_get "$R/gen/$ba_gen/$ba_name/driver" survive.age && is_number "$KV"; then ba_age=$KV; fi
      for ba_word in $ba_words; do baseline_children "${ba_word#proc:}" "$ba_age" >>"$V/tx/$1/survive"; done
    done
  done
  sort -u "$V/tx/$1/survive" >"$V/tx/$1/survive.u" && mv -f "$V/tx/$1/survive.u" "$V/tx/$1/survive"
  cp "$V/tx/$1/survive" "$R/tx/$1/baseline" 2>/dev/null || :
}
# baseline_children COMM AGE: prints `pid start judged` of the children of processes whose name starts so.
baseline_children() {
  read -r bc_up _ </proc/uptime
  for bc_pid in $(sys_processes "$1"); do
    bc_children=
    { IFS= read -r bc_children <"/proc/$bc_pid/task/$bc_pid/children"; } 2>/dev/null
    for bc_child in $bc_children; do
      proc_start "$bc_child" || continue
      # Start time is in ticks of a hundredth of a second since the machine's boot (proc(5)).
      if [ $((${bc_up%.*} - START / 100)) -ge "$2" ]; then bc_judged=1; else bc_judged=0; fi
      printf '%s %s %s\n' "$bc_child" "$START" "$bc_judged"
    done
  done
}
# proc_start PID: sets START; fails when there is no such process.
proc_start() {
  START=
  { IFS= read -r pr_stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  set -f
  # shellcheck disable=SC2086
  set -- ${pr_stat##*) }
  set +f
  [ "$1" != Z ] || return 1
  shift 19
  START=$1
}
# survivors TX: sets LOST to the judged workloads that are gone, LOST_YOUNG to the others.
survivors() {
  LOST=0 LOST_YOUNG=0
  [ -s "$V/tx/$1/survive" ] || return 0
  while read -r su_pid su_start su_judged; do
    proc_start "$su_pid" && [ "$START" = "$su_start" ] && continue
    if [ "$su_judged" = 1 ]; then LOST=$((LOST + 1)); else LOST_YOUNG=$((LOST_YOUNG + 1)); fi
  done <"$V/tx/$1/survive"
}

# wait_units TX SECONDS: wait until every unit of UNITS is active. Sets WHY to crash or hang when one is not.
wait_units() {
  WHY=
  up_now
  wu_until=$((UP + $2))
  for wu_unit in $UNITS; do
    while :; do
      sys_show "$wu_unit"
      [ "$SHOW_STATE" != active ] || break
      if [ "$SHOW_STATE" = failed ]; then
        WHY=crash
        [ "$SHOW_RESULT" != timeout ] || WHY=hang
        return 1
      fi
      up_now
      [ "$UP" -lt "$wu_until" ] || { WHY=hang; return 1; }
      [ -z "$1" ] || ! decided "$1" || return 0
      tick
    done
  done
}
# units_mark TX: remember the main processes that the window is about.
units_mark() {
  true >"$V/tx/$1/main"
  for um_unit in $UNITS; do
    sys_show "$um_unit"
    printf '%s %s %s\n' "$um_unit" "$SHOW_PID" "$SHOW_RESTARTS" >>"$V/tx/$1/main"
  done
}
units_same() {
  while read -r us_unit us_pid us_restarts; do
    sys_show "$us_unit"
    [ "$SHOW_STATE" = active ] && [ "$SHOW_PID" = "$us_pid" ] && [ "$SHOW_RESTARTS" = "$us_restarts" ] && continue
    HEALTH="$us_unit did not keep running: $SHOW_STATE, $((SHOW_RESTARTS - us_restarts)) restarts"
    return 1
  done <"$V/tx/$1/main"
}

# probes GENERATION: every probe of the CHANGED components passes. Sets HEALTH, and PROBE_HUNG when one took too long.
probes() {
  PROBE_HUNG='' po_count=0
  HEALTH='nothing to probe'
  for po_name in $CHANGED; do
    po_dir=$R/gen/$1/$po_name
    [ -L "$po_dir" ] || continue
    while IFS= read -r po_line; do
      [ -n "$po_line" ] || continue
      expand "$po_line" "$ACTIVE"
      run_words 15 "$EXPANDED" >"$V/probe-out.$$" 2>&1
      po_status=$?
      one_line "$(head -c 1000 "$V/probe-out.$$" | tr -d '\000')"
      po_count=$((po_count + 1))
      # What a probe that passed printed is for machines.
      HEALTH="$po_count of $po_count probes pass"
      [ "$po_status" != 0 ] || continue
      HEALTH="$po_name: ${LINE:-probe ended with status $po_status}"
      case $po_status in 124 | 137 | 143) PROBE_HUNG=1 HEALTH="$po_name: the probe did not end within 15 s" ;; esac
      rm -f "$V/probe-out.$$"
      return 1
    done <<PROBES
$(driver_lines "$po_dir" probe)
PROBES
    rm -f "$V/probe-out.$$"
  done
}

# health_pass TX: one look at everything. Sets HEALTH; sets FATAL to a reason that no later pass can mend.
health_pass() {
  FATAL='' PROBE_HUNG=
  units_same "$1" || { FATAL=crash; return 1; }
  probes "$TX_GEN" || return 1
  survivors "$1"
  if [ "$LOST" != 0 ]; then
    HEALTH="$LOST workloads that ran before are gone"
    FATAL=health
    return 1
  fi
  [ "$LOST_YOUNG" = 0 ] || HEALTH="$HEALTH ($LOST_YOUNG short-lived processes ended meanwhile)"
}

# runner_watch TX: judge the trial until somebody has decided, then carry the decision out.
runner_watch() {
  if ! wait_units "$1" "$START_TIMEOUT"; then
    say_progress 0 "a unit did not come up: $WHY"
    decide "$1" "$WHY"
  fi
  units_mark "$1"
  up_now
  ww_start=$UP ww_cap=$UP ww_next=$UP ww_passes=0 ww_bad=0 ww_hung=
  # The copy of its state is part of the time that class C has: what is left for the confirmation stays the same.
  [ -z "$STATE_NAMES" ] || ww_cap=$ARMED_UP
  ww_every=1
  [ "$S_window" -le 30 ] || ww_every=3
  while ! decided "$1"; do
    up_now
    if [ "$UP" -ge "$DEADLINE" ]; then decide "$1" deadline; break; fi
    if [ "$UP" -ge "$ww_next" ]; then
      ww_next=$((UP + ww_every))
      watch_pass "$1"
      # A probe that hangs has taken its time.
      up_now
    fi
    if [ "$TX_STATE" = TRIAL ]; then
      if [ "$ww_passes" -ge "$S_passes" ] && [ $((UP - ww_start)) -ge "$S_window" ]; then
        journal "$1" HEALTHY && journal "$1" AWAIT || decide "$1" no-space
        fp 11 #@lab
      elif [ $((UP - ww_cap)) -ge "$S_cap" ]; then
        decide "$1" "${ww_hung:-health}"
      fi
    elif [ "$ww_bad" -ge 3 ]; then
      decide "$1" health
    fi
    tick
  done
  fp 12 #@lab
  settle_tx "$1" runner-died
}
watch_pass() {
  if health_pass "$1"; then
    ww_passes=$((ww_passes + 1)) ww_bad=0 ww_hung=
  else
    ww_passes=0 ww_bad=$((ww_bad + 1))
    [ -z "$PROBE_HUNG" ] || ww_hung=hang
    [ -z "$FATAL" ] || decide "$1" "$FATAL"
  fi
  say_progress "$ww_passes" "$HEALTH"
}
