# Snapshots of the state of class C: made before the switch, put back by a revert, kept after the commit for a rollback that asks for it.

# runner_snapshot TX: stop, copy, make it durable, and only then may the new version run. Between the first line and the last the way
# back is the ordinary one: the unit is started again.
runner_snapshot() {
  changed_components "$OLDGEN" "$TX_GEN"
  state_of "$OLDGEN" "$TX_GEN"
  [ -n "$STATE_NAMES" ] || return 0
  UNITS='' START_TIMEOUT=10
  units_of "$OLDGEN"
  units_of "$TX_GEN"
  put_file "$V/tx/$1/units" "$UNITS" && true >"$V/tx/$1/touched" && hold "$1" || { snapshot_failed "$1" no-space 'no space to hold the unit'; return 1; }
  say_progress 0 "copies the state of$STATE_NAMES"
  halt_units "$STATE_UNITS" || { snapshot_failed "$1" preflight:state "$WRONG"; return 1; }
  fp 19 #@lab
  state_check "$STATE_DIRS" || { snapshot_failed "$1" "preflight:$WRONG_ID" "$WRONG"; return 1; }
  snapshot "$1" || { snapshot_failed "$1" "$SNAP_WHY" "$WRONG"; return 1; }
  fp 21 #@lab
  journal "$1" SNAP "kib=$STATE_KIB" || { snapshot_failed "$1" no-space "no space left in $R"; return 1; }
  fp 22 #@lab
  let_start "$1" || { snapshot_failed "$1" no-space "$V cannot be written"; return 1; }
}
snapshot_failed() {
  say_progress 0 "$3"
  decide "$1" "$2"
  settle_tx "$1" "$2"
}
# snapshot TX: R/snap/<tx> with what STATE_DIRS hold now. Fails with WRONG and SNAP_WHY.
snapshot() {
  sn_new=$R/snap/$1.tmp
  SNAP_WHY=no-space WRONG="no space left in $R" COPY_LATE=
  mkdir -p "$R/snap" && chmod 700 "$R/snap" && rm -rf "$sn_new" && mkdir "$sn_new" || return 1
  for sn_name in $STATE_NAMES; do
    sn_old=none sn_digest=none
    if gen_component "${OLDGEN:-none}" "$sn_name"; then sn_old=$C_DIGEST; fi
    if gen_component "$TX_GEN" "$sn_name"; then sn_digest=$C_DIGEST; fi
    printf 'component %s %s %s\n' "$sn_name" "$sn_old" "$sn_digest" 2>/dev/null >>"$sn_new/index" || return 1
  done
  sn_count=0
  while IFS= read -r sn_dir; do
    [ -n "$sn_dir" ] || continue
    sn_count=$((sn_count + 1))
    state_real "$sn_dir"
    sn_kind=none
    if [ -d "$REAL" ]; then
      sn_kind=dir
      # In no more time than it may take to become healthy: the dead-man's time stays what the plan says.
      state_copy "$REAL" "$sn_new/$sn_count" "$S_cap" || { [ -z "$COPY_LATE" ] || SNAP_WHY=preflight:state; return 1; }
    fi
    printf '%s %s %s\n' "$sn_kind" "$sn_count" "$REAL" 2>/dev/null >>"$sn_new/index" || return 1
  done <<DIRS
$STATE_DIRS
DIRS
  fp 20 #@lab
  sync_disk
  mv -fT "$sn_new" "$R/snap/$1" || return 1
  sync_disk
}
# snapshot_restore SNAPSHOT: its directories are again what they were, whatever is there now and however often it is begun. Fails with WRONG.
snapshot_restore() {
  if lab_has norestore; then return 0; fi #@lab
  while read -r sr_kind sr_n sr_path; do
    case $sr_kind in
      dir | none) ;;
      *) continue ;;
    esac
    if mounted_in "$sr_path"; then WRONG="$MOUNTED became a mount point, so $sr_path cannot be put back"; return 1; fi
    rm -rf "$sr_path.edgectl-new" "$sr_path.edgectl-old"
    if [ "$sr_kind" = dir ]; then
      mkdir -p "${sr_path%/*}"
      if ! state_copy "$1/$sr_n" "$sr_path.edgectl-new"; then
        # No room for both: what is there now is of no use, and the copy is durable.
        rm -rf "$sr_path"
        state_copy "$1/$sr_n" "$sr_path.edgectl-new" || { WRONG="$sr_path cannot be put back: $WRONG"; return 1; }
      fi
      sync_at "${sr_path%/*}"
      fp 23 #@lab
    fi
    if [ -e "$sr_path" ] || [ -L "$sr_path" ]; then
      WRONG="$sr_path cannot be moved out of the way"
      mv -fT "$sr_path" "$sr_path.edgectl-old" || return 1
    fi
    fp 24 #@lab
    if [ "$sr_kind" = dir ]; then mv -fT "$sr_path.edgectl-new" "$sr_path" || return 1; fi
    [ ! -d "${sr_path%/*}" ] || sync_at "${sr_path%/*}"
    fp 25 #@lab
    rm -rf "$sr_path.edgectl-old"
  done <"$1/index"
}

# state_back TX: put back what a transaction may have migrated; UNITS are what it has started. Fails with WRONG; then its units stay held.
state_back() {
  [ -f "$R/snap/$1/index" ] || return 0
  rm -rf "$V/let"
  if [ -e "$V/tx/$1/touched" ]; then halt_units "$UNITS" || return 1; fi
  snapshot_restore "$R/snap/$1" || return 1
  # From here on what the old version writes is its own: it is not put back twice.
  mv -f "$R/snap/$1/index" "$R/snap/$1/restored" || { WRONG="$R cannot be written"; return 1; }
  sync_disk
}
# state_committed TX: what is committed has its state; its units are nobody's to hold.
state_committed() {
  kv_get "$R/gen/$TX_GEN/.meta" prev
  sm_prev=$KV
  changed_components "$sm_prev" "$TX_GEN"
  state_of "$sm_prev" "$TX_GEN"
  for sm_unit in $STATE_UNITS; do rm -f "$R/held/$sm_unit"; done
  release "$1"
}
# hold_unproven FROM TO: recovery had to take another bundle than was committed: nobody knows whose the state on the disk is, so a unit of
# class C waits for a person, or for a change that is committed.
hold_unproven() {
  changed_components "$1" "$2"
  state_of "$1" "$2"
  [ -n "$STATE_UNITS" ] || return 0
  mkdir -p "$R/held"
  for hn_unit in $STATE_UNITS; do
    [ -e "$R/held/$hn_unit" ] || put_file "$R/held/$hn_unit" "tx=${NL}why=generation $2 was recovered instead of $1$NL"
  done
  sync_disk
}

# snapshot_for COMPONENT OLD NEW: sets SNAP to the snapshot of this component's state from before it went from OLD to NEW.
snapshot_for() {
  for SNAP in "$R/snap"/*; do
    case $SNAP in *.tmp) continue ;; esac
    [ -f "$SNAP/index" ] && grep -q "^component $1 $2 $3\$" "$SNAP/index" || continue
    tx_state_of "${SNAP##*/}"
    [ "$STATE_OF" = COMMIT ] && return 0
  done
  SNAP=
  return 1
}
# tx_state_of TX: sets STATE_OF without touching what is loaded.
tx_state_of() { STATE_OF=$(tx_load "$1" && printf '%s' "$TX_STATE"); }

# way_back NAME DIGEST: a rollback of a class C component says what becomes of the state that the newer version has migrated, or is refused.
way_back() {
  [ -n "$GEN" ] && gen_component "$GEN" "$1" && [ "$C_DIGEST" != "$2" ] || return 0
  wb_now=$C_DIGEST wb_version=$C_VERSION
  wb_class=
  if kv_get "$C_DIR/driver" class; then wb_class=$KV; fi
  if store_find "$1" "$2" && kv_get "$DIR/driver" class && [ "$KV" = C ]; then wb_class=C; fi
  [ "$wb_class" = C ] || return 0
  state_choice "$1"
  case $CHOICE in
    keep) return 0 ;;
    restore) snapshot_for "$1" "$2" "$wb_now" || fail PREFLIGHT "state: there is no copy of the state of $1 from before $wb_version here" ;;
    *) fail PREFLIGHT "state: $1 $wb_version may have migrated its state; the slice does not say whether to restore the copy from before it or to keep what is there" ;;
  esac
  # What lies in one copy goes back together.
  while read -r wb_kind wb_name wb_old _; do
    [ "$wb_kind" = component ] || continue
    state_choice "$wb_name"
    slice_want_of "$wb_name" && [ "$W_DIGEST" = "$wb_old" ] && [ "$CHOICE" = restore ] || fail PREFLIGHT "state: the copy holds the state of $wb_name too, which this slice does not put back"
  done <"$SNAP/index"
}
# state_choice COMPONENT: sets CHOICE to what the loaded slice says of its state: keep, restore or nothing.
state_choice() {
  CHOICE=
  while read -r ch_name ch_what; do
    if [ "$ch_name" = "$1" ]; then CHOICE=$ch_what; fi
  done <<STATES
$S_STATES
STATES
}
# state_rolled_back: in a rollback that says so, the state of before goes in place while no version runs. Fails with WRONG.
state_rolled_back() {
  [ "$S_kind" = rollback ] || return 0
  rb_done=' '
  for rb_name in $STATE_NAMES; do
    state_choice "$rb_name"
    [ "$CHOICE" = restore ] || continue
    rb_old=none rb_now=none
    if gen_component "$TX_GEN" "$rb_name"; then rb_old=$C_DIGEST; fi
    if gen_component "${OLDGEN:-none}" "$rb_name"; then rb_now=$C_DIGEST; fi
    WRONG="the copy of the state of $rb_name is gone"
    snapshot_for "$rb_name" "$rb_old" "$rb_now" || return 1
    case $rb_done in *" $SNAP "*) continue ;; esac
    snapshot_restore "$SNAP" || return 1
    rb_done="$rb_done$SNAP "
  done
}

# snapshot_drop DIR: under another name first, so that half of one is never taken for a whole one.
snapshot_drop() {
  case $1 in *.tmp) ;; *) rm -rf "$1.tmp"; mv -fT "$1" "$1.tmp" || return 1 ;; esac
  rm -rf "${1%.tmp}.tmp"
}
# snapshots_sweep: drop those that nothing can need: not finished, taken back, or of a component that has gone on since.
snapshots_sweep() {
  for sw_dir in "$R/snap"/*; do
    [ -d "$sw_dir" ] || continue
    committed_gen
    sw_tx=${sw_dir##*/}
    case $sw_tx in *.tmp) rm -rf "$sw_dir"; continue ;; esac
    tx_state_of "$sw_tx"
    case $STATE_OF in
      ABORT | REVERTED) snapshot_drop "$sw_dir" ;;
      COMMIT) snapshot_current "$sw_dir/index" || snapshot_drop "$sw_dir" ;;
    esac
  done
}
# snapshot_current INDEX: is every component of a committed snapshot still what it became?
snapshot_current() {
  while read -r sc_kind sc_name _ sc_new; do
    [ "$sc_kind" = component ] || continue
    gen_component "${GEN:-none}" "$sc_name" || C_DIGEST=none
    [ "$C_DIGEST" = "$sc_new" ] || return 1
  done <"$1"
}

# recover_held: at boot, before any unit: what is closed holds nothing; a way back that failed is tried again. A hold that belongs to no
# transaction stays for a person.
recover_held() {
  for rh_file in "$R/held"/*; do
    [ -f "$rh_file" ] && kv_get "$rh_file" tx && [ -n "$KV" ] || continue
    rh_tx=$KV
    tx_load "$rh_tx" || { rm -f "$rh_file"; continue; }
    case $TX_STATE in
      COMMIT | ABORT | REVERTED) release "$rh_tx" ;;
      BROKEN)
        [ -f "$R/snap/$rh_tx/index" ] || continue
        UNITS=
        if state_back "$rh_tx"; then
          journal "$rh_tx" REVERTED "why=$TX_WHY" || :
          release "$rh_tx"
          for rh_unit in $HELD; do sys_restart "$rh_unit"; done
        fi ;;
    esac
  done
}

# snapshot_lines: the copies that a rollback could put back.
snapshot_lines() {
  for sp_dir in "$R/snap"/*; do
    [ -f "$sp_dir/index" ] || continue
    sp_tx=${sp_dir##*/}
    tx_state_of "$sp_tx"
    [ "$STATE_OF" = COMMIT ] || continue
    while read -r sp_kind sp_name sp_old sp_new; do
      [ "$sp_kind" = component ] || continue
      o_new snapshot; o_s tx "$sp_tx"; o_s component "$sp_name"; o_s from "$sp_old"; o_s to "$sp_new"; o_end
    done <"$sp_dir/index"
  done
}
