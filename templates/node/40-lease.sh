# The lease: a fencing counter that survives (R/lease/counter: `token run`), a holder that does not (V/lease).

lease_high() {
  HIGH_TOKEN=0 HIGH_TOKEN_RUN=''
  if [ -f "$R/lease/counter" ]; then read -r HIGH_TOKEN HIGH_TOKEN_RUN <"$R/lease/counter" || :; fi
  is_number "$HIGH_TOKEN" || HIGH_TOKEN=0
}

# lease_load: sets L_* of the holder; fails when nobody holds it.
lease_load() {
  L_token='' L_run='' L_owner='' L_host='' L_since=0 L_until=0
  [ -f "$V/lease" ] || return 1
  for ll_key in token run owner host since until; do
    kv_get "$V/lease" "$ll_key"
    eval "L_$ll_key=\$KV"
  done
  up_now
  is_number "$L_until" && [ "$L_until" -gt "$UP" ]
}

lease_line() {
  if lease_load; then
    o_new lease; o_n held true; o_n token "$L_token"; o_s run "$L_run"; o_s owner "$L_owner"; o_s host "$L_host"
    o_n since "$((UP - L_since))"; o_n ttl_left "$((L_until - UP))"
  else
    lease_high
    o_new lease; o_n held false; o_n token "$HIGH_TOKEN"
  fi
  o_end
}

lease_write() {
  put_file "$V/lease" "token=$1${NL}run=$2${NL}owner=$3${NL}host=$4${NL}since=$5${NL}until=$6$NL"
}

verb_lease() {
  case $Q_op in
    show | '') lease_line; done_ok ;;
    take | renew | release) ;;
    *) fail PROTOCOL 'op is none of take, renew, release, show' ;;
  esac
  need_run
  mkdir -p "$V" "$R/lease" 2>/dev/null || fail READ_ONLY "$R cannot be written"
  lock lease || fail BUSY 'the lease is being changed'
  lease_high
  if [ "$Q_op" = take ]; then lease_take; else lease_keep; fi
  unlock lease
  lease_line
  done_ok
}

lease_take() {
  lease_ttl
  if lease_load && [ "$L_run" != "$Q_run" ]; then
    lease_line
    fail HELD "held by run $L_run of $L_owner at $L_host for $((UP - L_since)) s, $((L_until - UP)) s left"
  fi
  lt_token=$((HIGH_TOKEN + 1))
  put_file "$R/lease/counter" "$lt_token $Q_run$NL" || lease_no_space
  sync_disk
  up_now
  one_line "$Q_owner"
  lt_owner=$LINE
  one_line "$Q_host"
  lease_write "$lt_token" "$Q_run" "$lt_owner" "$LINE" "$UP" "$((UP + Q_ttl))" || lease_no_space
}
# Undoing a bad change must work on a full disk too, so only the reason differs.
lease_no_space() {
  free_kib "$R"
  if [ "$FREE" -gt 1024 ]; then fail READ_ONLY "$R cannot be written"; fi
  fail NO_SPACE "no space left in $R ($FREE KiB)"
}
lease_ttl() { is_number "$Q_ttl" && [ "$Q_ttl" -ge 1 ] && [ "$Q_ttl" -le 86400 ] || fail PROTOCOL 'ttl is not 1 to 86400 seconds'; }

lease_keep() {
  need_token
  if lease_load && [ "$L_run" != "$Q_run" ]; then lease_line; fail HELD "held by run $L_run of $L_owner at $L_host"; fi
  if [ "$Q_op" = release ]; then rm -f "$V/lease"; return 0; fi
  lease_ttl
  if [ -z "$L_token" ]; then L_owner=$Q_owner L_host=$Q_host; fi
  up_now
  [ "$L_since" != 0 ] || L_since=$UP
  one_line "$L_owner"
  lt_owner=$LINE
  one_line "$L_host"
  lease_write "$Q_token" "$Q_run" "$lt_owner" "$LINE" "$L_since" "$((UP + Q_ttl))" || lease_no_space
}

# need_token: a changing verb carries the highest token that was ever given, for its own run.
need_token() {
  lease_high
  is_number "$Q_token" || fail FENCED 'a changing verb needs the token of a lease'
  [ "$Q_token" = "$HIGH_TOKEN" ] && [ "$HIGH_TOKEN" != 0 ] || fail FENCED "token $Q_token is not the newest, $HIGH_TOKEN of run $HIGH_TOKEN_RUN"
  [ -z "$Q_run" ] || [ "$Q_run" = "$HIGH_TOKEN_RUN" ] || fail FENCED "token $Q_token was given to run $HIGH_TOKEN_RUN"
}
