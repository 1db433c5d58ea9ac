# systemd, 240 or later.
sys_boot() {
  TICK=1
  read -r BOOT </proc/sys/kernel/random/boot_id
  BOOTED_AT=0
}
sys_version() {
  INIT_VERSION=$(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
  [ -n "$INIT_VERSION" ] || INIT_VERSION=0
}
sys_preflight() {
  sys_version
  [ -d /run/systemd/system ] && [ "$INIT_VERSION" -ge 240 ] || { echo "init: systemd 240 or later is needed, this is ${INIT_VERSION:-none}"; return 1; }
  if [ -r /sys/fs/selinux/enforce ] && [ "$(cat /sys/fs/selinux/enforce)" = 1 ]; then echo 'init: SELinux is enforcing, which this kit was never tried with'; return 1; fi
}
sys_unit_exists() { systemctl cat "$1" >/dev/null 2>&1; }
sys_kill_mode() {
  KILL_MODE=$(systemctl show -p KillMode "$1" 2>/dev/null)
  KILL_MODE=${KILL_MODE#KillMode=}
}
sys_show() {
  SHOW_STATE=inactive SHOW_PID=0 SHOW_RESTARTS=0 SHOW_RESULT=success
  ss_text=$(systemctl show -p ActiveState -p MainPID -p NRestarts -p Result "$1" 2>/dev/null)
  for ss_word in $ss_text; do
    case $ss_word in
      ActiveState=*) SHOW_STATE=${ss_word#*=} ;;
      MainPID=*) SHOW_PID=${ss_word#*=} ;;
      NRestarts=*) SHOW_RESTARTS=${ss_word#*=} ;;
      Result=*) SHOW_RESULT=${ss_word#*=} ;;
    esac
  done
}
# sys_running UNIT: it runs, or a job for it waits. A manager too busy to answer has not said that it does not run, and what is
# taken for dead is taken back: asked again, and in the end taken for running.
sys_running() {
  sr_tries=0
  until sr_text=$(systemctl show -p ActiveState -p Job "$1.service" 2>/dev/null); do
    sr_tries=$((sr_tries + 1))
    [ "$sr_tries" -lt 5 ] || return 0
    tick
  done
  for sr_word in $sr_text; do
    case $sr_word in
      ActiveState=active | ActiveState=activating | ActiveState=deactivating | ActiveState=reloading | Job=[1-9]*) return 0 ;;
    esac
  done
  return 1
}
# The caller watches what comes of it, with its own limit.
sys_restart() {
  systemctl reset-failed "$1" >/dev/null 2>&1
  systemctl restart --no-block "$1" >/dev/null 2>&1
  sleep 1
}
sys_stop() { systemctl stop "$1.service" >/dev/null 2>&1; }
# sys_halt UNIT: a unit of the runtimes, by its full name.
sys_halt() { systemctl stop "$1" >/dev/null 2>&1; }
sys_reload() { systemctl daemon-reload >/dev/null 2>&1; }
sys_stopping() { [ "$(systemctl is-system-running 2>/dev/null)" = stopping ]; }
# sys_forget UNIT: one that has ended must not keep its name. systemd may hold on to it in spite of --collect, seen under
# cgroup v1 where it is not told that a cgroup has become empty; then only a missing file and a reload make it let go.
sys_forget() {
  systemctl reset-failed "$1" >/dev/null 2>&1
  [ -e "/run/systemd/transient/$1" ] || return 0
  sys_show "$1"
  case $SHOW_STATE in inactive | failed) ;; *) return 0 ;; esac
  rm -f "/run/systemd/transient/$1"
  sys_reload
}
# sys_transient UNIT CAP STOPCAP STOPVERB ARGV…: the unit's name is the lock; the stop hook runs also after kill -9.
sys_transient() {
  st_unit=$1 st_cap=$2 st_stop_cap=$3 st_stop=$4
  shift 4
  # Whatever still runs under that name is the tail of a change that is closed: the caller has seen to it that none is open.
  # systemd keeps the name for a moment after that, and a busy one may fail to answer although it did what it was asked.
  st_tries=0 st_refused=0
  while [ "$st_tries" -lt 60 ] && [ "$st_refused" -lt 10 ]; do
    if ! sys_running "$st_unit"; then
      sys_forget "$st_unit.service"
      systemd-run --quiet --no-block --collect --unit="$st_unit" --description="$*" -p Type=exec -p KillMode=control-group \
        -p OOMScoreAdjust=-900 -p RuntimeMaxSec="$st_cap" -p TimeoutStopSec="$st_stop_cap" -p ExecStopPost="$KIT $st_stop" "$@" \
        >/dev/null 2>&1 </dev/null && return 0
      st_refused=$((st_refused + 1))
    fi
    if [ "$(systemctl show -p Description "$st_unit.service" 2>/dev/null)" = "Description=$*" ]; then return 0; fi
    st_tries=$((st_tries + 1))
    tick
  done
  return 1
}
sys_timer() {
  st_unit=$1 st_cap=$2
  shift 2
  systemctl stop "$st_unit.timer" >/dev/null 2>&1
  sys_forget "$st_unit.service"
  sys_forget "$st_unit.timer"
  systemd-run --quiet --collect --unit="$st_unit" --on-active="$st_cap" --timer-property=AccuracySec=1s "$@" >/dev/null 2>&1 </dev/null
}
sys_timer_active() { systemctl is-active --quiet "$1.timer"; }
sys_timer_stop() { systemctl stop "$1.timer" >/dev/null 2>&1 || :; }
# sys_processes COMM: pids of processes whose name starts so. One grep over what may be thousands.
sys_processes() { grep -ls "^$1" /proc/[0-9]*/comm 2>/dev/null | cut -d/ -f3; }
sys_log() { journalctl -u "$1" -n "${2:-20}" -o cat --no-pager 2>/dev/null; }
# sys_dropin UNIT EXEC PATH HELD: durable; sets REWIRED when something changed. HELD: the unit starts only while nobody holds it, or in
# the trial of this boot (systemd.unit(5): of conditions with a pipe one must hold).
sys_dropin() {
  sd_dir=$P/etc/systemd/system/$1.d
  sd_text="# Written by edgectl; \`edgectl node eject\` removes it.
[Unit]
OnFailure=edgectl-fallback@%n.service
RequiresMountsFor=/var/lib/edgectl
After=edgectl-recover.service
"
  [ -z "$4" ] || sd_text="${sd_text}ConditionPathExists=|!$R/held/$1
ConditionPathExists=|$V/let/$1
"
  sd_text="${sd_text}[Service]
ExecStart=
ExecStart=$2
"
  [ -z "$3" ] || sd_text="${sd_text}Environment=PATH=$3$PATH$NL"
  kv_same "$sd_dir/10-edgectl.conf" "$sd_text" && return 0
  REWIRED=1
  mkdir -p "$sd_dir" && put_file "$sd_dir/10-edgectl.conf" "$sd_text"
}
sys_dropin_remove() {
  rm -f "$P/etc/systemd/system/$1.d/10-edgectl.conf"
  rmdir "$P/etc/systemd/system/$1.d" 2>/dev/null || :
}
# sys_trial UNIT START_TIMEOUT: volatile, and stronger than what /etc says.
sys_trial() {
  mkdir -p "/run/systemd/system/$1.d"
  printf '[Unit]\nStartLimitIntervalSec=300\nStartLimitBurst=3\n[Service]\nTimeoutStartSec=%s\n' "$2" >"/run/systemd/system/$1.d/50-trial.conf"
}
sys_trial_clear() {
  stc_found=
  for stc_file in /run/systemd/system/*.d/50-trial.conf; do
    [ -f "$stc_file" ] || continue
    rm -f "$stc_file"
    rmdir "${stc_file%/*}" 2>/dev/null
    stc_found=1
  done
  [ -z "$stc_found" ] || sys_reload
}
# sys_hang_up: the tunnel ends a moment after this answer, which may travel through it.
sys_hang_up() {
  [ -f "$P/etc/systemd/system/edgectl-call-home.service" ] || return 0
  systemctl disable edgectl-call-home.service >/dev/null 2>&1
  rm -f "$P/etc/systemd/system/edgectl-call-home.service"
  removed /etc/systemd/system/edgectl-call-home.service
  systemd-run --quiet --no-block --collect --on-active=5s --timer-property=AccuracySec=1s systemctl stop edgectl-call-home.service \
    >/dev/null 2>&1 </dev/null
}
# sys_ram: memory that is never swapped, for what was opened. ramfs, because tmpfs may swap before Linux 6.4.
sys_ram() {
  [ "$(stat -f -c %T "$RAM" 2>/dev/null)" = ramfs ] && return 0
  mkdir -p "$RAM" && chmod 755 "$RAM" && mount -t ramfs -o mode=0755,nodev,nosuid,noexec ramfs "$RAM"
}
sys_ram_gone() { umount "$V/secrets" 2>/dev/null || :; }
# sys_secret_units: opening at boot, and the socket that LoadCredential= reads.
sys_secret_units() {
  ssu_dir=$P/etc/systemd/system
  ssu_changed=
  secret_unit edgectl-secrets.service "[Unit]
Description=Open the secrets of this node
After=edgectl-recover.service
RequiresMountsFor=/var/lib/edgectl
Before=multi-user.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=$ENTRY secrets-open
TimeoutStartSec=600
[Install]
WantedBy=multi-user.target
"
  secret_unit edgectl-credentials.socket "[Unit]
Description=Secrets of this node for LoadCredential=
[Socket]
ListenStream=/run/edgectl/credentials.sock
SocketMode=0600
Accept=yes
MaxConnections=64
[Install]
WantedBy=sockets.target
"
  secret_unit edgectl-credentials@.service "[Unit]
Description=A secret for a unit (%i)
CollectMode=inactive-or-failed
[Service]
ExecStart=$ENTRY credential %i
StandardInput=null
StandardOutput=socket
StandardError=journal
TimeoutStartSec=600
"
  [ -n "$ssu_changed" ] || return 0
  sys_reload
  systemctl enable edgectl-secrets.service >/dev/null 2>&1
  systemctl enable --now edgectl-credentials.socket >/dev/null 2>&1
}
secret_unit() {
  kv_same "$ssu_dir/$1" "$2" && return 0
  ssu_changed=1
  put_file "$ssu_dir/$1" "$2"
}
sys_remove_units() {
  sys_hang_up
  # It remains active after its run; stopped, systemd has nothing to remember it for.
  systemctl disable --now edgectl-recover.service >/dev/null 2>&1
  for sru_unit in edgectl-secrets.service edgectl-credentials.socket; do
    [ ! -f "$P/etc/systemd/system/$sru_unit" ] || systemctl disable --now "$sru_unit" >/dev/null 2>&1
  done
  for sru_unit in edgectl-tx.service edgectl-deadman.service edgectl-deadman.timer; do sys_forget "$sru_unit"; done
  for sru_unit in edgectl-recover.service edgectl-fallback@.service edgectl-secrets.service edgectl-credentials.socket edgectl-credentials@.service; do
    [ -f "$P/etc/systemd/system/$sru_unit" ] || continue
    rm -f "$P/etc/systemd/system/$sru_unit"
    removed "/etc/systemd/system/$sru_unit"
  done
  sys_reload
}
# sys_observe_units: the attributes of the units in ou_names, and of those that have failed.
sys_observe_units() {
  if [ ! -d /run/systemd/system ]; then
    ob_no unit.failed 'no systemd here'
    for ou_name in $ou_names; do ob_no "unit.$ou_name.active" 'no systemd here'; done
    return 0
  fi
  if ou_text=$(timeout -k 1 10 systemctl list-units --state=failed --plain --no-legend --no-pager 2>/dev/null); then
    # shellcheck disable=SC2046
    ob_list unit.failed $(printf '%s\n' "$ou_text" | awk 'NF { print $1 }' | head -n 64)
  else
    ob_no unit.failed 'systemd does not answer'
  fi
  [ -n "$ou_names" ] || return 0
  # shellcheck disable=SC2086
  if ! ou_text=$(timeout -k 1 10 systemctl show --no-pager -p LoadState -p ActiveState -p UnitFileState -p NRestarts -p Result $ou_names 2>/dev/null); then
    for ou_name in $ou_names; do ob_no "unit.$ou_name.active" 'systemd does not answer'; done
    return 0
  fi
  # One block a unit, in the order asked, an empty line between two.
  # shellcheck disable=SC2086
  set -- $ou_names
  ou_load='' ou_active='' ou_enabled='' ou_restarts='' ou_result=''
  while IFS= read -r ou_line; do
    case $ou_line in
      LoadState=*) ou_load=${ou_line#*=} ;;
      ActiveState=*) ou_active=${ou_line#*=} ;;
      UnitFileState=*) ou_enabled=${ou_line#*=} ;;
      NRestarts=*) ou_restarts=${ou_line#*=} ;;
      Result=*) ou_result=${ou_line#*=} ;;
      '')
        [ $# -gt 0 ] && [ -n "$ou_load" ] || continue
        if [ "$ou_load" = not-found ]; then
          ob_no_unit "$1" absent
        else
          ob "unit.$1.active" "$ou_active"
          ob "unit.$1.enabled" "${ou_enabled:-none}"
          [ -z "$ou_result" ] || ob "unit.$1.result" "$ou_result"
          ! is_number "$ou_restarts" || ob "unit.$1.restarts" "$ou_restarts"
        fi
        shift
        ou_load='' ou_active='' ou_enabled='' ou_restarts='' ou_result='' ;;
    esac
  done <<UNITS
$ou_text

UNITS
}
