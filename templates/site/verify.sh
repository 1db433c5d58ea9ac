# Reads blobs of the site's registry back and hashes them, over loopback. Changes nothing; no byte goes over the line.
# shellcheck shell=sh disable=SC2154 # ARG_* and the functions of answer.sh are put before it
main() {
  spool_of
  vf_i=0
  items | while read -r _ vf_repo vf_digest _; do
    case $vf_digest in sha512:*) vf_sum=sha512sum ;; *) vf_sum=sha256sum ;; esac
    vf_is=$(registry_curl -f "$ARG_registry/v2/$vf_repo/blobs/$vf_digest" 2>/dev/null | "$vf_sum")
    if [ "${vf_is%% *}" = "${vf_digest#*:}" ]; then vf_ok=true; else vf_ok=false; fi
    say "{\"t\":\"verified\",\"item\":$vf_i,\"ok\":$vf_ok}"
    vf_i=$((vf_i + 1))
  done
  end '' ''
}
