# What a person without privilege may see: shared with the script of first contact.
fact() { o_new fact; o_s name "$1"; o_s value "$2"; o_end; }
facts_machine() {
  fm_id=unknown fm_version=''
  for fm_file in "$P/etc/os-release" /etc/os-release /usr/lib/os-release; do
    [ -r "$fm_file" ] || continue
    kv_get "$fm_file" ID && fm_id=$(printf '%s' "$KV" | tr -d '"')
    kv_get "$fm_file" VERSION_ID && fm_version=$(printf '%s' "$KV" | tr -d '"')
    break
  done
  fact os "$fm_id"
  fact os.version "$fm_version"
  fm_arch=$(uname -m)
  case $fm_arch in x86_64) fm_arch=amd64 ;; aarch64) fm_arch=arm64 ;; armv[67]*) fm_arch=arm ;; esac
  fact arch "$fm_arch"
  fact kernel "$(uname -r)"
  fact hostname "$(uname -n)"
  fact mem.available_kib "$(sed -n 's/^MemAvailable: *\([0-9]*\).*/\1/p' /proc/meminfo)"
  if [ "$(id -u)" = 0 ]; then fact privilege root; else fact privilege user; fi
  # An unknown sub-option of -Y is how an ssh-keygen that cannot verify answers.
  if ! command -v ssh-keygen >/dev/null; then
    fact verify no
  else
    case $(ssh-keygen -Y find-principals 2>&1 </dev/null) in *'nknown option'* | *'llegal option'* | *'nvalid option'*) fact verify no ;; *) fact verify yes ;; esac
  fi
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then fact cgroup 2; else fact cgroup 1; fi
}
# version_in TEXT: sets VERSION_FOUND to the first word that looks like a version, without what stands before its digits; or empty.
version_in() {
  VERSION_FOUND=$(printf '%s\n' "$1" | tr -s ' ' '\n' | sed -n 's/^[^0-9]*\([0-9][0-9]*\.[0-9][A-Za-z0-9.+~-]*\).*/\1/p' | head -n 1)
}
# distro_fact COMPONENT: what the distribution brought under that name, or as that shim of runc: `version path`.
distro_fact() {
  for df_dir in usr/local/sbin usr/local/bin usr/sbin usr/bin sbin bin; do
    df_name=$1
    [ ! -x "$P/$df_dir/$1-runc-v2" ] || df_name=$1-runc-v2
    df_file=$P/$df_dir/$df_name
    [ -x "$df_file" ] && [ -f "$df_file" ] || continue
    case $(readlink "$df_file") in */run/edgectl/*) continue ;; esac
    # containerd's shims know -v only.
    df_version=
    for df_flag in --version -v; do
      df_text=$(timeout -k 2 10 "$df_file" "$df_flag" </dev/null 2>&1 3>&- 4>&- | head -n 3) || df_text=
      version_in "$df_text"
      df_version=$VERSION_FOUND
      [ -z "$df_version" ] || break
    done
    fact "distro.$1" "${df_version:-unknown} /$df_dir/$df_name"
    return 0
  done
  fact "distro.$1" none
}
