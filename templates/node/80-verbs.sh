verb_hello() {
  series_high
  lease_high
  sys_version
  o_new hello; o_s kit "$KIT_VERSION"; o_n protocol_min "$PROTOCOL_MIN"; o_n protocol_max "$PROTOCOL_MAX"
  o_s node "$NODE"; o_s fleet "$FLEET"; o_s init "$INIT $INIT_VERSION"; o_s boot "$BOOT"; o_n up "$UP"
  o_n series "$HIGH"; o_n token_high "$HIGH_TOKEN"; o_end
  done_ok
}

verb_facts() {
  facts_machine
  free_kib "$R"
  fact disk.free_kib "$FREE"
  fact boot "$BOOT"
  fact up "$UP"
  fact node "$NODE"
  fact fleet "$FLEET"
  fact kit "$KIT_VERSION"
  fact init "$INIT"
  sys_version
  fact init.version "$INIT_VERSION"
  series_high
  fact series "$HIGH"
  if lease_load; then fact lease.run "$L_run"; fi
  committed_gen
  for vf_name in $(printf '%s' "$Q_components" | tr ',' ' '); do
    is_component "$vf_name" || continue
    if [ -n "$GEN" ] && [ -L "$R/gen/$GEN/$vf_name" ]; then continue; fi
    distro_fact "$vf_name"
  done
  kit_source
  kit_line "$SHA"
  generation_line
  denied_lines
  later_lines
  done_ok
}

# verb_status: the step's transaction, or the newest of each run; waits for a change of state when it is asked to.
verb_status() {
  vs_wait=0
  if [ -n "$Q_wait" ]; then is_number "$Q_wait" && [ "$Q_wait" -le 60 ] || fail PROTOCOL 'wait is not 0 to 60 seconds'; vs_wait=$Q_wait; fi
  if [ -n "$Q_run" ]; then need_run; fi
  if [ -n "$Q_step" ]; then
    need_run
    parse_step
    up_now
    vs_until=$((UP + vs_wait))
    while tx_load "$TXNAME" && [ "$TX_STATE" = "$Q_since" ] && ! tx_closed; do
      up_now
      [ "$UP" -lt "$vs_until" ] || break
      tick
    done
    tx_line "$TXNAME"
  else
    vs_run='' vs_last=''
    # Names sort by run; within a run the highest sequence and attempt is the newest.
    for vs_tx in $(for vs_dir in "$R/tx"/*; do case ${vs_dir##*/} in ("${Q_run:+$Q_run.}"*) [ -d "$vs_dir" ] && printf '%s\n' "${vs_dir##*/}" ;; esac; done | sort -t . -k 1,1 -k 2,2n -k 3,3n); do
      if [ -n "$vs_last" ] && [ "${vs_tx%%.*}" != "$vs_run" ]; then tx_line "$vs_last"; fi
      vs_run=${vs_tx%%.*} vs_last=$vs_tx
    done
    [ -z "$vs_last" ] || tx_line "$vs_last"
  fi
  kit_line ''
  generation_line
  denied_lines
  later_lines
  snapshot_lines
  done_ok
}

denied_lines() {
  for dl_file in "$R/denied"/*/*; do
    [ -f "$dl_file" ] || continue
    is_sha256 "${dl_file##*/}" || continue
    dl_dir=${dl_file%/*}
    kv_get "$dl_file" why
    o_new denied; o_s component "${dl_dir##*/}"; o_s digest "${dl_file##*/}"; o_s why "$KV"
    kv_get "$dl_file" boot
    o_s boot "$KV"
    kv_get "$dl_file" up
    is_number "$KV" || KV=0
    o_n up "$KV"; o_end
  done
}
later_lines() {
  for la_file in "$R/later"/*; do
    [ -f "$la_file" ] && case $la_file in *.tmp.*) false ;; esac || continue
    o_new later; o_s component "${la_file##*/}"
    for la_key in from to why boot; do
      kv_get "$la_file" "$la_key"
      o_s "$la_key" "$KV"
    done
    la_boot=$KV
    kv_get "$la_file" up
    o_n up "$KV"
    up_now
    if [ "$la_boot" = "$BOOT" ]; then
      o_n age "$((UP - KV))"
    elif kv_get "$la_file" wall && [ "$KV" != 0 ] && clock_good; then
      o_n age "$((NOW - KV))"
    fi
    o_end
  done
}

verb_undeny() {
  need_run
  need_token
  lock tx || fail BUSY 'another change is under way'
  accepted "$Q_run"
  [ "$S_kind" = undeny ] || fail BAD_SLICE "a slice of kind $S_kind lifts nothing"
  while read -r ud_name ud_digest; do
    [ -n "$ud_name" ] || continue
    rm -f "$R/denied/$ud_name/$ud_digest"
    rm -f "$R/later/$ud_name"
    o_new undenied; o_s component "$ud_name"; o_s digest "$ud_digest"; o_end
  done <<UNDENY
$S_UNDENY
UNDENY
  put_file "$R/series" "$S_series $S_run$NL"
  sync_disk
  done_ok
}

verb_eject() {
  need_run
  need_token
  lock tx || fail BUSY 'another change is under way'
  accepted "$Q_run"
  [ "$S_kind" = eject ] || fail BAD_SLICE "a slice of kind $S_kind does not eject"
  eject_state
  tx_open
  [ -z "$OPEN_TX" ] || fail BUSY "transaction $OPEN_TX is open"
  remove_all
  LOCKS=
  done_ok
}

# eject_state: the distribution's build of class C would start on what a newer version has migrated; somebody has to have said so.
eject_state() {
  committed_gen
  for es_link in "$R/gen/${GEN:-none}"/*; do
    gen_component "${GEN:-none}" "${es_link##*/}" && [ "$C_ADOPTED" = 0 ] && kv_get "$C_DIR/driver" class && [ "$KV" = C ] || continue
    state_choice "${es_link##*/}"
    [ "$CHOICE" = keep ] || fail PREFLIGHT "state: ${es_link##*/} $C_VERSION may have migrated its state; roll it back first, or let the slice say that the state is kept"
  done
}

# verb_gc: generations and bundles that nothing needs: not the committed ones, not the way back from them, not the
# adopted ones, not what a process runs from, not what an accepted slice still wants.
verb_gc() {
  need_run
  need_token
  lock tx || fail BUSY 'another change is under way'
  accepted "$Q_run"
  [ "$S_kind" = gc ] || fail BAD_SLICE "a slice of kind $S_kind collects nothing"
  tx_open
  [ -z "$OPEN_TX" ] || fail BUSY "transaction $OPEN_TX is open"
  committed_gen
  gc_keep=" $GEN 1 "
  if [ -n "$GEN" ] && kv_get "$R/gen/$GEN/.meta" prev && is_number "$KV"; then gc_keep="$gc_keep$KV "; fi
  gc_ever=0
  for gc_n in $(for gc_dir in "$R/gen"/*; do printf '%s\n' "${gc_dir##*/}"; done | sort -rn); do
    case $gc_keep in *" $gc_n "*) continue ;; esac
    if [ -e "$R/gen/$gc_n/.ever" ] && [ "$gc_ever" -lt 1 ]; then gc_ever=$((gc_ever + 1)); continue; fi
    # First what makes recovery trust it: a removal that is cut short leaves no generation with half of its links to fall back to.
    rm -f "$R/gen/$gc_n/.ever"
    rm -rf "${R:?}/gen/$gc_n"
  done
  gc_used=$(for gc_link in "$R/gen"/*/*; do readlink "$gc_link"; done 2>/dev/null)
  gc_wanted=$(gc_wants)
  # One process for all links of /proc; their names are numbers.
  # shellcheck disable=SC2012
  gc_running=$(ls -l /proc/[0-9]*/exe 2>/dev/null | sed -n "s|.* -> $R/store/||p")
  for gc_dir in "$R/store"/*/*; do
    [ -d "$gc_dir" ] || continue
    gc_name=${gc_dir#"$R/store/"}
    case $NL$gc_used$NL in *"/store/$gc_name$NL"*) continue ;; esac
    kv_get "$gc_dir/info" digest
    gc_digest=$KV
    case $NL$gc_wanted$NL in *"$NL$gc_digest$NL"*) continue ;; esac
    case $NL$gc_running in *"$NL$gc_name/"*) continue ;; esac
    gc_kib=$(du -sk "$gc_dir" | cut -f1)
    rm -f "$gc_dir/.complete"
    rm -rf "$gc_dir"
    o_new removed; o_s component "${gc_name%%/*}"; o_s digest "$gc_digest"; o_n bytes "$((gc_kib * 1024))"; o_end
  done
  snapshots_sweep
  [ "$S_snapshots" = 0 ] || gc_snapshots
  done_ok
}
# gc_snapshots: asked for by the slice: the copies of committed changes go too, and with them the way back of the state.
gc_snapshots() {
  for gs_dir in "$R/snap"/*; do
    [ -f "$gs_dir/index" ] || continue
    tx_state_of "${gs_dir##*/}"
    [ "$STATE_OF" = COMMIT ] || continue
    gs_kib=$(du -sk "$gs_dir" | cut -f1)
    gs_names=$(sed -n 's/^component \([^ ]*\) .*/\1/p' "$gs_dir/index" | tr '\n' ' ')
    snapshot_drop "$gs_dir"
    o_new removed; o_s component "${gs_names% }"; o_s snapshot "${gs_dir##*/}"; o_n bytes "$((gs_kib * 1024))"; o_end
  done
}
# gc_wants: digests of accepted slices that are newer than what is committed.
gc_wants() {
  series_high
  for gw_dir in "$R/runs"/*; do
    [ -f "$gw_dir/slice" ] && [ ! -e "$R/superseded/${gw_dir##*/}" ] || continue
    kv_get "$gw_dir/slice" series
    [ "$KV" -gt "$HIGH" ] || continue
    sed -n 's/^want\.[^=]*=[^ ]* //p' "$gw_dir/slice"
  done
}

verb_spool() {
  case $Q_op in
    ack)
      is_number "$Q_upto" || fail PROTOCOL 'upto is not a number'
      for sp_file in "$R/spool/new"/*; do
        [ -f "$sp_file" ] || continue
        spool_seq "$sp_file"
        [ "$SEQ" -le "$Q_upto" ] || break
        rm -f "$sp_file"
      done ;;
    read | '')
      sp_after=${Q_after:-0} sp_limit=${Q_limit:-100}
      is_number "$sp_after" && is_number "$sp_limit" && [ "$sp_limit" -le 1000 ] || fail PROTOCOL 'after or limit is not a number up to 1000'
      for sp_file in "$R/spool/new"/*; do
        [ -f "$sp_file" ] && [ "$sp_limit" -gt 0 ] || continue
        spool_seq "$sp_file"
        [ "$SEQ" -gt "$sp_after" ] || continue
        # A torn file is skipped, not the spool.
        sp_text=$(head -c 8192 "$sp_file")
        case $sp_text in '{"t":"event"'*'}') printf '%s\n' "$sp_text" >&4; sp_limit=$((sp_limit - 1)) ;; esac
      done ;;
    log)
      need_component
      sp_limit=${Q_limit:-100}
      is_number "$sp_limit" && [ "$sp_limit" -le 1000 ] || fail PROTOCOL 'limit is not a number up to 1000'
      sp_unit=$(sed -n 's/^unit //p' "$R/wired/$Q_component" 2>/dev/null)
      [ -n "$sp_unit" ] || fail PROTOCOL "no unit of $Q_component is managed here"
      # An escaped byte takes six: so many fit into a line of an answer.
      o_new log; o_s component "$Q_component"; o_s unit "$sp_unit"
      o_s text "$(sys_log "$sp_unit" "$sp_limit" 2>/dev/null | tail -c 10000)"; o_end ;;
    *) fail PROTOCOL 'op is none of read, ack, log' ;;
  esac
  done_ok
}
spool_seq() {
  SEQ=${1##*/}
  while :; do case $SEQ in 0?*) SEQ=${SEQ#0} ;; *) break ;; esac; done
}

check() { o_new check; o_s id "$1"; o_n ok "$2"; o_s detail "$3"; o_s hint "$4"; o_end; }
verb_doctor() {
  committed_gen
  active_gen
  if [ -n "$GEN" ]; then
    if gen_usable "$GEN"; then check committed true "generation $GEN is whole" ''; else check committed false "$WRONG_COMPONENT $WRONG" 'roll out again, or edgectl rollback'; fi
    if [ "$AGEN" = "$GEN" ] || [ -f "$V/trial" ]; then check active true "generation ${AGEN:-none}" ''; else check active false "generation ${AGEN:-none}, committed is $GEN" 'edgectl-node recover'; fi
  else
    check committed true 'nothing was adopted yet' ''
  fi
  if [ ! -L "$R/committed/kit" ] || [ -f "$V/trial" ]; then
    check kit true "$KIT_VERSION" ''
  elif kit_of "$R/committed" && [ "$CHOSEN" = "$KIT" ]; then
    check kit true "$KIT_VERSION, from generation ${GEN:-none}" ''
  else
    check kit false "the committed kit does not work, $KIT_VERSION answers in its place" 'edgectl rollout kit'
  fi
  free_kib "$R"
  if [ "$FREE" -ge $((RESERVE_KIB * 8)) ]; then check disk true "$FREE KiB free" ''; else check disk false "$FREE KiB free in $R" 'edgectl node gc'; fi
  if { true >"$R/.write"; } 2>/dev/null; then rm -f "$R/.write"; check writable true "$R" ''; else check writable false "$R cannot be written" 'look at the file system'; fi
  dr_held=
  for dr_file in "$R/held"/*; do [ ! -f "$dr_file" ] || [ -f "$V/trial" ] || dr_held="$dr_held ${dr_file##*/}"; done
  if [ -z "$dr_held" ]; then check held true 'no unit waits for its state' ''; else check held false "not started, because their state is not proven:$dr_held" 'edgectl-node recover; or roll out again'; fi
  if dr_text=$(sys_preflight); then check init true "$INIT" ''; else check init false "$dr_text" ''; fi
  if [ -s "$TRUST" ]; then check trust true "$(grep -c '^[^#]' "$TRUST") key(s) may sign" ''; else check trust false "$TRUST is empty" 'edgectl node prepare'; fi
  if clock_good; then check clock true "$(date -u '+%Y-%m-%d %H:%M:%S') UTC" ''; else check clock false "the clock says $(date -u '+%Y-%m-%d %H:%M:%S') UTC" 'expiry is not checked until the clock is right'; fi
  done_ok
}
