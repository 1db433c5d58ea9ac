# The sections about what runs on the machine, and about what was asked for by name.

# ob_components: lines `name version digest adopted service` of the active generation. The script of first contact has none.
ob_components() {
  active_gen
  for oc_link in "$R/gen/${AGEN:-none}"/*; do
    oc_name=${oc_link##*/}
    gen_component "${AGEN:-none}" "$oc_name" || continue
    oc_service=-
    if kv_get "$C_DIR/driver" service; then oc_service=$KV; fi
    printf '%s %s %s %s %s\n' "$oc_name" "$C_VERSION" "$C_DIGEST" "$C_ADOPTED" "$oc_service"
  done
}

# Runtimes: those of the generation, and those that were asked for and are the distribution's.
obs_runtime() {
  or_managed=$(ob_components)
  while read -r or_name or_version or_digest or_adopted or_service; do
    [ -n "$or_name" ] || continue
    ob "runtime.$or_name.version" "$or_version"
    ob "runtime.$or_name.bundle" "sha256:$or_digest"
    if [ "$or_adopted" = 1 ]; then ob "runtime.$or_name.source" adopted; else ob "runtime.$or_name.source" edgectl; fi
    or_file=
    for or_path in "$ACTIVE/$or_name/files/bin/$or_name" "$ACTIVE/$or_name/files/$or_name" "$ACTIVE/$or_name/files/edgectl-node"; do
      if [ -f "$or_path" ]; then or_file=$or_path; break; fi
    done
    ob_program "$or_name" "$or_file"
    ob_running "$or_name" "$or_service"
    ob_config "$or_name"
  done <<RUNTIMES
$or_managed
RUNTIMES
  ob_words "$Q_runtimes" | while read -r or_name; do
    case $or_name in '' | -* | *[!a-z0-9-]*) continue ;; esac
    case $NL$or_managed in *"$NL$or_name "*) continue ;; esac
    or_line=$(distro_fact "$or_name" 4>&1)
    or_text=${or_line#*'"value":"'}
    or_text=${or_text%'"}'}
    if [ "$or_text" = none ]; then ob "runtime.$or_name.version" absent; continue; fi
    case ${or_text%% *} in unknown) ob_no "runtime.$or_name.version" 'it does not say' ;; *) ob "runtime.$or_name.version" "${or_text%% *}" ;; esac
    ob "runtime.$or_name.source" distribution
    ob_program "$or_name" "$P${or_text#* }"
    ob_running "$or_name" "$or_name.service"
    ob_config "$or_name"
  done
}
# ob_program COMPONENT FILE: where the program is, and what it is.
ob_program() {
  if [ -z "$2" ]; then ob_no "runtime.$1.digest" 'no program of that name'; return 0; fi
  op_path=$(readlink -f "$2" 2>/dev/null) || op_path=$2
  ob "runtime.$1.path" "${op_path#"$P"}"
  if ob_digest "$op_path" 268435456; then ob "runtime.$1.digest" "$DIGEST"; else ob_no "runtime.$1.digest" "$WHY"; fi
}
# ob_running COMPONENT SERVICE: the version of the process that runs, which an exchanged file does not change.
ob_running() {
  case $2 in - | *[!A-Za-z0-9@._:-]*) return 0 ;; esac
  sys_unit_exists "$2" || return 0
  sys_show "$2"
  case $SHOW_PID in '' | 0) ob "runtime.$1.running" none; return 0 ;; esac
  oq_exe=$(readlink "/proc/$SHOW_PID/exe" 2>/dev/null) || { ob_no "runtime.$1.running" "$(ob_denied)"; return 0; }
  case $oq_exe in
    "$R/store/$1/"*)
      # The store names the version and the first digits of the bundle's digest.
      oq_dir=${oq_exe#"$R/store/$1/"}
      oq_dir=${oq_dir%%/*}
      ob "runtime.$1.running" "${oq_dir%-*}" ;;
    *' (deleted)') ob_no "runtime.$1.running" 'its file was replaced while it ran' ;;
    */"$1")
      version_in "$(timeout -k 1 5 "/proc/$SHOW_PID/exe" --version </dev/null 2>&1 3>&- 4>&- | head -n 3)"
      if [ -n "$VERSION_FOUND" ]; then ob "runtime.$1.running" "$VERSION_FOUND"; else ob_no "runtime.$1.running" 'it does not say'; fi ;;
    *) ob_no "runtime.$1.running" "process $SHOW_PID is another program" ;;
  esac
}
# ob_config COMPONENT: its configuration, where that has a known place.
ob_config() {
  case $1 in
    containerd) oc_file=etc/containerd/config.toml ;;
    docker) oc_file=etc/docker/daemon.json ;;
    crun | runc | runsc) oc_file=etc/containers/containers.conf ;;
    k3s) oc_file=etc/rancher/k3s/config.yaml ;;
    *) return 0 ;;
  esac
  if [ ! -e "$P/$oc_file" ]; then
    ob "runtime.$1.config_digest" absent
  elif ob_digest "$P/$oc_file" 4194304; then
    ob "runtime.$1.config_digest" "$DIGEST"
  else
    ob_no "runtime.$1.config_digest" "$WHY"
  fi
}

# ob_unit_names: the units that were asked for, one a line, each with its suffix.
ob_unit_names() {
  ob_words "$Q_units" | while read -r on_unit; do
    case $on_unit in '' | -* | *[!A-Za-z0-9@._:-]*) continue ;; *.*) ;; *) on_unit=$on_unit.service ;; esac
    printf '%s\n' "$on_unit"
  done
}
obs_unit() {
  ou_names=$(ob_unit_names)
  sys_observe_units
}
ob_no_unit() {
  ob "unit.$1.active" "$2"
  ob "unit.$1.enabled" "$2"
}

# Containers by name where an engine knows names: docker's own daemon is asked. Podman would write to its database to answer.
obs_container() {
  [ -S "$P/run/docker.sock" ] && command -v docker >/dev/null || return 0
  if [ ! -w "$P/run/docker.sock" ]; then ob_no container.docker privilege; return 0; fi
  if ! oc_text=$(timeout -k 1 10 docker ps --all --no-trunc --format '{{.Names}} {{.State}} {{.Image}}' 2>/dev/null); then
    ob_no container.docker 'docker does not answer'
    return 0
  fi
  ob container.docker "$(printf '%s\n' "$oc_text" | awk 'NF { n++ } END { print n + 0 }')"
  printf '%s\n' "$oc_text" | sort | head -n 100 | while read -r oc_name oc_state oc_image; do
    case $oc_name in '' | *[!A-Za-z0-9_.-]*) continue ;; esac
    ob "container.$oc_name.state" "$oc_state"
    ob "container.$oc_name.image" "$oc_image"
  done
}

# Images by reference, in containerd's namespaces.
obs_image() {
  oi_socket=$P/run/containerd/containerd.sock
  [ -S "$oi_socket" ] && command -v ctr >/dev/null || return 0
  if [ ! -w "$oi_socket" ]; then ob_no image.count privilege; return 0; fi
  if ! oi_spaces=$(timeout -k 1 5 ctr -a "$oi_socket" namespaces list -q 2>/dev/null); then ob_no image.count 'containerd does not answer'; return 0; fi
  oi_all=
  for oi_space in $oi_spaces; do
    case $oi_space in *[!A-Za-z0-9._-]*) continue ;; esac
    oi_text=$(timeout -k 1 5 ctr -a "$oi_socket" -n "$oi_space" images list 2>/dev/null) || { ob_no image.count 'containerd does not answer'; return 0; }
    oi_all=$oi_all$(printf '%s\n' "$oi_text" | awk 'NR > 1 && $3 ~ /^sha256:/ { print $1, $3 }')$NL
  done
  oi_all=$(printf '%s\n' "$oi_all" | sed '/^$/d' | sort -u)
  ob image.count "$(printf '%s\n' "$oi_all" | awk 'NF { n++ } END { print n + 0 }')"
  printf '%s\n' "$oi_all" | head -n 200 | while read -r oi_ref oi_digest; do
    case $oi_ref in '' | sha256:* | *@sha256:* | *[!A-Za-z0-9._/:-]*) continue ;; esac
    ob "image.$oi_ref" "$oi_digest"
  done
}

obs_package() {
  [ -n "$Q_packages" ] || return 0
  op_names=$(ob_words "$Q_packages" | grep '^[a-z0-9][a-z0-9+.-]*$')
  if ! command -v dpkg-query >/dev/null; then
    for op_name in $op_names; do ob_no "package.$op_name" 'no dpkg here'; done
    return 0
  fi
  # It ends with 1 when one of them is not known.
  # shellcheck disable=SC2016,SC2086
  op_text=$(timeout -k 1 10 dpkg-query --admindir="$P/var/lib/dpkg" -W -f '${Package} ${Version} ${db:Status-Status}\n' -- $op_names 2>/dev/null)
  op_status=$?
  for op_name in $op_names; do
    if [ "$op_status" -gt 1 ]; then ob_no "package.$op_name" 'dpkg-query failed'; continue; fi
    op_found=$(printf '%s\n' "$op_text" | awk -v name="$op_name" '$1 == name && $3 == "installed" { print $2 }' | sort -u | tr '\n' ' ')
    op_found=${op_found% }
    ob "package.$op_name" "${op_found:-absent}"
  done
}

# Files: never what is in them.
obs_file() {
  [ -n "$Q_files" ] || return 0
  printf '%s\n' "$Q_files" | while IFS= read -r of_path; do
    case $of_path in /*) ;; *) continue ;; esac
    of_file=$P$of_path
    if [ ! -e "$of_file" ] && [ ! -L "$of_file" ]; then
      # Without the right to look into the directory, nobody can say that it is not there.
      of_dir=${of_file%/*}
      while [ ! -e "${of_dir:-/}" ]; do of_dir=${of_dir%/*}; done
      if [ -x "${of_dir:-/}" ]; then
        for of_what in digest mode owner; do ob "file.$of_path.$of_what" absent; done
      else
        for of_what in digest mode owner; do ob_no "file.$of_path.$of_what" privilege; done
      fi
      continue
    fi
    if [ -L "$of_file" ]; then ob "file.$of_path.link" "$(readlink "$of_file")"; fi
    if of_text=$(ob_quick 5 stat -L -c '%a %U:%G %u:%g' "$of_file" 2>/dev/null); then
      of_mode=${of_text%% *}
      of_text=${of_text#* }
      case $of_text in *UNKNOWN*) of_owner=${of_text#* } ;; *) of_owner=${of_text%% *} ;; esac
      ob "file.$of_path.mode" "$of_mode"
      ob "file.$of_path.owner" "$of_owner"
    else
      for of_what in mode owner; do ob_no "file.$of_path.$of_what" 'cannot be read'; done
    fi
    if [ -d "$of_file" ]; then
      ob "file.$of_path.digest" directory
    elif ob_digest "$of_file" 67108864; then
      ob "file.$of_path.digest" "$DIGEST"
    else
      ob_no "file.$of_path.digest" "$WHY"
    fi
  done
}

# Certificates travel as they are, and only they: the operator's side reads them, in no locale and without openssl on the node.
obs_certificate() {
  oc_files=$Q_certificates
  if [ -z "$oc_files" ]; then
    for oc_file in "$P"/etc/kubernetes/pki/*.crt "$P"/var/lib/kubelet/pki/*.crt "$P"/var/lib/rancher/k3s/server/tls/*.crt "$P"/etc/docker/*.pem; do
      [ ! -f "$oc_file" ] || oc_files="$oc_files${oc_file#"$P"}$NL"
    done
  fi
  printf '%s\n' "$oc_files" | head -n 20 | while IFS= read -r oc_file; do
    case $oc_file in /*) ;; *) continue ;; esac
    if [ ! -e "$P$oc_file" ]; then ob "certificate.$oc_file.expires" absent; continue; fi
    if [ ! -f "$P$oc_file" ] || [ ! -r "$P$oc_file" ]; then ob_no "certificate.$oc_file.expires" "$(ob_denied)"; continue; fi
    oc_pem=$(ob_quick 5 head -c 65536 "$P$oc_file" 2>/dev/null | sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/{
p
/^-----END/q
}' | tr -d '\n\r')
    case $oc_pem in
      -----BEGIN*) if [ ${#oc_pem} -le 8192 ]; then ob "certificate.$oc_file.pem" "$oc_pem"; else ob_no "certificate.$oc_file.expires" 'too long'; fi ;;
      *) ob_no "certificate.$oc_file.expires" 'no certificate in it' ;;
    esac
  done
}
