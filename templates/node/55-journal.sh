# A transaction's journal: one line a state, `v1 STATE boot= up= seq= k=v… #<sha256[0:16]>`; a torn tail was not written.
# A copy in V makes the state readable when the disk is full; the durable one counts after a boot.

# journal TX STATE [k=v]…: fails when it could not be written durably (the copy in V still is).
journal() {
  jo_tx=$1 jo_state=$2
  shift 2
  up_now
  TX_SEQ=$((TX_SEQ + 1))
  jo_line="v1 $jo_state boot=$BOOT up=$UP seq=$TX_SEQ"
  while [ $# -gt 0 ]; do jo_line="$jo_line $1"; shift; done
  sha_text "$jo_line"
  jo_line="$jo_line #${SHA%"${SHA#????????????????}"}"
  TX_STATE=$jo_state TX_UP=$UP TX_BOOT=$BOOT
  mkdir -p "$V/tx/$jo_tx" && printf '%s\n' "$jo_line" >>"$V/tx/$jo_tx/journal"
  # A torn line of before must not swallow this one.
  if [ -s "$R/tx/$jo_tx/journal" ] && [ -n "$(tail -c 1 "$R/tx/$jo_tx/journal")" ]; then jo_line=$NL$jo_line; fi
  if ! { printf '%s\n' "$jo_line" >>"$R/tx/$jo_tx/journal"; } 2>/dev/null; then
    rm -f "$R/tx/$jo_tx/reserve"
    { printf '\n%s\n' "$jo_line" >>"$R/tx/$jo_tx/journal"; } 2>/dev/null || return 1
  fi
  sync_disk
}

# tx_load TX: sets TX_*: STATE (empty when unknown), WHY, GEN, BOOT, UP, SEQ, RUN, STEP, LATE.
tx_load() {
  TX=$1
  TX_STATE='' TX_WHY='' TX_GEN='' TX_BOOT='' TX_UP=0 TX_SEQ=0 TX_RUN='' TX_STEP='' TX_LATE=''
  [ -d "$R/tx/$1" ] || return 1
  if kv_get "$R/tx/$1/spec" run; then TX_RUN=$KV; fi
  if kv_get "$R/tx/$1/spec" step; then TX_STEP=$KV; fi
  journal_read "$R/tx/$1/journal"
  journal_read "$V/tx/$1/journal"
  [ -n "$TX_STATE" ]
}

journal_read() {
  [ -f "$1" ] || return 0
  while IFS= read -r jr_line; do
    case $jr_line in
      "v1 "*" #"????????????????) ;;
      *) continue ;;
    esac
    jr_seq=${jr_line#* seq=}
    jr_seq=${jr_seq%% *}
    is_number "$jr_seq" && [ "$jr_seq" -gt "$TX_SEQ" ] || continue
    journal_line_ok "$jr_line" || continue
    TX_SEQ=$jr_seq
    set -f
    # shellcheck disable=SC2086
    set -- $jr_line
    set +f
    TX_STATE=$2
    shift 2
    for jr_word; do
      case $jr_word in
        boot=*) TX_BOOT=${jr_word#*=} ;;
        up=*) TX_UP=${jr_word#*=} ;;
        gen=*) TX_GEN=${jr_word#*=} ;;
        why=*) TX_WHY=${jr_word#*=} ;;
        late=*) TX_LATE=${jr_word#*=} ;;
      esac
    done
  done <"$1"
}
journal_line_ok() {
  jl_body=${1% #*}
  sha_text "$jl_body"
  case $SHA in "${1##* #}"*) return 0 ;; esac
  return 1
}

tx_closed() {
  case $TX_STATE in COMMIT | ABORT | REVERTED | BROKEN) return 0 ;; esac
  return 1
}

# tx_open: sets OPEN_TX to the transaction that is open, empty when none is; cleans up after one whose runner is gone.
tx_open() {
  OPEN_TX=
  for to_dir in "$R/tx"/*; do
    [ -d "$to_dir" ] && [ ! -e "$to_dir/closed" ] || continue
    tx_load "${to_dir##*/}" || continue
    if tx_closed; then true 2>/dev/null >"$to_dir/closed"; continue; fi
    if sys_running edgectl-tx; then OPEN_TX=${to_dir##*/}; return 0; fi
    settle_tx "${to_dir##*/}" runner-died
  done
  return 0
}

# tx_deadline: sets LEFT to the seconds that the open trial may still last, empty when there is none.
tx_deadline() {
  LEFT=
  kv_get "$V/trial" tx && [ "$KV" = "$1" ] || return 0
  kv_get "$V/trial" deadline
  up_now
  LEFT=$((KV - UP))
}

# tx_replaced: adds what the transaction's generation replaced, `null` where there was nothing, and its series: what a rollback goes
# back to. A generation that is no longer here says nothing.
tx_replaced() {
  [ -n "$TX_GEN" ] && kv_get "$R/gen/$TX_GEN/.meta" series || return 0
  o_n slice_series "$KV"
  kv_get "$R/gen/$TX_GEN/.meta" prev || return 0
  tr_prev=$KV
  [ -z "$tr_prev" ] || [ -d "$R/gen/$tr_prev" ] || return 0
  tr_text=
  changed_components "$tr_prev" "$TX_GEN"
  for tr_name in $CHANGED; do
    json_str "$tr_name"
    tr_text="$tr_text${tr_text:+,}$JSTR:"
    if gen_component "${tr_prev:-none}" "$tr_name"; then
      json_str "$C_VERSION"
      tr_text="$tr_text{\"version\":$JSTR,\"digest\":\"$C_DIGEST\"}"
    else
      tr_text="${tr_text}null"
    fi
  done
  o_n replaced "{$tr_text}"
}

# tx_line TX: a transaction as the operator sees it.
tx_line() {
  tx_load "$1" || return 1
  o_new tx; o_s tx "$1"; o_s run "$TX_RUN"; o_s step "$TX_STEP"; o_s state "$TX_STATE"
  [ -z "$TX_WHY" ] || o_s why "$TX_WHY"
  o_s boot "$TX_BOOT"; o_n up "$TX_UP"; o_n seq "$TX_SEQ"
  up_now
  if [ "$TX_BOOT" = "$BOOT" ]; then o_n since "$((UP - TX_UP))"; fi
  if ! tx_closed; then
    tx_deadline "$1"
    [ -z "$LEFT" ] || o_n deadline_left "$LEFT"
  fi
  [ -z "$TX_LATE" ] || o_n late true
  if [ "$TX_STATE" = COMMIT ]; then tx_replaced; fi
  for tl_file in "$V/tx/$1/progress" "$R/tx/$1/progress"; do
    [ -f "$tl_file" ] || continue
    if kv_get "$tl_file" passes; then o_n passes "$KV"; fi
    if kv_get "$tl_file" health && [ -n "$KV" ]; then o_s health "$KV"; fi
    break
  done
  for tl_file in "$V/tx/$1/log" "$R/tx/$1/log"; do
    [ -s "$tl_file" ] || continue
    o_s log "$(tail -c 4000 "$tl_file")"
    break
  done
  o_end
}
