# The sandbox: the lab's init answers lines on descriptor 3 (protocol page, section 8); boot id and start stand in run/lab-init.
sb_word() {
  case $1 in
    *[%\ ]*) SB_WORD=$(printf '%s' "$1" | sed 's/%/%25/g; s/ /%20/g') ;;
    '') SB_WORD=%00 ;;
    *) SB_WORD=$1 ;;
  esac
}
# sb VERB ARG…: sets SB to the answer's words; fails when the answer is no, or when nobody answers.
sb() {
  sb_line=$1
  shift
  for sb_arg; do sb_word "$sb_arg"; sb_line="$sb_line $SB_WORD"; done
  SB=
  { printf '%s\n' "$sb_line" >&3; } 2>/dev/null || return 1
  IFS= read -r SB <&3 || return 1
  case $SB in
    ok) SB= ;;
    'ok '*) SB=${SB#ok } ;;
    *) return 1 ;;
  esac
}
sys_boot() {
  TICK=0.2
  BOOT=none
  BOOTED_AT=0
  if [ -f "$P/run/lab-init/boot_id" ]; then read -r BOOT <"$P/run/lab-init/boot_id"; fi
  if [ -f "$P/run/lab-init/booted_at" ]; then read -r BOOTED_AT <"$P/run/lab-init/booted_at"; fi
}
sys_version() { INIT_VERSION=1; }
sys_preflight() { sb boot-id || { echo 'init: the lab'\''s init does not answer'; return 1; }; }
sys_unit_exists() { [ -f "$P/etc/lab-init/units/$1.unit" ]; }
sys_kill_mode() {
  KILL_MODE=process
  if kv_get "$P/etc/lab-init/units/$1.unit" kill; then KILL_MODE=$KV; fi
}
sys_show() {
  SHOW_STATE=inactive SHOW_PID=0 SHOW_RESTARTS=0 SHOW_RESULT=success
  sb show "$1" || return 1
  # shellcheck disable=SC2086
  set -- $SB
  SHOW_STATE=$1 SHOW_PID=$2 SHOW_RESTARTS=$3 SHOW_RESULT=${4:-success}
}
sys_running() {
  sys_show "$1"
  case $SHOW_STATE in active | activating | deactivating) return 0 ;; esac
  return 1
}
sys_restart() { sb restart "$1"; }
sys_stop() { sb stop "$1"; }
sys_halt() { sb stop "$1"; }
sys_reload() { sb reload; }
sys_stopping() { sb system && [ "$SB" = stopping ]; }
sys_transient() {
  st_unit=$1 st_cap=$2 st_stop=$4
  shift 4
  sb transient "$st_unit" "$st_cap" "$st_stop" "$@"
}
sys_timer() {
  st_unit=$1 st_cap=$2
  shift 2
  sb timer "$st_unit" "$st_cap" "$@"
}
sys_timer_active() { sb timer-active "$1" && [ "$SB" = yes ]; }
sys_timer_stop() { sb timer-stop "$1" || :; }
sys_processes() { sb processes "$1" && printf '%s\n' "$SB"; }
sys_log() { tail -n "${2:-20}" "$P/var/log/lab-init/$1.log"; }
# sys_dropin UNIT EXEC PATH HELD: durable; sets REWIRED when something changed. HELD: the unit starts only while nobody holds it.
sys_dropin() {
  sd_dir=$P/etc/lab-init/units/$1.d
  sd_text="exec=$2${NL}onfailure=$ENTRY fallback $1$NL"
  [ -z "$3" ] || sd_text="${sd_text}env.PATH=$3$PATH$NL"
  [ -z "$4" ] || sd_text="${sd_text}held=$R/held/$1${NL}let=$V/let/$1$NL"
  kv_same "$sd_dir/10-edgectl.conf" "$sd_text" && return 0
  REWIRED=1
  mkdir -p "$sd_dir" && put_file "$sd_dir/10-edgectl.conf" "$sd_text"
}
sys_dropin_remove() {
  rm -f "$P/etc/lab-init/units/$1.d/10-edgectl.conf"
  rmdir "$P/etc/lab-init/units/$1.d" 2>/dev/null || :
}
sys_trial() {
  mkdir -p "$P/run/lab-init/units/$1.d"
  printf 'start-limit=3\nstart-timeout=%s\n' "$2" >"$P/run/lab-init/units/$1.d/50-trial.conf"
}
sys_trial_clear() { rm -f "$P/run/lab-init/units"/*.d/50-trial.conf; }
# sys_ram: a sandbox mounts nothing; its memory is a directory in /dev/shm, named after the node's root and kept for this boot only.
sys_ram() {
  sha_text "$P"
  sr_dir=/dev/shm/edgectl-lab-$(printf '%s' "$SHA" | cut -c1-24)
  if [ "$(readlink "$RAM")" = "$sr_dir" ] && [ -d "$sr_dir" ]; then return 0; fi
  rm -rf "$sr_dir" "$RAM"
  mkdir -p "$V" && (umask 077 && mkdir "$sr_dir") && ln -s "$sr_dir" "$RAM"
}
sys_ram_gone() { [ ! -L "$V/secrets" ] || rm -rf "$(readlink "$V/secrets")"; }
sys_secret_units() { :; }
sys_remove_units() { :; }
# sys_observe_units: the attributes of the units in ou_names.
sys_observe_units() {
  for ou_name in $ou_names; do
    if ! sys_unit_exists "$ou_name"; then ob_no_unit "$ou_name" absent; continue; fi
    sys_show "$ou_name"
    ob "unit.$ou_name.active" "$SHOW_STATE"
    ob "unit.$ou_name.result" "$SHOW_RESULT"
    ob "unit.$ou_name.restarts" "$SHOW_RESTARTS"
  done
}
