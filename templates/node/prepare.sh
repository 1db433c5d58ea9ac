# What `node prepare` does on the node, as root, once; ARG_* and kit_text stand above. Idempotent.
check() { o_new check; o_s id "$1"; o_n ok "$2"; o_s detail "$3"; o_s hint "$4"; o_end; }
BAD=
# need ID OK DETAIL HINT: one check; the first that fails names the refusal.
need() {
  check "$1" "$2" "$3" "$4"
  [ "$2" = true ] || [ -n "$BAD" ] || BAD="$1: $3"
}

prepare_checks() {
  if [ -n "$P" ] || [ "$(id -u)" = 0 ]; then need privilege true 'root' ''; else need privilege false 'this login is not root' 'log in as root, or as a user with sudo, once'; fi
  # In this shell, too: the preflight below speaks from one of its own.
  sys_version
  if [ "$INIT" = sandbox ]; then
    need init true sandbox ''
  elif pc_text=$(sys_preflight); then
    need init true "systemd $INIT_VERSION" ''
  else
    need init false "${pc_text#init: }" 'this node cannot be updated with edgectl'
  fi
  pc_answer=$(ssh-keygen -Y find-principals 2>&1 </dev/null)
  if ! command -v ssh-keygen >/dev/null; then
    need signer false 'ssh-keygen is not installed' 'install openssh-client 8.2 or later'
  else
    case $pc_answer in
      *'nknown option'* | *'llegal option'* | *'nvalid option'* | *usage:*) need signer false 'this ssh-keygen cannot verify signatures' 'install openssh-client 8.2 or later' ;;
      *) need signer true 'ssh-keygen verifies signatures' '' ;;
    esac
  fi
  for pc_tool in sha256sum tar gzip awk sed find stat od timeout df mv readlink; do
    command -v "$pc_tool" >/dev/null || need tools false "$pc_tool is not installed" "install $pc_tool"
  done
  prepare_home_checks
  prepare_mounts
}
# A tunnel that is there stays as it is: who moves it can cut the node off.
prepare_home_checks() {
  [ -n "$ARG_home_bastion" ] || return 0
  if command -v ssh >/dev/null; then need call-home true 'ssh is installed' ''; else need call-home false 'ssh is not installed' 'install openssh-client'; fi
  home_conf
  if [ -f "$ETC/call-home.conf" ] && [ "$(cat "$ETC/call-home.conf")" != "$HOME_CONF" ]; then
    need call-home false 'it calls home elsewhere already' 'edgectl node prepare --undo first, on a way that does not go through the tunnel'
  fi
}
prepare_mounts() {
  pm_dir=$R
  while [ ! -d "$pm_dir" ]; do pm_dir=${pm_dir%/*}; [ -n "$pm_dir" ] || pm_dir=/; done
  pm_type=$(stat -f -c %T "$pm_dir" 2>/dev/null)
  if [ -z "$P" ] && { [ "$pm_type" = tmpfs ] || [ "$pm_type" = ramfs ]; }; then
    need durable false "/var/lib is on $pm_type and is empty after a boot" 'give /var/lib/edgectl a disk'
  else
    need durable true "${pm_type:-unknown}" ''
  fi
  if ! { true >"$pm_dir/.edgectl-probe"; } 2>/dev/null; then
    need read-only false "$pm_dir cannot be written" 'mount it writable'
    return 0
  fi
  printf '#!/bin/sh\nexit 0\n' >"$pm_dir/.edgectl-probe"
  chmod 700 "$pm_dir/.edgectl-probe"
  if "$pm_dir/.edgectl-probe" 2>/dev/null; then need exec-mount true "$pm_dir" ''; else need exec-mount false "programs cannot be run from $pm_dir" 'mount it without noexec'; fi
  rm -f "$pm_dir/.edgectl-probe"
  free_kib "$pm_dir"
  if [ "$FREE" -ge 65536 ]; then need disk true "$FREE KiB free" ''; else need disk false "$FREE KiB free below $pm_dir, 65536 needed" 'make room'; fi
  if ! { mkdir -p "$ETC" && true >"$ETC/.probe"; } 2>/dev/null; then need read-only false "$P/etc cannot be written" 'edgectl needs drop-ins in /etc'; fi
  rm -f "$ETC/.probe"
  if [ "$ARG_mode" = check ]; then rmdir "$ETC" 2>/dev/null; fi
  prepare_path
}
# The kit is what sudo runs: nobody but root may be able to replace it.
prepare_path() {
  if { mkdir -p "$P/usr/local/sbin" && true >"$P/usr/local/sbin/.edgectl-probe"; } 2>/dev/null; then
    rm -f "$P/usr/local/sbin/.edgectl-probe"
    KIT=$P/usr/local/sbin/edgectl-node
  else
    KIT=$R/bin/edgectl-node
  fi
  [ -z "$P" ] || return 0
  pp_dir=${KIT%/*}
  while [ -n "$pp_dir" ]; do
    if [ -d "$pp_dir" ]; then
      # shellcheck disable=SC2046
      set -- $(stat -c '%u %a' "$pp_dir")
      # Debian gives /usr/local to group staff, which is empty there.
      case $2 in
        *[2367]) need path false "$pp_dir can be written by everybody" "chmod o-w $pp_dir" ;;
        *) [ "$1" = 0 ] || need path false "$pp_dir does not belong to root" "chown root $pp_dir" ;;
      esac
    fi
    pp_dir=${pp_dir%/*}
  done
}

# todo WHAT: in a check, one thing that would be written or removed.
todo() { o_new todo; o_s path "$1"; o_end; }

# install_file PATH MODE TEXT: all or nothing; says so only when it differs. A check goes the same way and writes nothing.
install_file() {
  if [ -f "$1" ] && [ "$(cat "$1")" = "$(printf '%s' "$3")" ] && [ "$(stat -c %a "$1")" = "$2" ]; then return 0; fi
  if [ -n "$LOOK" ]; then todo "${1#"$P"}"; return 0; fi
  mkdir -p "${1%/*}" || fail READ_ONLY "${1%/*} cannot be written"
  { printf '%s' "$3" >"$1.tmp.$$"; } 2>/dev/null && chmod "$2" "$1.tmp.$$" && mv -f "$1.tmp.$$" "$1" || { rm -f "$1.tmp.$$"; fail NO_SPACE "$1 cannot be written"; }
  o_new prepared; o_s path "${1#"$P"}"; o_end
}

prepare_user() {
  CREATED='' CREATED_HOME=''
  if kv_get "$ETC/node.conf" created_user; then CREATED=$KV; fi
  if kv_get "$ETC/node.conf" created_home; then CREATED_HOME=$KV; fi
  [ -n "$ARG_user" ] && [ -z "$P" ] || return 0
  command -v sudo >/dev/null || fail PREFLIGHT "sudo: it is not installed, so $ARG_user cannot reach the kit"
  if [ -n "$LOOK" ]; then
    id "$ARG_user" >/dev/null 2>&1 || todo "user $ARG_user"
  elif ! id "$ARG_user" >/dev/null 2>&1; then
    # A home that we bring goes with the user; one that was there before stays.
    if [ ! -e "/home/$ARG_user" ]; then CREATED_HOME=/home/$ARG_user; fi
    { useradd --system --create-home --home-dir "/home/$ARG_user" --shell /bin/sh "$ARG_user" || adduser -S -D -h "/home/$ARG_user" -s /bin/sh "$ARG_user"; } >&2 || fail PREFLIGHT "user: $ARG_user cannot be created"
    CREATED=$ARG_user
    o_new prepared; o_s path "user $ARG_user"; o_end
  fi
  if [ -n "$ARG_authorized_key" ]; then
    pu_home=$(awk -F : -v user="$ARG_user" '$1 == user { print $6 }' /etc/passwd)
    pu_keys=$pu_home/.ssh/authorized_keys
    if [ -n "$LOOK" ]; then
      grep -qxF "$ARG_authorized_key" "$pu_keys" 2>/dev/null || todo "key of $ARG_user"
    else
      mkdir -p "$pu_home/.ssh"
      grep -qxF "$ARG_authorized_key" "$pu_keys" 2>/dev/null || printf '%s\n' "$ARG_authorized_key" >>"$pu_keys"
      chmod 700 "$pu_home/.ssh"
      chmod 600 "$pu_keys"
      chown -R "$ARG_user" "$pu_home/.ssh"
    fi
  fi
  pu_verbs=
  for pu_verb in hello facts lease stage adopt run status confirm revert undeny eject gc spool recover doctor tpm secret; do
    pu_verbs="$pu_verbs${pu_verbs:+, }$KIT $pu_verb"
  done
  install_file "$P/etc/sudoers.d/edgectl" 440 "$ARG_user ALL=(root) NOPASSWD: $pu_verbs$NL"
}

prepare_units() {
  [ "$INIT" = systemd ] || return 0
  install_file "$P/etc/tmpfiles.d/edgectl.conf" 644 "d /run/edgectl 0755 root root -${NL}L /run/edgectl/active - - - - /var/lib/edgectl/committed$NL"
  install_file "$P/etc/systemd/system/edgectl-recover.service" 644 "[Unit]
Description=Bring back the runtimes that edgectl committed
DefaultDependencies=no
After=local-fs.target systemd-tmpfiles-setup.service
RequiresMountsFor=/var/lib/edgectl
Before=multi-user.target
Conflicts=shutdown.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=$KIT recover
TimeoutStartSec=3600
[Install]
WantedBy=multi-user.target
"
  install_file "$P/etc/systemd/system/edgectl-fallback@.service" 644 "[Unit]
Description=Take back a runtime that failed (%i)
[Service]
Type=oneshot
ExecStart=$KIT fallback %i
TimeoutStartSec=600
"
  if [ -n "$LOOK" ]; then
    systemctl -q is-enabled edgectl-recover.service 2>/dev/null || todo 'edgectl-recover.service at boot'
    return 0
  fi
  systemctl daemon-reload >&2
  systemctl enable edgectl-recover.service >&2 2>&1
}

home_conf() {
  HOME_CONF="HOME_bastion=$ARG_home_bastion${NL}HOME_address=$ARG_home_address${NL}HOME_port=$ARG_home_port${NL}HOME_user=$ARG_home_user${NL}HOME_socket=$ARG_home_socket${NL}HOME_sshd=$ARG_home_sshd"
}
# prepare_home: the tunnel to a bastion, with a key that is made here and never leaves the node.
prepare_home() {
  [ -n "$ARG_home_bastion" ] && [ "$INIT" = systemd ] || return 0
  home_conf
  if [ ! -s "$ETC/call-home" ] || [ ! -s "$ETC/call-home.pub" ]; then
    if [ -n "$LOOK" ]; then
      todo /etc/edgectl/call-home
    else
      rm -f "$ETC/call-home" "$ETC/call-home.pub"
      ssh-keygen -q -t ed25519 -N '' -C "$ARG_node" -f "$ETC/call-home" >&2 </dev/null || fail PREFLIGHT 'call-home: a key pair cannot be made'
      o_new prepared; o_s path /etc/edgectl/call-home; o_end
    fi
  fi
  install_file "$ETC/call-home.known_hosts" 644 "$ARG_home_pins"
  install_file "$ETC/call-home.sh" 644 "$(printf '%s\n%s' "$HOME_CONF" "$(home_script)")$NL"
  install_file "$ETC/call-home.conf" 644 "$HOME_CONF$NL"
  install_file "$P/etc/systemd/system/edgectl-call-home.service" 644 "$(home_unit)$NL"
  if [ -n "$LOOK" ]; then
    systemctl -q is-enabled edgectl-call-home.service 2>/dev/null || todo 'edgectl-call-home.service at boot'
  else
    systemctl daemon-reload >&2
    # One that runs is left alone: this very script may have come through it.
    systemctl enable --now edgectl-call-home.service >&2 2>&1
  fi
  if [ -s "$ETC/call-home.pub" ]; then
    read -r ph_type ph_key _ <"$ETC/call-home.pub"
    o_new call-home; o_s bastion "$ARG_home_bastion"; o_s key "$ph_type $ph_key"; o_end
  fi
}

prepare_install() {
  prepare_user
  # Who the node is comes last but the kit: a kit that is there is a kit that works.
  install_file "$TRUST" 644 "$ARG_allowed_signers"
  if [ -z "$LOOK" ]; then
    mkdir -p "$ETC/inhibit.d" "$R/store" "$R/gen" "$R/tx" "$R/runs" "$R/lease" "$R/spool/new" "$V" || fail READ_ONLY "$R cannot be written"
    chmod 755 "$ETC" "$R"
  fi
  install_file "$ETC/node.conf" 644 "node=$ARG_node${NL}fleet=$ARG_fleet$NL${CREATED:+created_user=$CREATED$NL}${CREATED_HOME:+created_home=$CREATED_HOME$NL}"
  prepare_units
  prepare_home
  prepare_kit
  [ -n "$LOOK" ] || sync_disk
}

# prepare_kit: install it where there is none that works. One that can be upgraded by a transaction stays: a plain copy over it would
# not be taken back by anything.
prepare_kit() {
  same_kit "$KIT" && return 0
  pk_said=
  if [ -x "$KIT" ]; then pk_said=$(timeout -k 2 10 "$KIT" --version </dev/null 2>/dev/null 3>&- 4>&-); fi
  case $pk_said in
    "edgectl-node "*" protocol "*) ;;
    *) install_file "$KIT" 755 "$(kit_text)$NL"; return 0 ;;
  esac
  pk_file=$KIT
  if [ -x "$ACTIVE/kit/files/edgectl-node" ]; then pk_file=$ACTIVE/kit/files/edgectl-node; fi
  same_kit "$pk_file" && return 0
  pk_said=$("$pk_file" --version </dev/null 2>/dev/null 3>&- 4>&-)
  pk_said=${pk_said#edgectl-node }
  o_new kept; o_s path "${KIT#"$P"}"; o_s version "${pk_said%% *}"; o_end
}
# same_kit FILE: is it the kit that we bring, but for the time at which it was built?
same_kit() {
  [ -x "$1" ] || return 1
  [ "$(sed '/^KIT_BUILT=/d' "$1")" = "$(kit_text | sed '/^KIT_BUILT=/d')" ]
}

prepare_undo() {
  for un_dir in "$R/tx"/*; do
    if [ -d "$un_dir" ] && [ ! -e "$un_dir/closed" ] && [ -f "$V/trial" ]; then fail BUSY "transaction ${un_dir##*/} is open"; fi
  done
  if [ -n "$LOOK" ]; then our_paths todo; else remove_all; fi
}

main() {
  P=$ARG_prefix
  R=$P/var/lib/edgectl
  V=$P/run/edgectl
  ETC=$P/etc/edgectl
  TRUST=$ETC/trust/allowed_signers
  ACTIVE=$V/active
  KIT=$P/usr/local/sbin/edgectl-node
  INIT=$ARG_init
  LOCKS=
  open_answer
  trap at_exit EXIT
  sys_boot
  LOOK=
  case $ARG_mode in check*) LOOK=1 ;; esac
  if [ "${ARG_mode#check-}" = undo ]; then
    [ -n "$P" ] || [ "$(id -u)" = 0 ] || fail PREFLIGHT 'privilege: this login is not root'
    prepare_undo
    LOCKS=
    done_ok
  fi
  if [ -f "$ETC/node.conf" ] && kv_get "$ETC/node.conf" fleet && [ "$KV" != "$ARG_fleet" ]; then fail WRONG_FLEET "this node belongs to fleet $KV already"; fi
  prepare_checks
  [ -z "$BAD" ] || fail PREFLIGHT "$BAD"
  prepare_install
  done_ok
}
