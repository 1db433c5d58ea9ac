verb_stage() {
  need_run
  need_token
  mkdir -p "$V" "$R/staging" 2>/dev/null || fail READ_ONLY "$R cannot be written"
  case $Q_op in
    slice) stage_slice ;;
    offer) stage_offer ;;
    put) stage_put ;;
    finish) stage_finish ;;
    *) fail PROTOCOL 'op is none of slice, offer, put, finish' ;;
  esac
  done_ok
}

# stage_slice: accept what gives a run its authority, or say why not; nothing is kept of what is refused.
stage_slice() {
  ss_new=$R/staging/run.$Q_run
  rm -rf "$ss_new"
  mkdir -p "$ss_new" || fail NO_SPACE 'no space for the slice'
  if ! { printf '%s' "$Q_slice" >"$ss_new/slice" && printf '%s' "$Q_proof" >"$ss_new/proof" &&
    printf '%s' "$Q_statement" >"$ss_new/statement" && printf '%s' "$Q_signature" >"$ss_new/statement.sig"; } 2>/dev/null; then
    rm -rf "$ss_new"
    fail NO_SPACE 'no space for the slice'
  fi
  trap 'rm -rf "$ss_new"; at_exit' EXIT
  authority "$ss_new"
  [ "$S_run" = "$Q_run" ] || fail BAD_SLICE "the slice is of run $S_run"
  supersede_check
  if [ -d "$R/runs/$Q_run" ]; then
    cmp -s "$ss_new/slice" "$R/runs/$Q_run/slice" || fail BAD_SLICE 'another slice of this run was accepted before'
    rm -rf "$ss_new"
  else
    mkdir -p "$R/runs" && sync_disk && mv -fT "$ss_new" "$R/runs/$Q_run" || fail NO_SPACE 'no space for the slice'
    supersede_older
    sync_disk
  fi
  leaf=$({ printf 'leaf\n'; cat "$R/runs/$Q_run/slice"; } | sha256sum)
  o_new slice; o_s run "$Q_run"; o_s leaf "${leaf%% *}"; o_end
}

# shares_component FILE: does the slice in FILE touch a component that the loaded one touches?
shares_component() {
  while read -r sc_name _; do
    [ -n "$sc_name" ] && grep -q "^want\\.$sc_name=" "$1" && return 0
  done <<WANTS
$S_WANTS
WANTS
  return 1
}

# supersede_check: an older run never comes after a newer one that is pending on the same components.
supersede_check() {
  for su_dir in "$R/runs"/*; do
    su_run=${su_dir##*/}
    [ -f "$su_dir/slice" ] && [ "$su_run" != "$S_run" ] && [ ! -e "$R/superseded/$su_run" ] || continue
    kv_get "$su_dir/slice" series
    if [ "$KV" -gt "$S_series" ] && shares_component "$su_dir/slice"; then fail SUPERSEDED "run $su_run is newer and was accepted here"; fi
  done
}

# supersede_older: older runs that have not committed here may not act any more; one whose trial is open is left to its end.
supersede_older() {
  for su_dir in "$R/runs"/*; do
    su_run=${su_dir##*/}
    [ -f "$su_dir/slice" ] && [ "$su_run" != "$S_run" ] && [ ! -e "$R/superseded/$su_run" ] || continue
    kv_get "$su_dir/slice" series
    [ "$KV" -lt "$S_series" ] && shares_component "$su_dir/slice" || continue
    for su_tx in "$R/tx/$su_run".*; do
      [ -d "$su_tx" ] || continue
      tx_load "${su_tx##*/}"
      case $TX_STATE in COMMIT | ABORT | REVERTED | BROKEN) ;; *) continue 2 ;; esac
      [ "$TX_STATE" != COMMIT ] || continue 2
    done
    mkdir -p "$R/superseded" && put_file "$R/superseded/$su_run" "by=$S_run$NL"
  done
}

# stage_want: the loaded slice of this run wants Q_component; sets W_VERSION, W_DIGEST and PART.
stage_want() {
  need_component
  [ -d "$R/runs/$Q_run" ] || fail NO_SLICE "no slice was accepted for run $Q_run"
  [ ! -e "$R/superseded/$Q_run" ] || fail SUPERSEDED "run $Q_run was superseded by a newer one"
  slice_load "$R/runs/$Q_run/slice" && slice_want_of "$Q_component" || fail BAD_SLICE "the slice does not want $Q_component"
  PART=$R/staging/$W_DIGEST.part
}
part_size() {
  PART_SIZE=0
  [ -f "$PART" ] || return 0
  PART_SIZE=$(wc -c <"$PART")
  PART_SIZE=$((PART_SIZE))
}

stage_offer() {
  stage_want
  so_have=false so_offset=0
  if [ "$W_DIGEST" = none ]; then
    so_have=true
  else
    not_denied "$Q_component" "$W_DIGEST"
    if store_find "$Q_component" "$W_DIGEST"; then so_have=true; else part_size; so_offset=$PART_SIZE; fi
  fi
  o_new offer; o_s component "$Q_component"; o_s digest "$W_DIGEST"; o_n have "$so_have"; o_n offset "$so_offset"; o_end
}
not_denied() {
  [ -e "$R/denied/$1/$2" ] || return 0
  kv_get "$R/denied/$1/$2" why
  fail DENIED "$1 $2 failed here before ($KV); a signed undeny lifts it"
}

# Room that an update must leave: journals, events and the way back need some.
RESERVE_KIB=8192

stage_put() {
  stage_want
  [ "$W_DIGEST" != none ] || fail PROTOCOL 'nothing is to be sent for this component'
  is_number "$Q_offset" && is_number "$Q_size" || fail PROTOCOL 'offset or size is not a number'
  part_size
  [ "$Q_offset" -le "$PART_SIZE" ] || fail PROTOCOL "offset $Q_offset is beyond the $PART_SIZE bytes that are here"
  free_kib "$R"
  pu_need=$((Q_size / 1024 + RESERVE_KIB))
  [ "$FREE" -ge "$pu_need" ] || fail NO_SPACE "$FREE KiB free in $R, $pu_need KiB needed"
  fp 1 #@lab
  if [ "$Q_offset" -lt "$PART_SIZE" ]; then
    dd if=/dev/null of="$PART" bs=1 seek="$Q_offset" count=0 2>/dev/null || truncate -s "$Q_offset" "$PART" || fail READ_ONLY "$PART cannot be written"
  fi
  { head -c "$Q_size" >>"$PART"; } 2>/dev/null || { rm -f "$PART"; fail NO_SPACE "no space left in $R"; }
  fp 2 #@lab
  part_size
  o_new put; o_s component "$Q_component"; o_n offset "$PART_SIZE"; o_end
  [ "$PART_SIZE" = $((Q_offset + Q_size)) ] || fail PROTOCOL "the payload ended after $((PART_SIZE - Q_offset)) of $Q_size bytes"
}

# stage_finish: digest, signature, agreement, architecture, and only then unpack; MANIFEST before anything may be executed.
stage_finish() {
  stage_want
  not_denied "$Q_component" "$W_DIGEST"
  if store_find "$Q_component" "$W_DIGEST"; then staged_line; return 0; fi
  [ -f "$PART" ] || fail UNKNOWN_STEP "nothing of $Q_component was sent"
  lock finish || fail BUSY 'another bundle is being unpacked'
  sf_dir=$R/staging/$W_DIGEST.d
  sf_text=$R/staging/$W_DIGEST.s
  rm -rf "$sf_dir" "$sf_text"
  trap 'rm -rf "$sf_dir" "$sf_text"; at_exit' EXIT
  sha_file "$PART"
  if [ "$SHA" != "$W_DIGEST" ]; then
    rm -f "$PART"
    fail DIGEST_MISMATCH "what came is $SHA, the slice wants $W_DIGEST"
  fi
  mkdir "$sf_dir" "$sf_text" && { printf '%s' "$Q_statement" >"$sf_text/statement" && printf '%s' "$Q_signature" >"$sf_text/statement.sig"; } 2>/dev/null ||
    fail NO_SPACE "no space left in $R"
  # Who may sign a runtime may not sign what verifies it.
  sf_namespace=edgectl-runtime
  [ "$Q_component" != kit ] || sf_namespace=edgectl-kit
  sig_ok "$sf_namespace" "$sf_text/statement" "$sf_text/statement.sig" || fail BAD_SIGNATURE "the bundle of $Q_component is not signed by a key that this node trusts"
  statement_agrees "$sf_text/statement"
  fp 3 #@lab
  unpack
  fp 4 #@lab
  mv -f "$sf_text/statement" "$sf_text/statement.sig" "$sf_dir/" || fail NO_SPACE "no space left in $R"
  store_put "$sf_dir" "$Q_component" "$W_VERSION" "$W_DIGEST" 0 || fail NO_SPACE "no space left in $R"
  fp 5 #@lab
  sync_disk
  rm -f "$PART"
  unlock finish
  staged_line
}
staged_line() { o_new staged; o_s component "$Q_component"; o_s version "$W_VERSION"; o_s digest "$W_DIGEST"; o_end; }

# statement_agrees FILE: the bundle statement says what the slice says, for this architecture.
statement_agrees() {
  canonical "$1" && kv_get "$1" edgectl-bundle && [ "$KV" = 1 ] || fail BAD_BUNDLE 'the bundle statement cannot be read'
  kv_get "$1" sha256
  [ "$KV" = "$W_DIGEST" ] || fail DIGEST_MISMATCH "the statement is of $KV, the slice wants $W_DIGEST"
  kv_get "$1" component
  [ "$KV" = "$Q_component" ] || fail BAD_BUNDLE "the bundle is of $KV"
  kv_get "$1" version
  [ "$KV" = "$W_VERSION" ] || fail BAD_BUNDLE "the bundle is version $KV, the slice wants $W_VERSION"
  kv_get "$1" size
  part_size
  [ "$KV" = "$PART_SIZE" ] || fail BAD_BUNDLE "the bundle has $PART_SIZE bytes, its statement says $KV"
  kv_get "$1" arch
  arch_name
  [ "$KV" = all ] || [ "$KV" = "$ARCH" ] || fail WRONG_ARCH "the bundle is for $KV, this node is $ARCH"
}

# unpack: PART into sf_dir; refuses what could write outside of it.
unpack() {
  up_names=$(tar -tzf "$PART" 2>/dev/null) || fail BAD_BUNDLE 'the archive cannot be read'
  up_types=$(tar -tvzf "$PART" 2>/dev/null | cut -c1 | sort -u | tr -d '\n')
  case $up_types in *[!dl-]*) fail BAD_BUNDLE 'the archive holds something that is neither file, directory nor symbolic link' ;; esac
  if tar -tvzf "$PART" 2>/dev/null | grep -q -e ' link to ' -e '^-.* -> '; then fail BAD_BUNDLE 'the archive holds a hard link'; fi
  if printf '%s\n' "$up_names" | grep -q -e '^/' -e '^\.\./' -e '/\.\./' -e '/\.\.$' -e '^\.\.$'; then fail BAD_BUNDLE 'the archive names a path outside of itself'; fi
  if printf '%s\n' "$up_names" | grep -qv -e '^\(\./\)\{0,1\}\(MANIFEST\|driver\|files\(/.*\)\{0,1\}\)$' -e '^\./$'; then fail BAD_BUNDLE 'the archive holds more than MANIFEST, driver and files'; fi
  free_kib "$R"
  part_size
  [ "$FREE" -ge $((PART_SIZE / 512 + RESERVE_KIB)) ] || fail NO_SPACE "$FREE KiB free in $R, $((PART_SIZE / 512 + RESERVE_KIB)) KiB needed to unpack"
  if ! tar -xzopf "$PART" -C "$sf_dir" 2>/dev/null; then
    free_kib "$R"
    [ "$FREE" -gt 1024 ] || fail NO_SPACE "no space left in $R"
    fail BAD_BUNDLE 'the archive cannot be unpacked'
  fi
  manifest_ok "$sf_dir" || fail BAD_BUNDLE 'the contents are not those of MANIFEST'
  kv_get "$sf_dir/driver" component
  [ "$KV" = "$Q_component" ] || fail BAD_BUNDLE "the driver is of $KV"
  # A runtime's signer must not get at the kit or at its trust by way of a link.
  if driver_lines "$sf_dir" link | cut -d' ' -f1 | grep -q -e '/edgectl' -e '/\.\.\{0,1\}/' -e '//' -e '^[^/]' || grep -q '^service=edgectl' "$sf_dir/driver"; then fail BAD_BUNDLE 'the driver links over what is edgectl'\''s own'; fi
}
