# What a site has: tools, free bytes, the state of its registry, parts in the spool. Changes nothing.
# shellcheck shell=sh disable=SC2154 # ARG_* and the functions of answer.sh are put before it
probe_tools() {
  pt_missing=
  for pt_tool in curl sha256sum base64 flock setsid awk df; do
    command -v "$pt_tool" >/dev/null 2>&1 || pt_missing="$pt_missing $pt_tool"
  done
  say "{\"t\":\"tools\",\"missing\":\"${pt_missing# }\"}"
  case $pt_missing in *curl* | *awk*) end NO_TOOLS "the lead node lacks:$pt_missing" ;; *) ;; esac
}

probe_host() {
  case $(uname -m) in x86_64) ph_arch=amd64 ;; aarch64) ph_arch=arm64 ;; armv*) ph_arch=arm ;; *) ph_arch=$(uname -m | clean) ;; esac
  ph_dir=$SPOOL
  while [ ! -d "$ph_dir" ] && [ "$ph_dir" != / ]; do ph_dir=$(dirname "$ph_dir"); done
  ph_free=$(df -Pk "$ph_dir" | awk 'NR == 2 { print $4 }')
  ph_used=$(head -n 1 "$SPOOL/month/$(date -u +%Y-%m)" 2>/dev/null)
  if [ -w "$ph_dir" ]; then ph_writable=true; else ph_writable=false; fi
  say "{\"t\":\"host\",\"arch\":\"$ph_arch\",\"free\":$((${ph_free:-0} * 1024)),\"writable\":$ph_writable,\"month\":$((${ph_used:-0})),\"spool\":\"$(printf %s "$SPOOL" | clean)\"}"
}

probe_registry() {
  pr_code=$(registry_curl -o /dev/null -w '%{http_code}' "$ARG_registry/v2/" 2>/dev/null)
  case $pr_code in
    200) ;;
    401 | 403) end REGISTRY_AUTH "the registry of the site refuses access ($pr_code)" ;;
    *) end NO_REGISTRY "the registry of the site does not answer at $ARG_registry ($pr_code)" ;;
  esac
}

# Items are asked for in one curl, over one connection: a line of the answer is h (there), m (missing) or x for each.
probe_items() {
  pi_answer=$(
    {
      printf '%s\n' "$ARG_credentials"
      items | awk -v base="$ARG_registry" '{ print "url = \"" base "/v2/" $2 "/" $1 "/" $3 "\"" }'
    } | curl -q -sS -I -K - --connect-timeout 10 -m 300 -w '#%{http_code}\n' -H "Accept: $ARG_accept" |
      tr -d '\r' | awk '
        tolower($1) == "content-length:" { length_of = $2 }
        tolower($1) == "docker-content-digest:" { digest = $2 }
        /^#/ { print substr($0, 2), (length_of == "" ? "-" : length_of), (digest == "" ? "-" : digest); length_of = ""; digest = "" }'
  )
  {
    items
    echo .
    printf '%s\n' "$pi_answer"
  } | awk '
    !second && $1 == "." { second = 1; next }
    !second { kind[n] = $1; name[n] = $3; want[n] = $4; n++; next }
    NF == 3 {
      if ($1 == 200) {
        right = kind[i] == "blobs" ? $2 == want[i] : ($3 == want[i] || ($3 == "-" && name[i] == want[i]))
        line = line (right ? "h" : "x")
      } else line = line ($1 == 404 ? "m" : "x")
      i++
      if (length(line) >= 30000) { print "{\"t\":\"items\",\"have\":\"" line "\"}"; line = "" }
    }
    END { print "{\"t\":\"items\",\"have\":\"" line "\"}" }' >&4
}

probe_parts() {
  pp_i=0
  items | while read -r _ _ pp_digest _; do
    if [ -f "$SPOOL/parts/$pp_digest" ]; then
      say "{\"t\":\"part\",\"item\":$pp_i,\"at\":$(($(wc -c <"$SPOOL/parts/$pp_digest")))}"
    fi
    pp_i=$((pp_i + 1))
  done
}

# Lists of signatures that the site keeps under fallback tags, where its registry has no referrers API.
probe_referrers() {
  pf_i=0
  referrers | while read -r pf_repo pf_digest; do
    pf_code=$(registry_curl -o /dev/null -w '%{http_code}' "$ARG_registry/v2/$pf_repo/referrers/$pf_digest" 2>/dev/null)
    pf_tag=$(printf %s "$pf_digest" | tr ':' '-')
    pf_raw=$(registry_curl -f -H "Accept: $ARG_index" "$ARG_registry/v2/$pf_repo/manifests/$pf_tag" 2>/dev/null | base64 | tr -d '\n')
    if [ "${#pf_raw}" -gt 60000 ]; then exit 9; fi
    if [ "$pf_code" = 200 ]; then pf_api=true; else pf_api=false; fi
    say "{\"t\":\"referrers\",\"item\":$pf_i,\"api\":$pf_api,\"raw\":\"$pf_raw\"}"
    pf_i=$((pf_i + 1))
  done || end TOO_LARGE 'a list of signatures at the site is too large'
}

# Whether the site can reach the sources: any answer means yes.
probe_sources() {
  sources | while read -r ps_i ps_url; do
    ps_code=$(curl -q -s -o /dev/null --connect-timeout 5 -m 8 -w '%{http_code}' "$ps_url/v2/" 2>/dev/null)
    case $ps_code in '' | 000) ps_ok=false ;; *) ps_ok=true ;; esac
    say "{\"t\":\"source\",\"item\":$ps_i,\"reached\":$ps_ok}"
  done
}

main() {
  spool_of
  probe_tools
  probe_host
  for pm_job in "$SPOOL"/jobs/*; do if [ -d "$pm_job" ]; then job_line "$pm_job"; fi; done
  probe_registry
  probe_items
  probe_parts
  probe_referrers
  probe_sources
  end '' ''
}
