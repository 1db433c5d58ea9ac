# The kit as a component of the generation: it is changed by the same transaction as a runtime, under the eyes of the one before it.

# pin_kit: what is done for a change from here on is done by the committed copy, which stays in the store whatever becomes of the change.
pin_kit() {
  if kit_of "$R/committed"; then KIT=$CHOSEN; else KIT=$ENTRY; fi
}

# preflight_kit: a new kit comes alone, so that what is undone with it is only it, and brings nothing but itself.
preflight_kit() {
  slice_want_of kit || return 0
  [ "$S_WANTS" = "kit $W_VERSION $W_DIGEST$NL" ] || fail PREFLIGHT 'kit: it is changed alone, not together with a runtime'
  [ "$W_DIGEST" != none ] || return 0
  store_find kit "$W_DIGEST"
  [ -x "$DIR/files/edgectl-node" ] || fail PREFLIGHT 'kit: the bundle holds no edgectl-node'
  if grep -q -e '^link' -e '^service' -e '^state' "$DIR/driver"; then fail PREFLIGHT 'kit: its driver has links, a service or state'; fi
}

# kit_fits: does the kit that says VERSION_TEXT belong on this node, and is there a version of the protocol that both know? Sets WRONG.
kit_fits() {
  set -f
  # shellcheck disable=SC2086
  set -- $VERSION_TEXT
  set +f
  WRONG="the new kit does not say what it speaks: $VERSION_TEXT"
  [ "${1-}" = edgectl-node ] && [ "${3-}" = protocol ] && [ $# = 5 ] || return 1
  WRONG="the new kit is for $5, this node has $INIT"
  [ "$5" = "$INIT" ] || return 1
  WRONG="the new kit speaks protocol $4, this one $PROTOCOL_MIN-$PROTOCOL_MAX"
  is_number "${4%%-*}" && is_number "${4#*-}" && [ "${4%%-*}" -le "$PROTOCOL_MAX" ] && [ "${4#*-}" -ge "$PROTOCOL_MIN" ] || return 1
  WRONG="the new kit speaks protocol $4 and could not be changed again"
  [ "${4#*-}" -ge 2 ]
}

kit_line() {
  o_new kit; o_s version "$KIT_VERSION"; o_n protocol_min "$PROTOCOL_MIN"; o_n protocol_max "$PROTOCOL_MAX"
  [ -z "$1" ] || o_s source "$1"
  o_end
}
# kit_source: sets SHA to what tells one kit from another: its text, but for the time at which it was built.
kit_source() {
  SHA=$(sed '/^KIT_BUILT=/d' "$KIT" | sha256sum)
  SHA=${SHA%% *}
}

# verb_prove: run by the old kit's runner against the new one: can this copy do what a node relies on? It must accept what is signed and
# refuse what is not, read the journal and the generations of the old one, write, and see the units that guard the trial.
verb_prove() {
  kv_get "$V/trial" tx && tx_load "$KV" || fail DAMAGED 'the trial cannot be read'
  case $TX_STATE in TRIAL | HEALTHY | AWAIT) ;; *) fail DAMAGED "the trial is in state ${TX_STATE:-unknown}" ;; esac
  pr_dir=$R/runs/$TX_RUN
  slice_load "$pr_dir/slice" || fail BAD_SLICE 'the accepted slice cannot be read'
  sig_ok edgectl-plan "$pr_dir/statement" "$pr_dir/statement.sig" || fail BAD_SIGNATURE 'a good signature is refused'
  if sig_ok edgectl-policy "$pr_dir/statement" "$pr_dir/statement.sig"; then fail BAD_SIGNATURE 'a signature for something else is accepted'; fi
  if sig_ok edgectl-plan "$pr_dir/slice" "$pr_dir/statement.sig"; then fail BAD_SIGNATURE 'a signature of another text is accepted'; fi
  merkle_root "$pr_dir/slice" "$pr_dir/proof" && kv_get "$pr_dir/statement" root && [ "$KV" = "$ROOT" ] || fail BAD_PROOF 'a good proof is refused'
  gen_component "$TX_GEN" kit || fail DAMAGED 'the generation on trial has no kit'
  [ "$C_ADOPTED" = 1 ] || sig_ok edgectl-kit "$C_DIR/statement" "$C_DIR/statement.sig" || fail BAD_SIGNATURE 'the signature of this kit is refused'
  active_gen
  [ "$AGEN" = "$TX_GEN" ] || fail DAMAGED "active is generation ${AGEN:-none}, the trial is of $TX_GEN"
  committed_gen
  [ -n "$GEN" ] && gen_usable "$GEN" || fail DAMAGED 'the committed generation is not seen to be whole'
  put_file "$R/.proof" "$BOOT" && rm -f "$R/.proof" && put_file "$V/.proof" "$BOOT" && rm -f "$V/.proof" || fail READ_ONLY 'it cannot write'
  # The sandbox's init is asked over a descriptor that nothing under probe gets.
  if [ "$INIT" = systemd ]; then
    sys_running edgectl-tx || fail DAMAGED 'the runner of the trial is not seen'
    sys_timer_active edgectl-deadman || fail DAMAGED 'the dead-man is not seen'
  fi
  kit_line ''
}
