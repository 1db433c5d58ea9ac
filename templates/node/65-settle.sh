# The verdict of a transaction is a symbolic link in a directory of its own: whoever creates it first has decided, and its
# target is the decision: confirm, or why it is taken back.

# decide TX VERDICT: fails when somebody was faster.
decide() { mkdir -p "$V/verdict/$1" && ln -s "$2" "$V/verdict/$1/decided" 2>/dev/null; }
# decided TX: sets VERDICT; fails while nobody has decided.
decided() { VERDICT=$(readlink "$V/verdict/$1/decided" 2>/dev/null); }

# settle_tx TX WHY: bring a transaction to its end; WHY is for one that nobody decided. Idempotent, and one at a time.
settle_tx() {
  lock settle 600 || return 1
  tx_load "$1" || { unlock settle; return 1; }
  if tx_closed; then
    settle_leftovers "$1"
    unlock settle
    return 0
  fi
  committed_gen
  if [ -n "$TX_GEN" ] && [ "$GEN" = "$TX_GEN" ]; then
    finish_commit "$1" late
  else
    decide "$1" "$2" || :
    decided "$1"
    if [ "$TX_STATE" = REVERTING ]; then VERDICT=$TX_WHY; fi
    if [ "$VERDICT" = confirm ] && [ "$2" = runner-died ] && [ "${RUNNER_TX-}" = "$1" ]; then
      commit_tx "$1" || revert_tx "$1" no-space
    else
      # Confirmed but never made durable: the way back is the only state that is certain.
      [ "$VERDICT" != confirm ] || VERDICT=$2
      settle_back "$1" "$VERDICT"
    fi
  fi
  unlock settle
}
settle_back() {
  active_gen
  case $TX_STATE in
    BEGIN | STAGED | ARMED)
      if [ ! -e "$V/tx/$1/touched" ] && { [ -z "$TX_GEN" ] || [ "$AGEN" != "$TX_GEN" ]; }; then
        abort_tx "$1" "$2"
        return 0
      fi ;;
  esac
  revert_tx "$1" "$2"
}
# settle_leftovers TX: it was closed, but whoever closed it may not have come to the end.
settle_leftovers() {
  if kv_get "$V/trial" tx && [ "$KV" = "$1" ]; then tx_clean "$1"; fi
}

# commit_tx TX: fails, undecided, when the pointer cannot be made durable.
commit_tx() {
  gen_commit "$TX_GEN" || return 1
  finish_commit "$1" ''
}
finish_commit() {
  gen_mark "$TX_GEN"
  rm -f "$R/.committed.new"
  if [ -n "$2" ]; then journal "$1" COMMIT late=1 || :; else journal "$1" COMMIT || :; fi
  fp 16 #@lab
  state_committed "$1"
  tx_clean "$1"
  active_gen
  [ "$AGEN" = "$TX_GEN" ] || point "$ACTIVE" "$R/gen/$TX_GEN"
  rm -f "$V/tx/$1/touched"
  fp 18 #@lab
  event committed tx "$1" generation "$TX_GEN"
}

# revert_tx TX WHY: back to what is committed, absolutely. Needs no room on the disk.
revert_tx() {
  journal "$1" REVERTING "why=$2" || :
  committed_gen
  # A commit that could neither be made to last nor be taken back from a broken disk: what counts is what it was to replace.
  if [ "$GEN" = "$TX_GEN" ] && kv_get "$R/gen/$TX_GEN/.meta" prev; then GEN=$KV; fi
  # Meant to be one of its own only where the pointer still shows the trial: another boot has other processes.
  UNITS=
  if [ -f "$V/tx/$1/units" ]; then UNITS=$(cat "$V/tx/$1/units"); fi
  capture_log "$1"
  if [ -n "$GEN" ]; then point "$ACTIVE" "$R/gen/$GEN"; fi
  sys_trial_clear
  if [ -n "$GEN" ]; then wire_generation "$GEN"; fi
  rv_state=REVERTED
  # A machine that is going down would cut this off; it begins with it again when it comes up.
  if [ -f "$R/snap/$1/index" ] && sys_stopping; then return 0; fi
  if state_back "$1"; then
    release "$1"
    if [ -n "$UNITS" ] && [ -e "$V/tx/$1/touched" ] && ! sys_stopping; then
      revert_units "$1" || rv_state=BROKEN
    fi
  else
    rv_state=BROKEN
    say_progress 0 "$WRONG"
  fi
  case $2 in health | crash | hang) deny_changed "$GEN" "$TX_GEN" "$2" ;; esac
  journal "$1" "$rv_state" "why=$2" || :
  TX_WHY=$2
  rm -f "$V/tx/$1/touched" "$R/.committed.new"
  tx_clean "$1"
  event "$(printf '%s' "$rv_state" | tr '[:upper:]' '[:lower:]')" tx "$1" why "$2"
}
revert_units() {
  for ru_unit in $UNITS; do sys_restart "$ru_unit"; done
  START_TIMEOUT=10
  changed_components "$GEN" "$TX_GEN"
  ru_all=$UNITS
  units_of "$GEN"
  UNITS=$ru_all
  if ! wait_units '' "$START_TIMEOUT"; then
    say_progress 0 "the old version does not come up either: $WHY"
    return 1
  fi
  # Health of the old one, with some patience: it has just been restarted.
  up_now
  ru_until=$((UP + START_TIMEOUT))
  until probes "$GEN"; do
    up_now
    [ "$UP" -lt "$ru_until" ] || { say_progress 0 "the old version is not healthy either: $HEALTH"; return 1; }
    tick
  done
}
capture_log() {
  [ -n "$UNITS" ] || return 0
  mkdir -p "$V/tx/$1"
  for cl_unit in $UNITS; do sys_log "$cl_unit"; done 2>/dev/null | tail -c 4000 >"$V/tx/$1/log"
}
# deny_changed OLD NEW WHY: every bundle that is new in NEW.
deny_changed() {
  [ -n "$2" ] && [ -d "$R/gen/$2" ] || return 0
  changed_components "$1" "$2"
  for dc_name in $CHANGED; do
    if gen_component "$2" "$dc_name"; then deny "$dc_name" "$C_DIGEST" "$3" || :; fi
  done
}

# verb_settle TX: run after the runner has ended, however it ended.
verb_settle() {
  vs_why=runner-died
  if sys_stopping; then vs_why=reboot; fi
  settle_tx "$1" "$vs_why"
}

# verb_deadline TX: the dead-man's own: nobody confirmed in time.
verb_deadline() {
  tx_load "$1" || return 0
  tx_closed && return 0
  take_back "$1" deadline
}
# take_back TX WHY: end a trial from outside of its runner.
take_back() {
  decide "$1" "$2" || { decided "$1" && [ "$VERDICT" = confirm ] && sys_running edgectl-tx && return 0; }
  sys_stop edgectl-tx
  settle_tx "$1" "$2"
}

# await_closed TX SECONDS: wait until a transaction is closed.
await_closed() {
  up_now
  ac_until=$((UP + $2))
  while tx_load "$1" && ! tx_closed; do
    up_now
    [ "$UP" -lt "$ac_until" ] || return 1
    sys_running edgectl-tx || settle_tx "$1" runner-died
    tick
  done
}

verb_confirm() {
  need_run
  need_token
  parse_step
  tx_load "$TXNAME" || fail UNKNOWN_STEP "there is no step $Q_step here"
  sha_text "$Q_nonce"
  [ "$SHA" = "$(cat "$R/tx/$TXNAME/nonce" 2>/dev/null)" ] || fail BAD_NONCE 'the nonce is not the one of this step'
  if [ "$TX_STATE" = AWAIT ]; then
    decide "$TXNAME" confirm || :
    await_closed "$TXNAME" 120 || :
  elif ! tx_closed && decided "$TXNAME"; then
    await_closed "$TXNAME" 120 || :
  fi
  tx_line "$TXNAME"
  [ "$TX_STATE" = COMMIT ] || fail NOT_AWAITING "the step is in state $TX_STATE${TX_WHY:+ ($TX_WHY)}"
  done_ok
}

verb_revert() {
  need_run
  need_token
  parse_step
  tx_load "$TXNAME" || fail UNKNOWN_STEP "there is no step $Q_step here"
  if ! tx_closed; then
    take_back "$TXNAME" operator
    await_closed "$TXNAME" 300 || :
  fi
  tx_line "$TXNAME"
  [ "$TX_STATE" != COMMIT ] || fail NOT_AWAITING 'the step is committed; undo it with a rollback'
  done_ok
}
