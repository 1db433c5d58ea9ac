# parse_step: sets TXNAME, TXBASE (without the attempt) from Q_step, which is <run>/<node>/<seq>/<attempt>.
parse_step() {
  ps_rest=$Q_step
  ps_run=${ps_rest%%/*} ps_rest=${ps_rest#*/}
  ps_node=${ps_rest%%/*} ps_rest=${ps_rest#*/}
  ps_seq=${ps_rest%%/*} ps_attempt=${ps_rest#*/}
  is_number "$ps_seq" && is_number "$ps_attempt" || fail PROTOCOL 'step is not <run>/<node>/<seq>/<attempt>'
  [ "$ps_run" = "$Q_run" ] || fail PROTOCOL 'step is of another run'
  [ "$ps_node" = "$NODE" ] || fail WRONG_NODE "this node is $NODE, the step is for $ps_node"
  TXBASE=$Q_run.$ps_seq
  TXNAME=$TXBASE.$ps_attempt
}

# verb_run: everything that can say no says it here, before a transaction exists; the rest is the runner's.
verb_run() {
  need_run
  need_token
  parse_step
  if tx_line "$TXNAME"; then done_ok; fi
  is_sha256 "$Q_nonce_sha256" || fail PROTOCOL 'nonce_sha256 is not a sha256'
  lock tx || fail BUSY 'another change is under way'
  accepted "$Q_run"
  case $S_kind in update | rollback) ;; *) fail BAD_SLICE "a slice of kind $S_kind changes no runtime" ;; esac
  for vr_dir in "$R/tx/$TXBASE".*; do
    [ -d "$vr_dir" ] && tx_load "${vr_dir##*/}" && [ "$TX_STATE" = COMMIT ] || continue
    tx_line "${vr_dir##*/}"
    done_ok
  done
  tx_open
  [ -z "$OPEN_TX" ] || fail BUSY "transaction $OPEN_TX is open"
  wants_staged
  preflight
  veto
  adopt_wants
  pin_kit
  tx_begin
  if wants_committed; then
    tx_noop
  else
    up_now
    if ! sys_transient edgectl-tx $((S_cap + S_confirm + 600)) "$STOP_CAP" "settle $TXNAME" "$KIT" runner "$TXNAME"; then
      abort_tx "$TXNAME" runner-died
    fi
  fi
  unlock tx
  tx_line "$TXNAME"
  done_ok
}

wants_staged() {
  while read -r ws_name ws_version ws_digest; do
    [ -n "$ws_name" ] && [ "$ws_digest" != none ] || continue
    not_denied "$ws_name" "$ws_digest"
    store_find "$ws_name" "$ws_digest" || fail PREFLIGHT "staged: the bundle of $ws_name $ws_version is not here yet"
  done <<WANTS
$S_WANTS
WANTS
}
wants_committed() {
  while read -r wc_name _ wc_digest; do
    [ -n "$wc_name" ] || continue
    if gen_component "$GEN" "$wc_name"; then
      [ "$C_DIGEST" = "$wc_digest" ] || return 1
    else
      [ "$wc_digest" = none ] || return 1
    fi
  done <<WANTS
$S_WANTS
WANTS
}

# preflight: what can be known to go wrong without touching anything.
preflight() {
  STOP_CAP=300
  preflight_kit
  command -v ssh-keygen >/dev/null || fail PREFLIGHT 'signer: ssh-keygen is not installed'
  { true >"$R/.write"; } 2>/dev/null && rm -f "$R/.write" || fail PREFLIGHT "read-only: $R cannot be written"
  free_kib "$R"
  [ "$FREE" -ge "$RESERVE_KIB" ] || fail PREFLIGHT "disk: $FREE KiB free in $R, $RESERVE_KIB KiB needed"
  committed_gen
  pf_text=$(sys_preflight) || fail PREFLIGHT "$pf_text"
  printf '#!/bin/sh\nexit 0\n' >"$R/.exec" && chmod 700 "$R/.exec"
  "$R/.exec" 2>/dev/null || { rm -f "$R/.exec"; fail PREFLIGHT "exec-mount: programs cannot be run from $R"; }
  rm -f "$R/.exec"
  while read -r pf_name _ pf_digest; do
    [ -n "$pf_name" ] || continue
    [ "$S_kind" != rollback ] || way_back "$pf_name" "$pf_digest"
    [ "$pf_digest" != none ] || continue
    store_find "$pf_name" "$pf_digest"
    preflight_driver "$pf_name" "$DIR"
  done <<WANTS
$S_WANTS
WANTS
}
preflight_driver() {
  kv_get "$2/driver" class
  case $KV in
    A | B) ;;
    C) preflight_state "$1" "$2" ;;
    *) fail PREFLIGHT "class: $1 is of class ${KV:-unknown}; this kit knows A, B and C" ;;
  esac
  kv_get "$2/driver" service || return 0
  pd_unit=$KV
  if kv_get "$2/driver" service.grace; then preflight_grace "$1" "$2" "$KV"; fi
  sys_unit_exists "$pd_unit" || fail PREFLIGHT "service: there is no unit $pd_unit here"
  if kv_get "$2/driver" service.kill-mode; then
    pd_mode=$KV
    sys_kill_mode "$pd_unit"
    [ "$KILL_MODE" = "$pd_mode" ] || fail PREFLIGHT "kill-mode: $pd_unit has KillMode=$KILL_MODE, $1 needs $pd_mode for its workloads to survive"
  fi
}

# preflight_grace COMPONENT DIR SECONDS: somebody else takes this node's work away when the unit is gone for longer.
preflight_grace() {
  is_number "$3" || fail PREFLIGHT "grace: $1 has a grace that is no number"
  kv_get "$2/driver" class
  [ "$KV" != C ] || fail PREFLIGHT "grace: $1 may be gone for $3 s only, and copying its state takes as long as it takes"
  kv_get "$2/driver" start-timeout || KV=10
  [ "$KV" -le "$3" ] || fail PREFLIGHT "grace: $1 may take $KV s to start and be gone for $3 s only; drain the node first, or give it less time"
}
# preflight_state COMPONENT DIR: is there something to copy, can it be put back, and is there room for it?
preflight_state() {
  pt_dirs=
  for pt_dir in $(driver_lines "$2" state); do pt_dirs="$pt_dirs$P$pt_dir$NL"; done
  [ -n "$pt_dirs" ] && kv_get "$2/driver" service || fail PREFLIGHT "class: $1 is of class C, and its driver names no state or no service"
  state_check "$pt_dirs" || fail PREFLIGHT "$WRONG_ID: $WRONG"
  # Putting a large state back takes its time, and must not be cut off.
  STOP_CAP=3600
}

# veto_asked: sets VETO to the reason of a local veto; fails when there is one. An emergency slice overrides, and that is recorded.
veto_asked() {
  VETO=
  for ve_file in "$ETC/inhibit.d"/*; do
    [ -x "$ve_file" ] && [ -f "$ve_file" ] || continue
    ve_text=$(timeout -k 1 10 "$ve_file" </dev/null 2>&1 3>&- 4>&-)
    ve_status=$?
    [ "$ve_status" != 0 ] || continue
    one_line "$ve_text"
    VETO="${ve_file##*/}: ${LINE:-exit $ve_status}"
    veto_aged "${ve_file##*/}" && continue
    if [ "$S_emergency" = 1 ]; then
      event veto-overridden run "$S_run" veto "$VETO"
      continue
    fi
    return 1
  done
  VETO=
}
# veto_aged NAME: has this veto held longer than its `<name>.max-age` (seconds) allows? Counted on the monotonic clock.
veto_aged() {
  is_number "$(cat "$ETC/inhibit.d/.$1.max-age" 2>/dev/null)" || return 1
  up_now
  mkdir -p "$V/veto"
  [ -f "$V/veto/$1" ] || put_file "$V/veto/$1" "$UP"
  [ $((UP - $(cat "$V/veto/$1"))) -gt "$(cat "$ETC/inhibit.d/.$1.max-age")" ]
}
veto() { veto_asked || fail VETO "$VETO"; }

# tx_begin: a record of the same name without a state was never begun: whoever made it was cut off before its first line.
tx_begin() {
  tb_dir=$R/tx/.new.$TXNAME
  rm -rf "$tb_dir"
  mkdir -p "$tb_dir" && {
    printf 'run=%s\nstep=%s\n' "$Q_run" "$Q_step" >"$tb_dir/spec" && printf '%s\n' "$Q_nonce_sha256" >"$tb_dir/nonce" &&
      dd if=/dev/zero of="$tb_dir/reserve" bs=1024 count=64
  } 2>/dev/null && rm -rf "${R:?}/tx/$TXNAME" && mv -fT "$tb_dir" "$R/tx/$TXNAME" || { rm -rf "$tb_dir"; fail NO_SPACE "no space left in $R"; }
  TX_SEQ=0 TX_STATE='' TX_GEN=''
  journal "$TXNAME" BEGIN || { rm -rf "${R:?}/tx/$TXNAME"; fail NO_SPACE "no space left in $R"; }
}

# tx_noop: the node is committed to all of it already; what remains is that this series was seen.
tx_noop() {
  gen_begin "$GEN" && gen_end "$S_run" "$S_series" "$GEN" && gen_commit "$NEWGEN" || { abort_tx "$TXNAME" no-space; return 0; }
  gen_mark "$NEWGEN"
  point "$ACTIVE" "$R/gen/$NEWGEN"
  journal "$TXNAME" COMMIT "gen=$NEWGEN" noop=1
  true >"$R/tx/$TXNAME/closed"
  event committed tx "$TXNAME" noop 1
}

# abort_tx TX WHY: it ends before anything was switched.
abort_tx() {
  journal "$1" ABORT "why=$2" || :
  TX_WHY=$2
  tx_clean "$1"
  event aborted tx "$1" why "$2"
}
# tx_clean TX: nothing volatile of a closed transaction stays but its last words.
tx_clean() {
  sys_timer_stop edgectl-deadman
  fp 17 #@lab
  sys_trial_clear
  if kv_get "$V/trial" tx && [ "$KV" = "$1" ]; then rm -f "$V/trial"; fi
  for tc_file in progress log; do
    [ ! -f "$V/tx/$1/$tc_file" ] || cp "$V/tx/$1/$tc_file" "$R/tx/$1/$tc_file" 2>/dev/null
  done
  rm -f "$R/tx/$1/reserve"
  rm -rf "$R/gen/.new"
  # State that could not be put back is kept, and nothing may start on what is there instead.
  [ "$TX_STATE" = BROKEN ] && [ -f "$R/snap/$1/index" ] || release "$1"
  true 2>/dev/null >"$R/tx/$1/closed"
  snapshots_sweep
}

# runner TX: internal, in a unit of its own; whatever ends it, `settle` runs after it.
verb_runner() {
  tx_load "$1" || die_early "no transaction $1"
  tx_closed && return 0
  RUNNER_TX=$1
  [ "$TX_STATE" = BEGIN ] || die_early "transaction $1 has begun before"
  slice_load "$R/runs/$TX_RUN/slice" || die_early "run $TX_RUN has no slice"
  committed_gen
  OLDGEN=$GEN
  runner_stage "$1" && runner_arm "$1" && runner_snapshot "$1" && runner_switch "$1" && runner_watch "$1"
}

# stop_with WHY: an abort that the recipe's `&&` ends with.
stop_with() { abort_tx "$TX" "$1"; return 1; }

runner_stage() {
  gen_begin "$OLDGEN" || { stop_with no-space; return 1; }
  while read -r rs_name rs_version rs_digest; do
    [ -n "$rs_name" ] || continue
    if [ "$rs_digest" = none ]; then gen_drop "$rs_name"; continue; fi
    store_find "$rs_name" "$rs_digest" && manifest_ok "$DIR" || { say_progress 0 "the bundle of $rs_name $rs_version is damaged"; rm -f "$DIR/.complete"; stop_with digest; return 1; }
    gen_put "$rs_name" "$DIR" || { stop_with no-space; return 1; }
  done <<WANTS
$S_WANTS
WANTS
  gen_end "$S_run" "$S_series" "$OLDGEN" || { stop_with no-space; return 1; }
  TX_GEN=$NEWGEN
  journal "$1" STAGED "gen=$NEWGEN" || { stop_with no-space; return 1; }
  fp 6 #@lab
  # Verified above, so it may be executed: does it run here at all?
  changed_components "$OLDGEN" "$TX_GEN"
  for rs_name in $CHANGED; do
    [ -L "$R/gen/$TX_GEN/$rs_name" ] || continue
    version_of "$R/gen/$TX_GEN/$rs_name" "$R/gen/$TX_GEN" && version_matches "$R/gen/$TX_GEN/$rs_name" || {
      one_line "$VERSION_TEXT"
      say_progress 0 "$rs_name says '$LINE' when asked for its version"
      stop_with preflight:version
      return 1
    }
    [ "$rs_name" != kit ] || kit_fits || { say_progress 0 "$WRONG"; stop_with preflight:protocol; return 1; }
  done
  baseline "$1"
}

# changed_components OLD NEW: sets CHANGED to the components that differ between two generations (OLD may be empty).
changed_components() {
  CHANGED=
  for cc_link in "$R/gen/$2"/* "$R/gen/${1:-none}"/*; do
    [ -L "$cc_link" ] || continue
    cc_name=${cc_link##*/}
    case " $CHANGED " in *" $cc_name "*) continue ;; esac
    [ "$(readlink "$R/gen/${1:-none}/$cc_name" 2>/dev/null)" = "$(readlink "$R/gen/$2/$cc_name" 2>/dev/null)" ] || CHANGED="$CHANGED $cc_name"
  done
}
# units_of GENERATION: adds the units of the CHANGED components in it to UNITS, and START_TIMEOUT to the longest.
units_of() {
  for uo_name in $CHANGED; do
    uo_driver=$R/gen/${1:-none}/$uo_name/driver
    kv_get "$uo_driver" service || continue
    case " $UNITS " in *" $KV "*) ;; *) UNITS="$UNITS $KV" ;; esac
    if kv_get "$uo_driver" start-timeout && is_number "$KV" && [ "$KV" -gt "$START_TIMEOUT" ]; then START_TIMEOUT=$KV; fi
  done
}

runner_arm() {
  if ! veto_asked; then say_progress 0 "$VETO"; stop_with veto; return 1; fi
  up_now
  ARMED_UP=$UP
  DEADLINE=$((UP + S_cap + S_confirm))
  mkdir -p "$V/verdict/$1"
  put_file "$V/trial" "tx=$1${NL}gen=$TX_GEN${NL}old=$OLDGEN${NL}deadline=$DEADLINE$NL" || { stop_with deadman; return 1; }
  arm_deadman "$1" || { stop_with deadman; return 1; }
  journal "$1" ARMED || { stop_with no-space; return 1; }
  fp 7 #@lab
}
arm_deadman() {
  if lab_has nodeadman; then return 0; fi #@lab
  sys_timer edgectl-deadman $((S_cap + S_confirm)) "$KIT" deadline "$1" && sys_timer_active edgectl-deadman
}

runner_switch() {
  UNITS='' START_TIMEOUT=10
  changed_components "$OLDGEN" "$TX_GEN"
  units_of "$OLDGEN"
  units_of "$TX_GEN"
  put_file "$V/tx/$1/units" "$UNITS" || { stop_with deadman; return 1; }
  journal "$1" TRIAL || { stop_with no-space; return 1; }
  true >"$V/tx/$1/touched"
  point "$ACTIVE" "$R/gen/$TX_GEN"
  fp 8 #@lab
  wire_generation "$TX_GEN" || { decide "$1" "preflight:read-only"; settle_tx "$1" preflight:read-only; return 1; }
  state_rolled_back || { snapshot_failed "$1" no-space "$WRONG"; return 1; }
  if [ -n "$UNITS" ]; then
    for rw_unit in $UNITS; do sys_trial "$rw_unit" "$START_TIMEOUT"; done
    sys_reload
  fi
  fp 9 #@lab
  for rw_unit in $UNITS; do sys_restart "$rw_unit"; done
  fp 10 #@lab
}
