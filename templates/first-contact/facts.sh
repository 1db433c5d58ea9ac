# Facts of a node without a kit, read only, as any user: piped to `sh -s`. docs/reference/node-protocol.md, sections 6 and 7.
set -u
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C

# fact NAME VALUE: one answer line; control characters and what would end a JSON string are dropped.
fact() {
  case $2 in
    '') return 0 ;;
    *[!A-Za-z0-9._\ :/+~@,=\(\)-]*) f_value=$(printf '%s' "$2" | tr -d '\000-\037\177"\134' | tr '\200-\377' '?') ;;
    *) f_value=$2 ;;
  esac
  printf '{"t":"fact","name":"%s","value":"%s"}\n' "$1" "$f_value"
}

has() { command -v "$1" >/dev/null 2>&1; }

os_facts() {
  [ -r /etc/os-release ] || return 0
  # os-release(5) is made to be sourced; a subshell keeps its names out of here.
  (
    ID='' VERSION_ID='' PRETTY_NAME=''
    # shellcheck disable=SC1091
    . /etc/os-release
    fact os.id "$ID"
    fact os.version "$VERSION_ID"
    fact os.name "$PRETTY_NAME"
  )
}

kernel_facts() {
  # One process for both words: `-r` and `-m` are printed in that order.
  # shellcheck disable=SC2046
  set -- $(uname -rm)
  fact kernel "${1-}"
  fact arch "${2-}"
}

init_facts() {
  i_name=
  { IFS= read -r i_name </proc/1/comm; } 2>/dev/null
  if [ -d /run/systemd/system ]; then i_name=systemd; fi
  fact init "$i_name"
  [ "$i_name" = systemd ] && has systemctl || return 0
  # shellcheck disable=SC2046
  set -- $(systemctl --version 2>/dev/null)
  fact init.version "${2-}"
}

disk_facts() {
  d_dir=/var/lib/edgectl
  [ -d "$d_dir" ] || d_dir=/var/lib
  # shellcheck disable=SC2046
  set -- $(df -Pk "$d_dir" 2>/dev/null | tail -n 1)
  fact disk.free_kib "${4-}"
  d_mount=${6-/}
  d_ro=0
  while read -r _ d_at _ d_options _; do
    [ "$d_at" = "$d_mount" ] || continue
    case ,$d_options, in *,ro,*) d_ro=1 ;; *) d_ro=0 ;; esac
  done </proc/mounts 2>/dev/null
  fact disk.read_only "$d_ro"
}

memory_facts() {
  while read -r m_key m_value _; do
    case $m_key in
      MemTotal:) fact memory.total_kib "$m_value" ;;
      MemAvailable:) fact memory.available_kib "$m_value"; break ;;
    esac
  done </proc/meminfo 2>/dev/null
}

boot_facts() {
  b_value=
  { read -r b_value </proc/sys/kernel/random/boot_id; } 2>/dev/null
  fact boot.id "$b_value"
  b_value=
  { read -r b_value _ </proc/uptime; } 2>/dev/null
  fact boot.up "${b_value%.*}"
  fact clock.now "$(date +%s)"
}

privilege_facts() {
  if [ "$(id -u)" = 0 ]; then fact privilege root
  elif has sudo && sudo -n true >/dev/null 2>&1; then fact privilege sudo
  else fact privilege none
  fi
}

tool_facts() {
  for t_name in ssh-keygen sha256sum systemctl systemd-run tar gzip sudo; do
    if has "$t_name"; then fact "tool.$t_name" 1; fi
  done
}

component_facts() {
  if has containerd; then
    # `containerd github.com/containerd/containerd 1.6.20~ds1 …`
    # shellcheck disable=SC2046
    set -- $(containerd --version 2>/dev/null)
    fact installed.containerd "${3-}"
  fi
  if has runc; then
    # shellcheck disable=SC2046
    set -- $(runc --version 2>/dev/null)
    fact installed.runc "${3-}"
  fi
  if has crun; then
    # shellcheck disable=SC2046
    set -- $(crun --version 2>/dev/null)
    fact installed.crun "${3-}"
  fi
}

main() {
  os_facts
  kernel_facts
  init_facts
  disk_facts
  memory_facts
  boot_facts
  privilege_facts
  tool_facts
  component_facts
  printf '{"t":"end","ok":true}\n'
}
