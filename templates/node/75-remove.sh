# remove_all: give the node back to its distribution; prints each path that went. Used by `eject` and by `node prepare --undo`.
remove_all() {
  sys_timer_stop edgectl-deadman
  # The runner of a change that was just closed may not be gone yet; its stop hook needs the kit.
  sys_stop edgectl-tx
  ra_units=
  REWIRED=
  rm -f "$V/unwired"
  for ra_file in "$R/wired"/*; do
    [ -f "$ra_file" ] || continue
    while read -r ra_kind ra_what; do
      [ "$ra_kind" = unit ] || continue
      sys_show "$ra_what"
      # Only a process of ours has to make way; one of the distribution's goes on undisturbed.
      if ours "$SHOW_PID"; then ra_units="$ra_units $ra_what"; fi
      removed "$ra_what.d/10-edgectl.conf"
    done <"$ra_file"
    unwire "${ra_file##*/}"
  done
  if [ -f "$V/unwired" ]; then while read -r ra_path; do removed "$ra_path"; done <"$V/unwired"; fi
  sys_ram_gone
  sys_trial_clear
  sys_remove_units
  [ -z "$ra_units$REWIRED" ] || sys_reload
  for ra_unit in $ra_units; do sys_restart "$ra_unit"; done
  ra_user='' ra_home=''
  if kv_get "$ETC/node.conf" created_home; then ra_home=$KV; fi
  if kv_get "$ETC/node.conf" created_user; then ra_user=$KV; fi
  # Before the note of who was created, so that a removal that was cut short can be made again to its end.
  if [ -n "$ra_user" ] && [ -z "$P" ]; then
    { userdel -f "$ra_user" || deluser "$ra_user"; } >/dev/null 2>&1
    case $ra_home in
      "/home/$ra_user") rm -rf "${ra_home:?}" ;;
      *) rm -rf "/home/${ra_user:?}/.ssh" && rmdir "/home/$ra_user" 2>/dev/null ;;
    esac
    removed "user $ra_user"
  fi
  our_paths remove_path
}
# our_paths DO: every path that is edgectl's and is there, without the root of a sandbox.
our_paths() {
  for op_path in /etc/sudoers.d/edgectl /etc/tmpfiles.d/edgectl.conf /etc/edgectl "${R#"$P"}" "${V#"$P"}" /usr/local/sbin/edgectl-node; do
    [ -e "$P$op_path" ] || continue
    # Of a mount point only what is in it is ours.
    if [ -d "$P$op_path" ] && [ -z "$(ls -A "$P$op_path")" ] && [ "$(stat -c %d "$P$op_path")" != "$(stat -c %d "$P$op_path/..")" ]; then continue; fi
    "$1" "$op_path"
  done
}
remove_path() {
  # R may be a file system of its own: what is in it goes, the mount point stays.
  rm -rf "$P${1:?}" 2>/dev/null || rm -rf "$P${1:?}"/* "$P${1:?}"/.[!.]* 2>/dev/null
  removed "$1"
}
removed() { o_new ejected; o_s path "$1"; o_end; }

# ours PID: does this process run from the store?
ours() {
  case $1 in '' | 0) return 1 ;; esac
  case $(readlink "/proc/$1/exe" 2>/dev/null) in "$R"/*) return 0 ;; esac
  tr '\000' '\n' 2>/dev/null <"/proc/$1/cmdline" | grep -q -F -e "$R/" -e "$V/active/"
}
