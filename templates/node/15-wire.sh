# Descriptor 4 carries the answer; whatever else writes to standard output ends up in the diagnostics.
ANSWERED=
open_answer() { exec 4>&1 1>&2; ANSWERING=1; }
ANSWERING=

# done_ok: the last line of an answer.
done_ok() {
  ANSWERED=1
  printf '{"t":"end","ok":true}\n' >&4
  exit 0
}

# fail CODE REASON: the last line of an answer that says no. Nothing may follow.
fail() {
  ANSWERED=1
  o_new end; o_n ok false; o_s code "$1"; o_s reason "$2"; o_end
  case $1 in
    BAD_SIGNATURE | BAD_PROOF | BAD_SLICE | WRONG_NODE | WRONG_FLEET | SUPERSEDED | OLD_SERIES | EXPIRED | NO_SLICE | FENCED | DENIED | DIGEST_MISMATCH | BAD_BUNDLE | WRONG_ARCH | BAD_NONCE) exit 4 ;;
    BUSY | HELD) exit 75 ;;
  esac
  exit 1
}

# at_exit: an answer always ends with an end line, and no lock outlives its holder.
at_exit() {
  at_status=$?
  unlock_all
  if [ -n "$ANSWERING" ] && [ -z "$ANSWERED" ]; then
    printf '{"t":"end","ok":false,"code":"INTERNAL","reason":"the kit ended with status %s"}\n' "$at_status" >&4
  fi
}

# wire_decode VALUE: sets DECODED; fails on anything that is not percent-encoded text without NUL.
wire_decode() {
  case $1 in
    *[!A-Za-z0-9._~/:@,+\ %-]*) return 1 ;;
    *%*) ;;
    *) DECODED=$1; return 0 ;;
  esac
  wd_rest=$1
  wd_out=
  while :; do
    case $wd_rest in *%*) ;; *) break ;; esac
    wd_out=$wd_out${wd_rest%%\%*}
    wd_rest=${wd_rest#*%}
    wd_tail=${wd_rest#??}
    wd_hex=${wd_rest%"$wd_tail"}
    wd_rest=$wd_tail
    case $wd_hex in
      00) return 1 ;;
      [0-9A-Fa-f][0-9A-Fa-f]) ;;
      *) return 1 ;;
    esac
    wd_n=$((0x$wd_hex))
    wd_out="$wd_out\\0$((wd_n / 64))$((wd_n / 8 % 8))$((wd_n % 8))"
  done
  DECODED=$(printf '%b.' "$wd_out$wd_rest")
  DECODED=${DECODED%.}
}

# read_request: sets Q_<key> for the keys that are known; bytes after the closing dot stay on standard input.
read_request() {
  Q_run='' Q_step='' Q_token='' Q_op='' Q_owner='' Q_host='' Q_ttl='' Q_slice='' Q_proof='' Q_statement='' Q_signature=''
  Q_component='' Q_offset='' Q_size='' Q_nonce='' Q_nonce_sha256='' Q_since='' Q_wait='' Q_after='' Q_limit='' Q_upto=''
  Q_challenge='' Q_pcrs='' Q_credential='' Q_manifest=''
  # These are read by name (q_file).
  # shellcheck disable=SC2034
  Q_digest='' Q_policy_signature='' Q_bundle='' Q_dek_pub='' Q_dek_dup='' Q_dek_seed='' Q_dek_age=''
  Q_components='' Q_known='' Q_budget='' Q_sysctls='' Q_modules='' Q_files='' Q_packages='' Q_units='' Q_certificates='' Q_runtimes=''
  rr_bytes=0
  rr_seen=' '
  while :; do
    rr_line=
    if ! IFS= read -r rr_line; then
      # A unit that runs `recover` has nothing to say.
      [ "$rr_bytes" = 0 ] && [ -z "$rr_line" ] && return 0
      fail PROTOCOL 'the request is cut off before its closing dot'
    fi
    [ "$rr_line" = . ] && return 0
    rr_bytes=$((rr_bytes + ${#rr_line} + 1))
    [ "$rr_bytes" -le 262144 ] || fail PROTOCOL 'the request is longer than 256 KiB'
    rr_key=${rr_line%%=*}
    case $rr_key in
      "$rr_line" | '' | *[!a-z0-9_.]*) fail PROTOCOL 'a request line is not key=value' ;;
    esac
    case $rr_seen in *" $rr_key "*) fail PROTOCOL "the request names $rr_key twice" ;; esac
    rr_seen="$rr_seen$rr_key "
    wire_decode "${rr_line#*=}" || fail PROTOCOL "the value of $rr_key is not percent-encoded"
    case $rr_key in
      run | step | token | op | owner | host | ttl | slice | proof | statement | signature | component | offset | size | nonce | nonce_sha256 | since | wait | after | limit | upto | components | known | budget | sysctls | modules | files | packages | units | certificates | runtimes | challenge | pcrs | credential | digest | policy_signature | manifest | bundle | dek_pub | dek_dup | dek_seed | dek_age)
        eval "Q_$rr_key=\$DECODED" ;;
    esac
  done
}

# is_number TEXT: a decimal that the shell's arithmetic holds, without leading zeros.
is_number() {
  case $1 in
    0) return 0 ;;
    '' | 0* | *[!0-9]* | ????????????????*) return 1 ;;
  esac
}
# is_name TEXT: may be part of a path.
is_name() {
  case $1 in
    '' | .* | -* | *[!A-Za-z0-9._+~:-]*) return 1 ;;
  esac
  [ ${#1} -le 128 ]
}
# is_run TEXT: a run id; without dots, so that a transaction's name can be taken apart.
is_run() {
  case $1 in '' | -* | *[!A-Za-z0-9_-]*) return 1 ;; esac
  [ ${#1} -le 64 ]
}
is_component() {
  case $1 in '' | -* | *[!a-z0-9-]*) return 1 ;; esac
  [ ${#1} -le 40 ]
}
is_sha256() {
  case $1 in *[!0-9a-f]*) return 1 ;; esac
  [ ${#1} = 64 ]
}
need_run() { is_run "$Q_run" || fail PROTOCOL 'run is not a run id'; }
need_component() { is_component "$Q_component" || fail PROTOCOL 'component is not a name'; }
