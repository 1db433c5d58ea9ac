# The TPM, through tpm2-tools. Nothing that a TPM gives away in the clear touches a disk, an argument or the environment.
SRK=0x81000001
AK=0x81010003
COUNTER=0x1800100
FLOOR=
RAW_TPM=

# tpm_conf: sets TCTI from ETC/tpm.conf (`tcti=device:/dev/tpm0`), else the kernel's own; fails with words when there is none.
tpm_conf() {
  TCTI=
  if [ -e "$ETC/tpm.conf" ]; then
    # shellcheck disable=SC2046
    set -- $(stat -c '%u %a' "$ETC/tpm.conf")
    [ "$1" = "$(id -u)" ] || fail TPM_CONFIG "$ETC/tpm.conf does not belong to whom the kit runs as"
    case $2 in *[2367] | *[2367]?) fail TPM_CONFIG "$ETC/tpm.conf can be written by others" ;; esac
    if kv_get "$ETC/tpm.conf" tcti; then TCTI=$KV; fi
  fi
  case $TCTI in
    '') if [ -c "$P/dev/tpmrm0" ]; then TCTI=device:$P/dev/tpmrm0; else return 1; fi ;;
    device:*) [ -c "${TCTI#device:}" ] || return 1 ;;
  esac
  # Without a resource manager the kit has to keep the few slots of the TPM free itself.
  case $TCTI in *tpmrm* | tabrmd*) RAW_TPM='' ;; *) RAW_TPM=1 ;; esac
}

# tpm_open: one user of the TPM at a time; afterwards the tools can be called and TPM_DIR is a place in memory for their contexts.
TPM_DIR=
tpm_open() {
  [ -z "$TPM_DIR" ] || return 0
  command -v flock >/dev/null || fail NO_TOOLS 'flock is not installed'
  for to_tool in tpm2_readpublic tpm2_nvread tpm2_unseal; do
    command -v "$to_tool" >/dev/null || fail NO_TOOLS 'tpm2-tools is not installed'
  done
  tpm_conf || fail NO_TPM "there is no TPM: neither /dev/tpmrm0 nor what $ETC/tpm.conf names"
  mkdir -p "$V" && exec 9>"$V/tpm.lock" && flock -w 300 9 || fail BUSY 'the TPM is in use by another request for five minutes'
  TPM_DIR=$V/tpm.$$
  (umask 077 && mkdir -p "$TPM_DIR") || fail READ_ONLY "$V cannot be written"
  export TPM2TOOLS_TCTI="$TCTI"
  tpm_flush_all
  POLICY_LOADED=
  tpm_ok tpm2_getcap properties-variable || tpm_fail 'the TPM does not answer'
}
# tpm_close: gives the slots and the lock back, and removes every context.
tpm_close() {
  [ -n "$TPM_DIR" ] || return 0
  tpm_flush_all
  rm -rf "$TPM_DIR"
  TPM_DIR=
  exec 9>&-
}
# tpm_flush: frees the slots of keys; tpm_flush_all those of sessions too.
tpm_flush() { [ -z "$RAW_TPM" ] || tpm2_flushcontext -t >/dev/null 2>&1 </dev/null; }
tpm_flush_all() {
  [ -n "$RAW_TPM" ] || return 0
  for tf_what in -t -l -s; do tpm2_flushcontext "$tf_what" >/dev/null 2>&1 </dev/null; done
}
# tpm_ok TOOL ARG…: runs a tool in TPM_DIR; sets TPM_CODE to the TPM's own code when it fails. What it prints goes to TPM_DIR/out.
tpm_ok() {
  TPM_CODE=
  if (umask 077; cd "$TPM_DIR" && "$@" >out 2>err </dev/null 3>&- 4>&-); then return 0; fi
  tpm_code
  return 1
}
tpm_code() {
  TPM_CODE=$(grep -o '0x[0-9A-Fa-f]\{2,8\}' "$TPM_DIR/err" | head -n 1 | tr 'A-F' 'a-f' | sed 's/^0x0*/0x/')
}
# tpm_fail WHAT: ends the answer, with what the TPM said put into words.
tpm_fail() {
  if grep -qi 'tcti\|connection refused\|no such file' "$TPM_DIR/err" && [ -z "$TPM_CODE" ]; then
    fail NO_TPM "the TPM cannot be reached through $TCTI"
  fi
  case $TPM_CODE in
    0x921) fail TPM_LOCKED 'the TPM is locked after too many wrong guesses; it opens again by itself after a while (tpm2_dictionarylockout)' ;;
    0x9a2 | 0x98e) fail TPM_FAILED "$1: the TPM wants a password for the owner hierarchy, which has to be empty ($TPM_CODE)" ;;
  esac
  one_line "$(grep -v '^WARNING' "$TPM_DIR/err")"
  fail TPM_FAILED "$1${TPM_CODE:+ ($TPM_CODE)}: $LINE"
}
tpm_must() {
  tm_what=$1
  shift
  tpm_ok "$@" || tpm_fail "$tm_what"
}
# hex_of FILE: lower-case hex on standard output.
hex_of() { od -An -v -tx1 <"$1" | tr -d ' \n'; }
# be64 NUMBER: eight bytes, the highest first.
be64() {
  for be_shift in 56 48 40 32 24 16 8 0; do
    # shellcheck disable=SC2059
    printf "\\$(printf '%03o' $((($1 >> be_shift) & 255)))"
  done
}

# tpm_counter: sets FLOOR to the generation counter; makes it when it is not there. A counter that is made again goes on above every
# value that any counter of this TPM ever had (TPM 2.0 Library, part 1, 37.2.4), so that this revives nothing.
tpm_counter() {
  if ! tpm_ok tpm2_nvread "$COUNTER" -C "$COUNTER" -s 8 -o counter; then
    if ! tpm_ok tpm2_nvreadpublic "$COUNTER"; then
      tpm_must 'the counter cannot be made' tpm2_nvdefine "$COUNTER" -C o -a 'nt=counter|ownerwrite|ownerread|authread|policyread|no_da'
    fi
    tpm_must 'the counter cannot be counted up' tpm2_nvincrement "$COUNTER" -C o
    tpm_must 'the counter cannot be read' tpm2_nvread "$COUNTER" -C "$COUNTER" -s 8 -o counter
  fi
  FLOOR=$((0x$(hex_of "$TPM_DIR/counter")))
}

# tpm_keys: the storage key and the attestation key are there, made where they are not.
tpm_keys() {
  if ! tpm_ok tpm2_readpublic -c "$SRK" -o srk.pub -n srk.name; then
    [ "$TPM_CODE" = 0x18b ] || tpm_fail 'the storage key cannot be read'
    tpm_must 'the storage key cannot be made' tpm2_createprimary -C o -g sha256 -G ecc256:aes128cfb -c srk.ctx \
      -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt'
    tpm_must 'the storage key cannot be kept' tpm2_evictcontrol -C o -c srk.ctx "$SRK"
    tpm_flush
    tpm_must 'the storage key cannot be read' tpm2_readpublic -c "$SRK" -o srk.pub -n srk.name
  fi
  if ! tpm_ok tpm2_readpublic -c "$AK" -o ak.pub; then
    # Not tpm2_createak: its key would count a power cut as a wrong guess.
    tpm_must 'the attestation key cannot be made' tpm2_create -C "$SRK" -G ecc256:ecdsa-sha256:null -g sha256 -u ak.new -r ak.priv \
      -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign|noda'
    tpm_flush
    tpm_must 'the attestation key cannot be loaded' tpm2_load -C "$SRK" -u ak.new -r ak.priv -c ak.ctx
    tpm_must 'the attestation key cannot be kept' tpm2_evictcontrol -C o -c ak.ctx "$AK"
    tpm_flush
    tpm_must 'the attestation key cannot be read' tpm2_readpublic -c "$AK" -o ak.pub
  fi
}
# tpm_ek: sets EK to a handle or a context of the endorsement key, ek.pub and (where there is one) ek.der in TPM_DIR.
tpm_ek() {
  EK=ek.ctx
  rm -f "$TPM_DIR/ek.der"
  tpm_ok tpm2_nvread 0x1c00002 -C o -o ek.der || rm -f "$TPM_DIR/ek.der"
  if tpm_ok tpm2_readpublic -c 0x81010001 -o ek.pub; then EK=0x81010001; return 0; fi
  if [ ! -f "$TPM_DIR/ek.der" ] && tpm_ok tpm2_nvread 0x1c0000a -C o -o ek.der; then
    tpm_must 'the endorsement key cannot be made' tpm2_createek -G ecc -c ek.ctx -u ek.pub -f tss
  else
    [ -s "$TPM_DIR/ek.der" ] || rm -f "$TPM_DIR/ek.der"
    tpm_must 'the endorsement key cannot be made' tpm2_createek -G rsa -c ek.ctx -u ek.pub -f tss
  fi
  tpm_flush
}

# host_keys: sets HOST_KEYS to `type base64` lines of this node's SSH host keys, sorted.
host_keys() {
  HOST_KEYS=$(cat "$P/etc/ssh"/ssh_host_*_key.pub 2>/dev/null | awk 'NF >= 2 { print $1 " " $2 }' | sort -u)
}

evidence() {
  [ -s "$TPM_DIR/$2" ] || return 0
  o_new evidence; o_s name "$1"; o_s data "$(base64 <"$TPM_DIR/$2" | tr -d '\n')"; o_end
}
# is_pcrs TEXT: `7,11`.
is_pcrs() {
  case $1 in '' | *[!0-9,]* | ,* | *, | *,,*) return 1 ;; esac
  [ ${#1} -le 80 ]
}

verb_tpm() {
  case $Q_op in
    evidence) tpm_evidence ;;
    activate) tpm_activate ;;
    *) fail PROTOCOL 'op is none of evidence, activate' ;;
  esac
  tpm_close
  done_ok
}
# tpm_evidence: what this TPM is and what was booted. The node's name and host keys go into what is signed, so that nobody can pass
# on the answer of another node as their own.
tpm_evidence() {
  is_sha256 "$Q_challenge" || fail PROTOCOL 'challenge is not 32 bytes in hex'
  is_pcrs "$Q_pcrs" || fail PROTOCOL 'pcrs is not a list of PCRs'
  need_token
  tpm_open
  tpm_keys
  tpm_ek
  tpm_counter
  host_keys
  sha_text "edgectl-attest$NL$Q_challenge$NL$FLEET$NL$NODE$NL$HOST_KEYS$NL"
  tpm_must 'the TPM gives no quote' tpm2_quote -c "$AK" -l "sha256:$Q_pcrs" -q "$SHA" -m quote.msg -s quote.sig -o pcrs -F values -g sha256
  tpm_flush
  tpm_must 'the storage key cannot be certified' tpm2_certify -c "$SRK" -C "$AK" -g sha256 -o certify.msg -s certify.sig
  evidence ek.certificate ek.der
  for te_name in ek ak srk; do evidence "$te_name.public" "$te_name.pub"; done
  for te_name in quote certify; do evidence "$te_name.message" "$te_name.msg"; evidence "$te_name.signature" "$te_name.sig"; done
  evidence pcrs pcrs
  while IFS= read -r te_key; do
    [ -z "$te_key" ] || { o_new hostkey; o_s key "$te_key"; o_end; }
  done <<KEYS
$HOST_KEYS
KEYS
  o_new tpm; o_n counter "$FLOOR"; o_s index "$COUNTER"; o_end
}
# tpm_activate: answers the challenge that only this TPM, with this attestation key, can read. It is worth nothing a second time.
tpm_activate() {
  need_token
  tpm_open
  tpm_ek
  printf '%s' "$Q_credential" | base64 -d >"$TPM_DIR/credential" 2>/dev/null || fail PROTOCOL 'credential is not base64'
  tpm_must 'there is no session' tpm2_startauthsession --policy-session -S ekpolicy
  tpm_must 'the endorsement hierarchy wants a password' tpm2_policysecret -S ekpolicy -c e
  tpm_ok tpm2_activatecredential -c "$AK" -C "$EK" -i credential -o answer -P session:ekpolicy || {
    case $TPM_CODE in 0x101 | 0x1df | 0x2df) fail TPM_REFUSED "the challenge is for another TPM or another key ($TPM_CODE)" ;; esac
    tpm_fail 'the challenge cannot be answered'
  }
  o_new activated; o_s answer "$(hex_of "$TPM_DIR/answer")"; o_end
}
