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
  facts_support
  for ff_name in $(printf '%s' "$ARG_components" | tr ',' ' '); do distro_fact "$ff_name"; done
  done_ok
}
# What decides whether this node can be prepared, as far as everybody may see it.
facts_support() {
  fs_missing=
  for fs_tool in sha256sum tar gzip awk sed find stat od timeout df mv readlink; do
    command -v "$fs_tool" >/dev/null || fs_missing="$fs_missing${fs_missing:+ }$fs_tool"
  done
  fact tools.missing "${fs_missing:-none}"
  fs_cat=/usr/bin/cat
  if [ -x /bin/cat ]; then fs_cat=/bin/cat; fi
  case $(readlink -f "$fs_cat" 2>/dev/null) in *busybox*) fact userland busybox ;; *) fact userland other ;; esac
  fs_init=$(cat /proc/1/comm 2>/dev/null)
  fact init.name "${fs_init:-unknown}"
  fs_mode=none
  if [ -r /sys/fs/selinux/enforce ]; then fs_mode=$(cat /sys/fs/selinux/enforce); fi
  case $fs_mode in 1) fact selinux enforcing ;; 0) fact selinux permissive ;; *) fact selinux none ;; esac
  case $(ssh -V 2>&1 </dev/null) in OpenSSH*) fact ssh openssh ;; *) fact ssh none ;; esac
  fs_type=$(stat -f -c %T "$P/var/lib" 2>/dev/null)
  fact disk.type "${fs_type:-unknown}"
}
