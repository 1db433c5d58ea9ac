# Secrets: sealed to the TPM, opened into memory.
S=$R/secrets
RAM=$V/secrets

# no_core: what dies here, or below, leaves no memory behind. dash, bash and busybox have this limit.
# shellcheck disable=SC3045
no_core() { ulimit -c 0 2>/dev/null || :; }

is_secret() {
  case $1 in '' | .* | -* | *[!a-z0-9._-]*) return 1 ;; esac
  [ ${#1} -le 64 ]
}
# q_file KEY FILE: the base64 of a request value as a file, which must not be empty.
q_file() {
  eval "qf_text=\$Q_$1"
  [ -n "$qf_text" ] || fail PROTOCOL "$1 is missing"
  { printf '%s' "$qf_text" | base64 -d >"$2"; } 2>/dev/null && [ -s "$2" ] || fail PROTOCOL "$1 is not base64, or there is no space"
}
# audit WHAT NAME GENERATION DETAIL: appends a line that carries the digest of the one before it.
audit() {
  au_prev=none
  if [ -s "$S/audit" ]; then sha_text "$(tail -n 1 "$S/audit")"; au_prev=$SHA; fi
  up_now
  json_str "$4"
  printf '{"what":"%s","name":"%s","generation":%s,"detail":%s,"boot":"%s","up":%s,"prev":"%s"}\n' "$1" "$2" "$3" "$JSTR" "$BOOT" "$UP" "$au_prev" >>"$S/audit"
}

verb_secret() {
  case $Q_op in
    trust | policy | software | stage | commit) need_token ;;
    status | audit) ;;
    *) fail PROTOCOL 'op is none of trust, policy, software, stage, commit, status, audit' ;;
  esac
  mkdir -p "$S/store" "$S/policies" 2>/dev/null && chmod 700 "$S" || fail READ_ONLY "$S cannot be written"
  exec 8>"$S/lock" && flock -w 300 8 || fail BUSY 'secrets are being changed by another request'
  umask 077
  no_core
  "secret_$Q_op"
  tpm_close
  done_ok
}

# secret_trust: which keys may approve policies and vouch for secrets; said by a key that this node trusts for policies.
secret_trust() {
  st_dir=$S/trust.new
  rm -rf "$st_dir"
  mkdir "$st_dir" || fail READ_ONLY "$S cannot be written"
  printf '%s' "$Q_statement" >"$st_dir/statement" && printf '%s' "$Q_signature" >"$st_dir/statement.sig" || fail NO_SPACE "$S cannot be written"
  sig_ok edgectl-policy "$st_dir/statement" "$st_dir/statement.sig" || fail BAD_SIGNATURE 'the statement about the keys for secrets is not signed by a key that this node trusts for policies'
  canonical "$st_dir/statement" && kv_get "$st_dir/statement" edgectl-secrets-trust && [ "$KV" = 1 ] || fail BAD_SLICE 'the statement cannot be read'
  kv_get "$st_dir/statement" fleet
  [ "$KV" = "$FLEET" ] || fail WRONG_FLEET "this node belongs to fleet $FLEET"
  kv_get "$st_dir/statement" series
  st_series=$KV
  is_number "$st_series" || fail BAD_SLICE 'the statement cannot be read'
  if kv_get "$S/trust/statement" series && [ "$KV" -gt "$st_series" ]; then fail OLD_SERIES "series $st_series is older than $KV"; fi
  kv_get "$st_dir/statement" manifest
  printf 'manifest namespaces="edgectl-secret" %s\n' "$KV" >"$st_dir/signers"
  kv_get "$st_dir/statement" policy
  { printf -- '-----BEGIN PUBLIC KEY-----\n'; printf '%s\n' "$KV" | fold -w 64; printf -- '-----END PUBLIC KEY-----\n'; } >"$st_dir/policy.pem"
  printf 'edgectl/v1/node=%s' "$NODE" >"$st_dir/ref"
  sync_disk
  rm -rf "$S/trust.old"
  if [ -d "$S/trust" ]; then mv "$S/trust" "$S/trust.old"; fi
  mv "$st_dir" "$S/trust" && rm -rf "$S/trust.old"
  audit trust '' "$st_series" ''
  sys_secret_units
  sync_disk
}
# secret_load_trust: what is half replaced is put back first.
secret_load_trust() {
  if [ ! -d "$S/trust" ] && [ -d "$S/trust.old" ]; then mv "$S/trust.old" "$S/trust"; fi
  [ -f "$S/trust/policy.pem" ] || fail NOT_ENROLLED 'this node was not told the keys for secrets yet'
}

# secret_policy: one approved policy. That it is genuine is for the TPM to verify, at each use.
secret_policy() {
  secret_load_trust
  case $Q_pcrs in '') ;; *) is_pcrs "$Q_pcrs" || fail PROTOCOL 'pcrs is not a list of PCRs' ;; esac
  sp_dir=$S/policies/new.$$
  rm -rf "$sp_dir"
  mkdir "$sp_dir" || fail READ_ONLY "$S cannot be written"
  q_file digest "$sp_dir/ap"
  q_file policy_signature "$sp_dir/ap.sig"
  printf '%s\n' "$Q_pcrs" >"$sp_dir/pcrs"
  sha_file "$sp_dir/ap"
  tpm_open
  policy_load "$sp_dir" || { rm -rf "$sp_dir"; fail BAD_SIGNATURE "the policy is not approved by the policy key ($TPM_CODE)"; }
  rm -rf "$S/policies/$SHA"
  mv "$sp_dir" "$S/policies/$SHA"
  audit policy '' 0 "$SHA"
  sync_disk
}

# secret_software: a node without a TPM has a key in a file. Whoever copies its disk can open its secrets.
secret_software() {
  command -v age-keygen >/dev/null || fail NO_TOOLS 'age is not installed'
  if [ ! -s "$S/software.key" ]; then
    age-keygen -o "$S/software.key.new" 2>/dev/null && sync_disk && mv "$S/software.key.new" "$S/software.key" || fail NO_SPACE "$S cannot be written"
    audit software-key '' 0 ''
  fi
  o_new software; o_s recipient "$(age-keygen -y "$S/software.key")"; o_end
}

# manifest_load DIR: sets M_*; fails when it is not a manifest for this node, by the manifest key.
manifest_load() {
  M_name='' M_generation='' M_kind='' M_floor=0 M_bundle='' M_key='' M_owner='' M_mode='' M_units='' M_remove=''
  ml_trust=$TRUST
  TRUST=$S/trust/signers
  sig_ok edgectl-secret "$1/manifest" "$1/manifest.sig"
  ml_status=$?
  TRUST=$ml_trust
  [ "$ml_status" = 0 ] || { WRONG='the manifest is not signed by the manifest key of this fleet'; WRONG_CODE=BAD_SIGNATURE; return 1; }
  WRONG='the manifest cannot be read' WRONG_CODE=BAD_MANIFEST
  canonical "$1/manifest" && kv_get "$1/manifest" edgectl-secret && [ "$KV" = 1 ] || return 1
  kv_get "$1/manifest" fleet
  [ "$KV" = "$FLEET" ] || { WRONG="this node belongs to fleet $FLEET" WRONG_CODE=WRONG_FLEET; return 1; }
  kv_get "$1/manifest" node
  [ "$KV" = "$NODE" ] || { WRONG="this node is $NODE, the secret is for $KV" WRONG_CODE=WRONG_NODE; return 1; }
  for ml_key in name generation kind floor bundle key owner mode units remove; do
    kv_get "$1/manifest" "$ml_key"
    eval "M_$ml_key=\$KV"
  done
  is_secret "$M_name" && is_number "$M_generation" && is_number "$M_floor" || return 1
  [ "$M_remove" != 1 ] || return 0
  case $M_mode in 0400 | 0440) ;; *) return 1 ;; esac
  case $M_owner in '' | *[!0-9:]* | *:*:* | :* | *:) return 1 ;; *:*) ;; *) return 1 ;; esac
  case $M_units in *[!A-Za-z0-9@._:,\\-]*) return 1 ;; esac
  case $M_kind in tpm | software) ;; *) return 1 ;; esac
  is_sha256 "$M_bundle" && is_sha256 "$M_key"
}
# current_of NAME: sets CUR to the number of its current generation, 0 for none.
current_of() {
  CUR=0
  if [ -L "$S/store/$1/current" ]; then CUR=$(readlink "$S/store/$1/current"); CUR=${CUR#gen-}; fi
  is_number "$CUR" || CUR=0
}

# secret_stage: takes a generation in, and opens it once before anything depends on it. What is there is not touched.
secret_stage() {
  secret_load_trust
  command -v age >/dev/null || fail NO_TOOLS 'age is not installed'
  sg_dir=$S/staging.$$
  rm -rf "$S"/staging.*
  mkdir "$sg_dir" || fail READ_ONLY "$S cannot be written"
  printf '%s' "$Q_manifest" >"$sg_dir/manifest" && printf '%s' "$Q_signature" >"$sg_dir/manifest.sig" || fail NO_SPACE "$S cannot be written"
  manifest_load "$sg_dir" || { rm -rf "$sg_dir"; fail "$WRONG_CODE" "$WRONG"; }
  current_of "$M_name"
  if [ "$M_generation" -lt "$CUR" ]; then rm -rf "$sg_dir"; fail OLD_GENERATION "generation $M_generation of $M_name is older than $CUR, which this node has"; fi
  sg_gen=$S/store/$M_name/gen-$M_generation
  if [ -d "$sg_gen" ]; then
    cmp -s "$sg_gen/manifest" "$sg_dir/manifest" || { rm -rf "$sg_dir"; fail OLD_GENERATION "this node has another generation $M_generation of $M_name: two operators made it at once"; }
    rm -rf "$sg_dir"
    o_new secret; o_s name "$M_name"; o_n generation "$M_generation"; o_n have true; o_end
    return 0
  fi
  if [ "$M_remove" != 1 ]; then stage_content; fi
  sync_disk || fail NO_SPACE "$S cannot be written"
  mkdir -p "$S/store/$M_name" && mv "$sg_dir" "$sg_gen" || fail NO_SPACE "$S cannot be written"
  fp 41 #@lab
  audit staged "$M_name" "$M_generation" ''
  sync_disk || fail NO_SPACE "$S cannot be written"
  o_new secret; o_s name "$M_name"; o_n generation "$M_generation"; o_n have false; o_end
}
stage_content() {
  q_file bundle "$sg_dir/bundle.age"
  sha_file "$sg_dir/bundle.age"
  [ "$SHA" = "$M_bundle" ] || { rm -rf "$sg_dir"; fail DIGEST_MISMATCH "the bundle is $SHA, the manifest says $M_bundle"; }
  if [ "$M_kind" = software ]; then
    q_file dek_age "$sg_dir/dek.age"
    sha_file "$sg_dir/dek.age"
  else
    for sc_part in pub dup seed; do q_file "dek_$sc_part" "$sg_dir/dek.$sc_part"; done
    SHA=$(cat "$sg_dir/dek.pub" "$sg_dir/dek.dup" "$sg_dir/dek.seed" | sha256sum)
    SHA=${SHA%% *}
  fi
  [ "$SHA" = "$M_key" ] || { rm -rf "$sg_dir"; fail DIGEST_MISMATCH "the key is $SHA, the manifest says $M_key"; }
  if [ "$M_kind" = software ]; then
    open_software "$sg_dir" -o /dev/null || { rm -rf "$sg_dir"; fail CLOSED 'the secret does not open with the key of this node'; }
    return 0
  fi
  tpm_open
  tpm_counter
  if [ "$FLOOR" -gt "$M_floor" ]; then
    rm -rf "$sg_dir"
    o_new tpm; o_n counter "$FLOOR"; o_s index "$COUNTER"; o_end
    fail FLOOR "the counter of this TPM is at $FLOOR already, the secret was sealed for at most $M_floor: seal it again"
  fi
  sc_key=$sg_dir/key-$M_floor
  mkdir "$sc_key"
  tpm_ok tpm2_import -C "$SRK" -u "$sg_dir/dek.pub" -i "$sg_dir/dek.dup" -s "$sg_dir/dek.seed" -r "$sc_key/priv" || {
    rm -rf "$sg_dir"
    [ "$TPM_CODE" = 0x3df ] && fail TPM_REFUSED "the secret is sealed to another TPM, or was changed on the way ($TPM_CODE)"
    tpm_fail 'the secret cannot be imported'
  }
  cp "$sg_dir/dek.pub" "$sc_key/pub" && chmod 600 "$sc_key/priv" || fail NO_SPACE "$S cannot be written"
  open_tpm "$sg_dir" "$sc_key" "$M_floor" -o /dev/null || { sc_why=$CLOSED; rm -rf "$sg_dir"; fail CLOSED "the secret does not open on this node: $sc_why"; }
}

# policy_load DIR: makes an approved policy ready: kn (name of the policy key), tk (the TPM's word that it was signed).
policy_load() {
  # Both hold until the TPM is switched off.
  [ "$POLICY_LOADED" != "$1" ] || return 0
  POLICY_LOADED=
  cat "$1/ap" "$S/trust/ref" >"$TPM_DIR/msg"
  tpm_ok tpm2_loadexternal -C o -G ecc -u "$S/trust/policy.pem" -c policykey -n kn || return 1
  tpm_ok tpm2_verifysignature -c policykey -g sha256 -m msg -s "$1/ap.sig" -t tk || { tpm_flush; return 1; }
  tpm_flush
  POLICY_LOADED=$1
}
# session_open FLOOR: a session, salted and encrypted, in which the first policy that fits was satisfied. Sets CLOSED to why there is none.
session_open() {
  CLOSED='no policy was approved for this node'
  be64 "$1" >"$TPM_DIR/floor"
  for so_policy in "$S/policies"/*; do
    [ -f "$so_policy/ap" ] || continue
    policy_load "$so_policy" || { CLOSED="the policy is not signed by the policy key ($TPM_CODE)"; continue; }
    tpm_ok tpm2_startauthsession --policy-session --key-context "$SRK" -S session || { CLOSED="there is no session ($TPM_CODE)"; return 1; }
    if session_satisfy "$so_policy" && tpm_ok tpm2_policynv -S session -C "$COUNTER" -i floor "$COUNTER" ule; then CLOSED=''; return 0; fi
    case $TPM_CODE in
      0x1c4) CLOSED='the node booted something else than what was approved: its PCRs differ' ;;
      0x126) CLOSED="the generation is revoked: it was sealed for a counter of at most $1"; session_close; return 1 ;;
      *) CLOSED="the TPM refuses (${TPM_CODE:-no code})" ;;
    esac
    session_close
  done
  return 1
}
session_satisfy() {
  read -r ss_pcrs <"$1/pcrs" || :
  tpm_ok tpm2_sessionconfig --enable-encrypt session || return 1
  if [ -n "$ss_pcrs" ]; then
    tpm_ok tpm2_policypcr -S session -l "sha256:$ss_pcrs" || return 1
  else
    printf '\377\377\377\377\377\377\377\377' >"$TPM_DIR/any"
    tpm_ok tpm2_policynv -S session -C "$COUNTER" -i any "$COUNTER" ule || return 1
  fi
  tpm_ok tpm2_policyauthorize -S session -i "$1/ap" -q "$S/trust/ref" -n kn -t tk
}
session_close() {
  tpm2_flushcontext "$TPM_DIR/session" >/dev/null 2>&1 </dev/null
  rm -f "$TPM_DIR/session"
  tpm_flush
}
# key_open KEYDIR FLOOR: loads the sealed key and opens a session that fits; then `key_read` gives it, on standard output only.
key_open() {
  tpm_ok tpm2_load -C "$SRK" -u "$1/pub" -r "$1/priv" -c sealed || { CLOSED="the sealed key does not load on this TPM ($TPM_CODE)"; return 1; }
  tpm_flush
  session_open "$2"
}
key_read() { (cd "$TPM_DIR" && exec tpm2_unseal -c sealed -p session:session 2>err </dev/null 3>&- 4>&-); }
# open_tpm GENDIR KEYDIR FLOOR AGE-ARGUMENTS…: decrypts to what the arguments say, or to standard output.
open_tpm() {
  ot_dir=$1 ot_key=$2 ot_floor=$3
  shift 3
  key_open "$ot_key" "$ot_floor" || return 1
  key_read | age -d -i - "$@" "$ot_dir/bundle.age" 2>"$TPM_DIR/age.err" 3>&- 4>&- 8>&- 9>&-
  ot_status=$?
  if [ "$ot_status" != 0 ]; then
    tpm_code
    CLOSED="the bundle does not open${TPM_CODE:+ ($TPM_CODE)}"
  fi
  session_close
  return "$ot_status"
}
open_software() {
  os_dir=$1
  shift
  age -d -i "$S/software.key" "$os_dir/dek.age" 2>/dev/null 3>&- 4>&- | age -d -i - "$@" "$os_dir/bundle.age" 2>/dev/null 3>&- 4>&- || { CLOSED='the bundle does not open'; return 1; }
}
# key_of GENDIR: sets KEY and KEY_FLOOR to the sealed key with the highest floor: after a crash an older one may lie beside it.
key_of() {
  KEY='' KEY_FLOOR=-1
  for ko_dir in "$1"/key-*; do
    [ -s "$ko_dir/priv" ] || continue
    ko_floor=${ko_dir##*/key-}
    if is_number "$ko_floor" && [ "$ko_floor" -gt "$KEY_FLOOR" ]; then KEY=$ko_dir KEY_FLOOR=$ko_floor; fi
  done
  [ -n "$KEY" ]
}
# secret_open GENDIR AGE-ARGUMENTS…: any kind; manifest_load came before.
secret_open() {
  if [ "$M_kind" = software ]; then open_software "$@"; return; fi
  so_dir=$1
  shift
  key_of "$so_dir" || { CLOSED='its sealed key is not there'; return 1; }
  tpm_open
  # One that somebody deleted is made anew, above every value that it had.
  [ -n "$FLOOR" ] || tpm_counter
  open_tpm "$so_dir" "$KEY" "$KEY_FLOOR" "$@"
}

# secret_newest NAME: sets GEN_DIR to the newest generation that was taken in whole.
secret_newest() {
  sn_best=0
  for sn_dir in "$S/store/$1"/gen-*; do
    sn_n=${sn_dir##*/gen-}
    [ -d "$sn_dir" ] && is_number "$sn_n" && [ "$sn_n" -gt "$sn_best" ] && sn_best=$sn_n
  done
  GEN_DIR=$S/store/$1/gen-$sn_best
  [ "$sn_best" != 0 ]
}

# secret_commit: what was staged becomes current, and what it replaces never opens again. In this order: every key that stays is sealed
# for the new floor beside the one it has, the pointers move, the counter goes up, what is dead is removed. Cut off anywhere,
# each secret has a key that opens, and asking again goes on.
secret_commit() {
  secret_load_trust
  sm_floor=0 sm_names=
  for sm_path in "$S/store"/*; do
    sm_name=${sm_path##*/}
    is_secret "$sm_name" && secret_newest "$sm_name" || continue
    manifest_load "$GEN_DIR" || fail "$WRONG_CODE" "$sm_name: $WRONG"
    sm_names="$sm_names $sm_name"
    if [ "$M_floor" -gt "$sm_floor" ]; then sm_floor=$M_floor; fi
  done
  if [ "$sm_floor" -gt 0 ]; then
    tpm_open
    tpm_counter
    [ $((sm_floor - FLOOR)) -le 1000 ] || fail FLOOR "the counter would have to go from $FLOOR to $sm_floor"
    if [ "$sm_floor" -lt "$FLOOR" ]; then sm_floor=$FLOOR; fi
    for sm_name in $sm_names; do reseal "$sm_name" "$sm_floor"; done
    sync_disk || fail NO_SPACE "$S cannot be written"
  fi
  fp 42 #@lab
  for sm_name in $sm_names; do
    secret_newest "$sm_name"
    current_of "$sm_name"
    [ "gen-$CUR" != "${GEN_DIR##*/}" ] || continue
    point "$S/store/$sm_name/current" "${GEN_DIR##*/}" || fail NO_SPACE "$S cannot be written"
    audit committed "$sm_name" "${GEN_DIR##*/gen-}" "floor $sm_floor"
  done
  sync_disk || fail NO_SPACE "$S cannot be written"
  fp 43 #@lab
  if [ "$sm_floor" -gt 0 ]; then
    while [ "$FLOOR" -lt "$sm_floor" ]; do
      tpm_must 'the counter cannot be counted up' tpm2_nvincrement "$COUNTER" -C o
      tpm_counter
      fp 44 #@lab
    done
    o_new tpm; o_n counter "$FLOOR"; o_s index "$COUNTER"; o_end
  fi
  for sm_name in $sm_names; do commit_tidy "$sm_name"; done
  secrets_out
  sync_disk
  secret_lines
}
# reseal NAME FLOOR: the key of its newest generation, sealed once more so that it opens up to this floor.
reseal() {
  secret_newest "$1"
  manifest_load "$GEN_DIR" || fail "$WRONG_CODE" "$1: $WRONG"
  [ "$M_remove" != 1 ] && [ "$M_kind" = tpm ] || return 0
  key_of "$GEN_DIR" || fail DAMAGED "$1: its sealed key is not there"
  [ "$KEY_FLOOR" -lt "$2" ] || return 0
  if ! key_open "$KEY" "$KEY_FLOOR"; then
    # One that does not open anyway must not hold up the others for ever.
    audit closed "$1" "$M_generation" "$CLOSED"
    return 0
  fi
  # In this shell's memory and nowhere else: printf is part of the shell.
  rs_key=$(key_read)
  session_close
  [ -n "$rs_key" ] || fail TPM_FAILED "$1: the TPM does not give its key"
  rs_new=$GEN_DIR/key-$2
  rm -rf "$rs_new.new" "$rs_new"
  mkdir "$rs_new.new" || fail NO_SPACE "$S cannot be written"
  be64 "$2" >"$TPM_DIR/floor"
  rs_policy=
  for rs_dir in "$S/policies"/*; do if [ -f "$rs_dir/ap" ] && [ -z "$rs_policy" ]; then rs_policy=$rs_dir; fi; done
  # The digest is the same whichever approved policy it is made from: PolicyAuthorize forgets what came before it.
  policy_load "$rs_policy" && tpm_ok tpm2_startauthsession -S trial &&
    tpm_ok tpm2_policyauthorize -S trial -i "$rs_policy/ap" -q "$S/trust/ref" -n kn &&
    tpm_ok tpm2_policynv -S trial -C "$COUNTER" -i floor "$COUNTER" ule -L policy.digest || tpm_fail "$1 cannot be sealed again"
  tpm2_flushcontext "$TPM_DIR/trial" >/dev/null 2>&1 </dev/null
  printf '%s' "$rs_key" | (cd "$TPM_DIR" && exec tpm2_create -C "$SRK" -g sha256 -a 'fixedtpm|fixedparent|noda' -L policy.digest -i - -u "$rs_new.new/pub" -r "$rs_new.new/priv" >/dev/null 2>err 3>&- 4>&-) || { tpm_code; tpm_fail "$1 cannot be sealed again"; }
  rs_key=
  chmod 600 "$rs_new.new"/*
  tpm_flush
  open_tpm "$GEN_DIR" "$rs_new.new" "$2" -o /dev/null || fail CLOSED "$1 does not open after it was sealed again: $CLOSED"
  mv "$rs_new.new" "$rs_new" || fail NO_SPACE "$S cannot be written"
}
# commit_tidy NAME: the counter has passed what is removed here; none of it opens any more.
commit_tidy() {
  secret_newest "$1" || return 0
  for ct_dir in "$S/store/$1"/gen-*; do [ "$ct_dir" = "$GEN_DIR" ] || rm -rf "$ct_dir"; done
  key_of "$GEN_DIR" || return 0
  for ct_dir in "$GEN_DIR"/key-*; do [ "$ct_dir" = "$KEY" ] || rm -rf "$ct_dir"; done
}

# secrets_out: every current secret as a file in memory, for its owner only; those that are gone go. Sets OUT_FAILED, and OPENED to those that did open.
secrets_out() {
  OUT_FAILED='' OPENED=' '
  sys_ram || fail NO_RAM "no file system in memory can be mounted at $RAM"
  for sx_path in "$S/store"/*; do
    sx_name=${sx_path##*/}
    is_secret "$sx_name" && [ -L "$sx_path/current" ] || continue
    sx_dir=$sx_path/$(readlink "$sx_path/current")
    if ! manifest_load "$sx_dir"; then OUT_FAILED="$OUT_FAILED $sx_name: $WRONG"; continue; fi
    if [ "$M_remove" = 1 ]; then rm -f "$RAM/$sx_name"; continue; fi
    rm -f "$RAM/.$sx_name.new"
    if secret_open "$sx_dir" -o "$RAM/.$sx_name.new" && chmod "$M_mode" "$RAM/.$sx_name.new" && { [ "$(id -u)" != 0 ] || chown "$M_owner" "$RAM/.$sx_name.new"; }; then
      mv -f "$RAM/.$sx_name.new" "$RAM/$sx_name" && OPENED="$OPENED$sx_name "
    else
      rm -f "$RAM/.$sx_name.new"
      OUT_FAILED="$OUT_FAILED $sx_name: $CLOSED"
    fi
  done
  # A file whose secret is not in the store any more.
  for sx_path in "$RAM"/*; do
    [ -f "$sx_path" ] && [ ! -L "$S/store/${sx_path##*/}/current" ] && rm -f "$sx_path"
  done
}

secret_status() {
  if [ -d "$S/trust" ] || [ -d "$S/trust.old" ]; then secret_load_trust; else done_ok; fi
  if [ ! -s "$S/software.key" ]; then
    tpm_open
    tpm_counter
    o_new tpm; o_n counter "$FLOOR"; o_s index "$COUNTER"; o_end
  fi
  secret_lines
}
# secret_lines: each secret, opened once to nowhere unless that was done just now: the proof that it would open at the next boot.
OPENED=' '
secret_lines() {
  for sl_path in "$S/store"/*; do
    sl_name=${sl_path##*/}
    is_secret "$sl_name" && [ -L "$sl_path/current" ] || continue
    sl_dir=$sl_path/$(readlink "$sl_path/current")
    CLOSED=
    sl_opens=false
    if ! manifest_load "$sl_dir"; then CLOSED=$WRONG
    elif [ "$M_remove" = 1 ]; then sl_opens=true
    elif case $OPENED in *" $sl_name "*) ;; *) false ;; esac; then sl_opens=true
    elif secret_open "$sl_dir" -o /dev/null; then sl_opens=true
    fi
    current_of "$sl_name"
    o_new secret; o_s name "$sl_name"; o_n generation "$CUR"; o_n opens "$sl_opens"; o_n removed "$([ "$M_remove" = 1 ] && echo true || echo false)"
    o_s why "$CLOSED"; o_end
  done
}
secret_audit() {
  sa_after=${Q_after:-0}
  is_number "$sa_after" || fail PROTOCOL 'after is not a number'
  [ -f "$S/audit" ] || return 0
  tail -n "+$((sa_after + 1))" "$S/audit" | head -n 1000 | while IFS= read -r sa_line; do o_new audit; o_s line "$sa_line"; o_end; done
}

# verb_secrets-open is run at boot, with nobody connected.
verb_secrets_open() {
  [ -d "$S/store" ] || return 0
  exec 8>"$S/lock" && flock -w 300 8 || return 1
  umask 077
  no_core
  secret_load_trust
  secrets_out
  tpm_close
  [ -z "$OUT_FAILED" ] || { one_line "$OUT_FAILED"; event secrets why "$LINE"; printf 'edgectl-node: not opened:%s\n' "$OUT_FAILED" >&2; return 1; }
}

# verb_credential INSTANCE: what systemd's LoadCredential= reads from the socket. Who asks stands in the name of the socket that it connects
# from, `@<random>/unit/<unit>/<credential>` (systemd.exec(5)), and only root can have sent it: the socket is root's, and so must the peer be.
verb_credential() {
  vc_pid=${1#*-}
  vc_uid=${vc_pid#*-} vc_pid=${vc_pid%%-*}
  is_number "$vc_pid" && [ "$vc_uid" = 0 ] || return 1
  vc_inodes=$(for vc_fd in /proc/"$vc_pid"/fd/*; do readlink "$vc_fd"; done 2>/dev/null | sed -n 's/^socket:\[\([0-9]*\)\]$/\1/p' | tr '\n' ' ')
  vc_name=$(awk -v inodes=" $vc_inodes" 'index(inodes, " " $7 " ") && $8 ~ /^@[^\/]*\/unit\/[^\/]+\/[^\/]+$/ { print $8 }' /proc/net/unix)
  vc_secret=${vc_name##*/}
  vc_unit=${vc_name%/*}
  vc_unit=${vc_unit##*/}
  is_secret "$vc_secret" && [ -L "$S/store/$vc_secret/current" ] || return 1
  exec 8>"$S/lock" && flock -w 300 8 || return 1
  umask 077
  no_core
  secret_load_trust
  vc_dir=$S/store/$vc_secret/$(readlink "$S/store/$vc_secret/current")
  manifest_load "$vc_dir" && [ "$M_remove" != 1 ] || return 1
  case ,$M_units, in *",$vc_unit,"*) ;; *) audit refused "$vc_secret" "$M_generation" "$vc_unit"; return 1 ;; esac
  secret_open "$vc_dir"
  vc_status=$?
  tpm_close
  return "$vc_status"
}
