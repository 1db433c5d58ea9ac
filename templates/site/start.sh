# Puts a job and its runner into the spool of a site and starts it, so that it goes on when nobody watches. Asked again it starts none.
# shellcheck shell=sh disable=SC2154 # ARG_* and the functions of answer.sh are put before it
main() {
  spool_of
  umask 077
  JOB=$SPOOL/jobs/$ARG_job
  mkdir -p "$SPOOL/parts" "$SPOOL/jobs" "$SPOOL/month" || end NO_SPOOL "the spool cannot be made"
  if [ -d "$JOB" ] && alive "$JOB"; then
    job_line "$JOB"
    end '' ''
  fi
  # Jobs that are over and not the last ten are of no use to anybody.
  st_n=0
  # shellcheck disable=SC2012 # names are ours: hexadecimal digits
  ls -t "$SPOOL/jobs" | while read -r st_old; do
    st_n=$((st_n + 1))
    if [ "$st_n" -gt 10 ] && ! alive "$SPOOL/jobs/$st_old"; then rm -rf "${SPOOL:?}/jobs/$st_old"; fi
  done
  rm -rf "$JOB.new"
  mkdir -p "$JOB.new/manifest" || end NO_SPOOL "the job cannot be written"
  write_job "$JOB.new" || end NO_SPOOL "the job cannot be written"
  if [ -f "$JOB/status.jsonl" ]; then cp "$JOB/status.jsonl" "$JOB.new/status.jsonl"; fi
  rm -rf "$JOB"
  mv "$JOB.new" "$JOB" || end NO_SPOOL "the job cannot be written"
  secrets=
  if [ -n "$ARG_secrets" ]; then
    for st_dir in "${XDG_RUNTIME_DIR:-/nonexistent}" /dev/shm; do
      if [ -d "$st_dir" ] && [ -w "$st_dir" ] && [ "$(stat -f -c %T "$st_dir" 2>/dev/null)" = tmpfs ]; then
        secrets=$(mktemp "$st_dir/edgectl-cache.XXXXXXXX") && break
      fi
    done
    if [ -z "$secrets" ]; then end NO_TMPFS "there is no file system in memory to hand the credentials over"; fi
    printf '%s\n' "$ARG_secrets" >"$secrets"
  fi
  printf 'spool=%s\nsecrets=%s\n' "$SPOOL" "$secrets" >>"$JOB/job"
  runner >"$JOB/spool.sh"
  st_unit=edgectl-cache-$(printf %s "$ARG_job" | cut -c1-12)
  if [ "$(id -u)" = 0 ] && [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then
    systemctl reset-failed "$st_unit" >/dev/null 2>&1
    systemd-run --quiet --collect --unit "$st_unit" -p CPUWeight=20 -p IOWeight=20 -p Nice=10 sh "$JOB/spool.sh" "$JOB" </dev/null ||
      end NOT_STARTED "systemd-run did not start the job"
  else
    # No descriptor of the connection may stay open, or it would not end.
    setsid nohup nice -n 10 sh "$JOB/spool.sh" "$JOB" </dev/null >"$JOB/log" 2>&1 4>&- &
  fi
  st_n=0
  while [ ! -f "$JOB/state" ] && [ "$st_n" -lt 60 ]; do
    st_n=$((st_n + 1))
    sleep 1
  done
  if [ ! -f "$JOB/state" ]; then end NOT_STARTED "the job did not begin: $(tail -n 1 "$JOB/log" 2>/dev/null | clean)"; fi
  job_line "$JOB"
  end '' ''
}
