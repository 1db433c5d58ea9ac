# What the jobs of a site are doing, and what one of them wrote since a line.
# shellcheck shell=sh disable=SC2154 # ARG_* and the functions of answer.sh are put before it
main() {
  spool_of
  for sm_job in "$SPOOL"/jobs/*; do
    if [ -d "$sm_job" ]; then case $ARG_job in '' | "${sm_job##*/}") job_line "$sm_job" ;; *) ;; esac; fi
  done
  if [ -n "$ARG_job" ]; then
    sed -n "$((ARG_after + 1)),$((ARG_after + 500))p" "$SPOOL/jobs/$ARG_job/status.jsonl" 2>/dev/null | grep '}$' >&4
  fi
  say "{\"t\":\"month\",\"bytes\":$(($(head -n 1 "$SPOOL/month/$(date -u +%Y-%m)" 2>/dev/null || echo 0)))}"
  end '' ''
}
