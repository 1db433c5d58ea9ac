# sig_ok NAMESPACE FILE SIGNATURE: is FILE signed by a key that this node trusts for NAMESPACE?
sig_ok() {
  [ -f "$TRUST" ] || return 1
  so_names=$(ssh-keygen -Y find-principals -s "$3" -f "$TRUST" 2>/dev/null </dev/null) || return 1
  set -f
  IFS=",$NL"
  # shellcheck disable=SC2086
  set -- "$1" "$2" "$3" $so_names
  unset IFS
  set +f
  so_ns=$1 so_file=$2 so_sig=$3
  shift 3
  for so_who; do
    case $so_who in *[*?]*) so_who=edgectl ;; esac
    if ssh-keygen -Y verify -f "$TRUST" -I "$so_who" -n "$so_ns" -s "$so_sig" <"$so_file" >/dev/null 2>&1; then
      return 0
    fi
  done
  return 1
}

# merkle_root SLICEFILE PROOFFILE: sets ROOT to what leaf and proof give; fails when the proof cannot be read.
merkle_root() {
  ROOT=$({ printf 'leaf\n'; cat "$1"; } | sha256sum)
  ROOT=${ROOT%% *}
  while IFS=' ' read -r mr_side mr_hex || [ -n "$mr_side" ]; do
    is_sha256 "$mr_hex" || return 1
    case $mr_side in
      L) sha_text "node$NL$mr_hex$NL$ROOT$NL" ;;
      R) sha_text "node$NL$ROOT$NL$mr_hex$NL" ;;
      *) return 1 ;;
    esac
    ROOT=$SHA
  done <"$2"
}

# canonical FILE: lines `key=value`, strictly sorted by key, each ended by a newline, no control characters.
canonical() {
  [ -s "$1" ] || return 1
  [ -z "$(tail -c 1 "$1")" ] || return 1
  ! grep -q '[[:cntrl:]]' "$1" || return 1
  ! grep -qv '^[a-z0-9][a-z0-9._-]*=' "$1" || return 1
  ca_keys=$(cut -d= -f1 "$1")
  [ "$ca_keys" = "$(printf '%s\n' "$ca_keys" | sort -u)" ]
}

# slice_load FILE: sets S_*; S_WANTS holds `component version digest` lines. Fails when it is not a slice.
slice_load() {
  S_version='' S_run='' S_fleet='' S_node='' S_series='' S_expires='' S_kind='' S_emergency=0 S_snapshots=0 S_window=90 S_passes=5 S_cap=300 S_confirm=300
  S_WANTS='' S_UNDENY='' S_STATES=''
  canonical "$1" || return 1
  while IFS= read -r sl_line; do
    sl_value=${sl_line#*=}
    case ${sl_line%%=*} in
      edgectl-slice) S_version=$sl_value ;;
      run) S_run=$sl_value ;;
      fleet) S_fleet=$sl_value ;;
      node) S_node=$sl_value ;;
      series) S_series=$sl_value ;;
      expires) S_expires=$sl_value ;;
      kind) S_kind=$sl_value ;;
      emergency) S_emergency=$sl_value ;;
      gc.snapshots) S_snapshots=$sl_value ;;
      health.window) S_window=$sl_value ;;
      health.passes) S_passes=$sl_value ;;
      health.cap) S_cap=$sl_value ;;
      confirm.window) S_confirm=$sl_value ;;
      state.*)
        sl_name=${sl_line%%=*}
        sl_name=${sl_name#state.}
        is_component "$sl_name" || return 1
        case $sl_value in keep | restore) ;; *) return 1 ;; esac
        S_STATES="$S_STATES$sl_name $sl_value$NL" ;;
      want.*) slice_want "${sl_line%%=*}" "$sl_value" || return 1 ;;
      undeny.*)
        sl_name=${sl_line%%=*}
        sl_name=${sl_name#undeny.}
        is_component "$sl_name" && [ -n "$sl_value" ] || return 1
        set -f
        for sl_digest in $sl_value; do
          is_sha256 "$sl_digest" || { set +f; return 1; }
          S_UNDENY="$S_UNDENY$sl_name $sl_digest$NL"
        done
        set +f ;;
    esac
  done <"$1"
  [ "$S_version" = 1 ] && is_run "$S_run" && is_number "$S_series" && is_number "$S_expires" || return 1
  for sl_value in "$S_window" "$S_passes" "$S_cap" "$S_confirm"; do
    is_number "$sl_value" && [ "$sl_value" -le 86400 ] || return 1
  done
  [ "$S_cap" -ge 1 ] && [ "$S_passes" -ge 1 ] && [ "$S_window" -le "$S_cap" ] || return 1
  case $S_emergency$S_snapshots in [01][01]) ;; *) return 1 ;; esac
  case $S_kind in
    update | rollback) [ -n "$S_WANTS" ] ;;
    undeny) [ -n "$S_UNDENY" ] ;;
    eject | gc) ;;
    *) return 1 ;;
  esac
}
slice_want() {
  sw_name=${1#want.}
  is_component "$sw_name" || return 1
  if [ "$2" = none ]; then S_WANTS="$S_WANTS$sw_name none none$NL"; return 0; fi
  sw_version=${2%% *} sw_digest=${2#* }
  is_name "$sw_version" && is_sha256 "$sw_digest" || return 1
  S_WANTS="$S_WANTS$sw_name $sw_version $sw_digest$NL"
}

# slice_want_of COMPONENT: sets W_VERSION and W_DIGEST from the loaded slice.
slice_want_of() {
  W_VERSION='' W_DIGEST=''
  while read -r wo_name wo_version wo_digest; do
    if [ "$wo_name" = "$1" ]; then W_VERSION=$wo_version W_DIGEST=$wo_digest; return 0; fi
  done <<WANTS
$S_WANTS
WANTS
  return 1
}

# series_high: sets HIGH to the highest series committed here, HIGH_RUN to its run. The pointer and its generation beat the cache.
series_high() {
  HIGH=0 HIGH_RUN=''
  if [ -f "$R/series" ]; then read -r HIGH HIGH_RUN <"$R/series" || :; fi
  is_number "$HIGH" || HIGH=0
  committed_gen
  if [ -n "$GEN" ] && kv_get "$R/gen/$GEN/.meta" series && is_number "$KV" && [ "$KV" -gt "$HIGH" ]; then
    HIGH=$KV
    if kv_get "$R/gen/$GEN/.meta" run; then HIGH_RUN=$KV; fi
  fi
}

# authority DIR: is what stands in DIR an authority for this node? Says no by itself; afterwards S_* are loaded.
authority() {
  slice_load "$1/slice" || fail BAD_SLICE 'the slice cannot be read'
  sig_ok edgectl-plan "$1/statement" "$1/statement.sig" || fail BAD_SIGNATURE 'the plan is not signed by a key that this node trusts'
  canonical "$1/statement" && kv_get "$1/statement" edgectl-plan && [ "$KV" = 1 ] || fail BAD_SLICE 'the plan statement cannot be read'
  merkle_root "$1/slice" "$1/proof" || fail BAD_PROOF 'the proof cannot be read'
  kv_get "$1/statement" root
  [ "$KV" = "$ROOT" ] || fail BAD_PROOF "leaf and proof give $ROOT, the plan says $KV"
  kv_get "$1/statement" fleet
  [ "$S_fleet" = "$FLEET" ] && [ "$KV" = "$FLEET" ] || fail WRONG_FLEET "this node belongs to fleet $FLEET"
  [ "$S_node" = "$NODE" ] || fail WRONG_NODE "this node is $NODE, the slice is for $S_node"
  for au_key in run series expires; do
    kv_get "$1/statement" "$au_key"
    eval "[ \"\$KV\" = \"\$S_$au_key\" ]" || fail BAD_SLICE "slice and statement differ in $au_key"
  done
  [ ! -e "$R/superseded/$S_run" ] || fail SUPERSEDED "run $S_run was superseded by a newer one"
  series_high
  [ "$S_series" -gt "$HIGH" ] || [ "$S_run" = "$HIGH_RUN" ] || fail OLD_SERIES "series $S_series is not above $HIGH, which was committed by run $HIGH_RUN"
  if clock_good && [ "$NOW" -gt "$S_expires" ]; then fail EXPIRED "the slice expired $((NOW - S_expires)) s ago"; fi
}

# accepted RUN: the authority that was accepted for a run, checked again.
accepted() {
  [ -d "$R/runs/$1" ] || fail NO_SLICE "no slice was accepted for run $1"
  authority "$R/runs/$1"
  [ "$S_run" = "$1" ] || fail BAD_SLICE 'the stored slice is of another run'
}
