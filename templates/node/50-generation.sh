# A generation: R/gen/<n>/<component> → store. `.meta` says where it comes from, `.ever` that it was once committed.

# committed_gen: sets GEN to the committed generation's number, empty when the pointer leads nowhere.
committed_gen() {
  GEN=$(readlink "$R/committed" 2>/dev/null)
  GEN=${GEN#gen/}
  is_number "$GEN" && [ -d "$R/gen/$GEN" ] || GEN=
}

# active_gen: sets AGEN to the active generation's number, empty when the pointer leads nowhere.
active_gen() {
  AGEN=$(readlink "$ACTIVE" 2>/dev/null)
  case $AGEN in
    "$R/gen/"*) AGEN=${AGEN#"$R/gen/"} ;;
    "$R/committed" | "$P/var/lib/edgectl/committed") committed_gen; AGEN=$GEN ;;
    *) AGEN= ;;
  esac
  [ -z "$AGEN" ] || [ -d "$R/gen/$AGEN" ] || AGEN=
}

# gen_component N COMPONENT: sets C_DIR, C_VERSION, C_DIGEST, C_ADOPTED; fails when the generation has none.
gen_component() {
  C_DIR=$R/gen/$1/$2 C_VERSION='' C_DIGEST='' C_ADOPTED=0
  [ -L "$C_DIR" ] && [ -f "$C_DIR/info" ] || return 1
  while IFS= read -r gc_line; do
    case $gc_line in
      version=*) C_VERSION=${gc_line#*=} ;;
      digest=*) C_DIGEST=${gc_line#*=} ;;
      adopted=*) C_ADOPTED=${gc_line#*=} ;;
    esac
  done <"$C_DIR/info"
}

# gen_next: sets NEWGEN to a number that was never used.
gen_next() {
  NEWGEN=0
  for gn_dir in "$R/gen"/*; do
    gn_n=${gn_dir##*/}
    if is_number "$gn_n" && [ "$gn_n" -gt "$NEWGEN" ]; then NEWGEN=$gn_n; fi
  done
  if [ -f "$R/gen/.last" ]; then read -r gn_n <"$R/gen/.last" && is_number "$gn_n" && [ "$gn_n" -gt "$NEWGEN" ] && NEWGEN=$gn_n; fi
  NEWGEN=$((NEWGEN + 1))
}

# gen_begin BASE: a new generation in R/gen/.new with the components of BASE (which may be empty).
gen_begin() {
  rm -rf "$R/gen/.new"
  mkdir -p "$R/gen/.new" || return 1
  [ -n "$1" ] || return 0
  for gb_link in "$R/gen/$1"/*; do
    [ -L "$gb_link" ] || continue
    ln -s "$(readlink "$gb_link")" "$R/gen/.new/${gb_link##*/}" || return 1
  done
}
# gen_put COMPONENT STOREDIR: replace or add.
gen_put() { rm -f "$R/gen/.new/$1" && ln -s "../../store/$1/${2##*/}" "$R/gen/.new/$1"; }
gen_drop() { rm -f "$R/gen/.new/$1"; }
# gen_end RUN SERIES PREVIOUS: give it its number, durably. Sets NEWGEN.
gen_end() {
  gen_next
  printf 'prev=%s\nrun=%s\nseries=%s\n' "$3" "$1" "$2" 2>/dev/null >"$R/gen/.new/.meta" || return 1
  put_file "$R/gen/.last" "$NEWGEN$NL" || return 1
  sync_disk
  mv -fT "$R/gen/.new" "$R/gen/$NEWGEN" || return 1
  sync_disk
}

# gen_commit N: the one durable decision. Fails without having decided when the pointer could not be made durable.
gen_commit() {
  gc_old=$(readlink "$R/committed" 2>/dev/null)
  rm -f "$R/.committed.new"
  ln -s "gen/$1" "$R/.committed.new" || return 1
  [ -z "$RUNNER_TX" ] || fp 13 #@lab
  #@lab
  if lab_has nonatomic; then
    rm -f "$R/committed"
    [ -z "$RUNNER_TX" ] || fp 14
  fi
  #@end
  mv -fT "$R/.committed.new" "$R/committed" || return 1
  [ -z "$RUNNER_TX" ] || fp 14 #@lab
  # A decision that may not last is none: nothing was acknowledged, so the pointer goes back.
  if ! sync_disk; then
    if [ -n "$gc_old" ]; then point "$R/committed" "$gc_old"; else rm -f "$R/committed"; fi
    return 1
  fi
  [ -z "$RUNNER_TX" ] || fp 15 #@lab
  committed_gen
  [ "$GEN" = "$1" ]
}
# gen_mark N: remember that it was committed, and when. May come late: the pointer is what counts.
gen_mark() {
  up_now
  clock_good || NOW=0
  [ -e "$R/gen/$1/.commit" ] || put_file "$R/gen/$1/.commit" "boot=$BOOT${NL}up=$UP${NL}wall=$NOW$NL"
  true 2>/dev/null >"$R/gen/$1/.ever"
  kv_get "$R/gen/$1/.meta" series
  gm_series=$KV
  kv_get "$R/gen/$1/.meta" run
  gm_run=$KV
  series_high
  if is_number "$gm_series" && [ "$gm_series" -ge "$HIGH" ]; then put_file "$R/series" "$gm_series $gm_run$NL"; fi
}

# gen_usable N: every component's bundle is complete, whole and not denied. Sets WRONG_COMPONENT and WRONG.
gen_usable() {
  WRONG_COMPONENT=
  for gu_link in "$R/gen/$1"/*; do
    [ -L "$gu_link" ] || continue
    WRONG_COMPONENT=${gu_link##*/}
    [ -d "$gu_link/" ] || { WRONG='is missing'; return 1; }
    bundle_usable "$gu_link" || return 1
  done
}

components_json() {
  cj=
  for cj_link in "$R/gen/$1"/*; do
    gen_component "$1" "${cj_link##*/}" || continue
    json_str "$C_VERSION"
    cj_item="\"${cj_link##*/}\":{\"version\":$JSTR,\"digest\":\"$C_DIGEST\""
    [ "$C_ADOPTED" = 0 ] || cj_item="$cj_item,\"adopted\":true"
    cj="$cj${cj:+,}$cj_item}"
  done
  CJSON="{$cj}"
}
generation_line() {
  committed_gen
  active_gen
  gl_trial=false
  [ ! -f "$V/trial" ] || gl_trial=true
  o_new generation; o_n committed "${GEN:-0}"; o_n active "${AGEN:-0}"; o_n trial "$gl_trial"
  CJSON='{}'
  [ -z "$AGEN" ] || components_json "$AGEN"
  o_n components "$CJSON"
  CJSON='{}'
  [ -z "$GEN" ] || components_json "$GEN"
  o_n committed_components "$CJSON"
  o_end
}

# verb_adopt: what the distribution brought becomes the first generation, so that there is always a way back.
verb_adopt() {
  need_run
  need_token
  lock tx || fail BUSY 'another change is under way'
  accepted "$Q_run"
  adopt_wants
  unlock tx
  for va_name in $ADOPTED; do
    gen_component "$GEN" "$va_name"
    o_new adopted; o_s component "$va_name"; o_s version "$C_VERSION"; o_s digest "$C_DIGEST"; o_end
  done
  done_ok
}

# adopt_wants: adopt what the loaded slice wants and no generation has. Sets GEN and ADOPTED.
adopt_wants() {
  ADOPTED=
  committed_gen
  aw_missing=
  while read -r aw_name aw_version aw_digest; do
    [ -n "$aw_name" ] && [ "$aw_digest" != none ] || continue
    [ -n "$GEN" ] && [ -L "$R/gen/$GEN/$aw_name" ] && continue
    store_find "$aw_name" "$aw_digest" || fail PREFLIGHT "staged: the bundle of $aw_name $aw_version is not here yet"
    aw_missing="$aw_missing $aw_name|$DIR"
  done <<WANTS
$S_WANTS
WANTS
  [ -n "$aw_missing" ] || [ -z "$GEN" ] || return 0
  tx_open && [ -n "$OPEN_TX" ] && fail BUSY "transaction $OPEN_TX is open"
  mkdir -p "$R/store" "$R/gen" "$R/staging" || fail READ_ONLY "$R cannot be written"
  aw_base=$GEN
  aw_dirs=
  set -f
  for aw_pair in $aw_missing; do
    set +f
    if adopt_component "${aw_pair%%|*}" "${aw_pair#*|}"; then
      ADOPTED="$ADOPTED ${aw_pair%%|*}"
      aw_dirs="$aw_dirs ${aw_pair%%|*}|$DIR"
    fi
  done
  set +f
  [ -n "$ADOPTED" ] || [ -z "$GEN" ] || return 0
  gen_begin "$aw_base" || fail NO_SPACE "no space left in $R"
  for aw_pair in $aw_dirs; do gen_put "${aw_pair%%|*}" "${aw_pair#*|}" || fail NO_SPACE "no space left in $R"; done
  # The baseline carries no series: it was nobody's decision.
  gen_end '' 0 "$aw_base" && gen_commit "$NEWGEN" || fail NO_SPACE "no space left in $R"
  gen_mark "$NEWGEN"
  mkdir -p "$V"
  point "$ACTIVE" "$R/gen/$NEWGEN" || fail READ_ONLY "$V cannot be written"
  wire_generation "$NEWGEN" || fail READ_ONLY 'drop-ins or links cannot be written'
  GEN=$NEWGEN
  event adopted components "$ADOPTED"
}
