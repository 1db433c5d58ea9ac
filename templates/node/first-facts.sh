# Facts of a node that has no kit yet, without privilege: what cannot be seen is `unknown(privilege)`.
main() {
  P=$ARG_prefix
  R=$P/var/lib/edgectl
  V=$P/run/edgectl
  LOCKS=
  open_answer
  trap at_exit EXIT
  facts_machine
  ff_dir=$P/var/lib
  if [ -d "$R" ]; then ff_dir=$R; fi
  free_kib "$ff_dir"
  fact disk.free_kib "$FREE"
  read -r ff_boot </proc/sys/kernel/random/boot_id
  fact boot "$ff_boot"
  read -r ff_up _ </proc/uptime
  fact up "${ff_up%.*}"
  ff_version=$(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
  fact init "$(if [ -d /run/systemd/system ]; then echo systemd; else echo unknown; fi)"
  fact init.version "${ff_version:-0}"
  if [ -e "$P/usr/local/sbin/edgectl-node" ]; then fact kit installed; else fact kit none; fi
  if [ "$(id -u)" = 0 ]; then fact sudo root; elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then fact sudo yes; else fact sudo no; fi
  for ff_name in $(printf '%s' "$ARG_components" | tr ',' ' '); do distro_fact "$ff_name"; done
  done_ok
}
