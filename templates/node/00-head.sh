# edgectl-node: the node kit. Made from templates/node by buildKit; docs/reference/node-protocol.md says what it speaks.
# Verbs are called by name (SC2317); in `A && B || fail` the last word ends the process (SC2015).
# shellcheck disable=SC2015,SC2317
set -u
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
case $0 in /*) KIT=$0 ;; *) KIT=$(pwd -P)/$0 ;; esac
# Nothing of the caller's environment reaches what runs below, not even by a name that is not known yet.
if [ "${1-}" = --clean ]; then shift; else exec env -i PATH="$PATH" LC_ALL=C "$KIT" --clean "$@"; fi
LC_ALL=C
export LC_ALL
unset IFS
umask 022

KIT_VERSION='@VERSION@'
KIT_BUILT=@BUILT@
# Version 2 of the protocol: the kit is a component of its own (protocol page, section 9). Version 3: the verb observe.
PROTOCOL_MIN=1
PROTOCOL_MAX=3
INIT='@INIT@'
# What this very file is, wherever it lies.
if [ "${1-}" = --version ]; then
  printf 'edgectl-node %s protocol %s-%s %s\n' "$KIT_VERSION" "$PROTOCOL_MIN" "$PROTOCOL_MAX" "$INIT"
  exit 0
fi

# The prefix is what stands before the kit's own path: no variable can move it. ENTRY is what sudo, the units and the operator call;
# the others are the places of a kit that came as a bundle.
ENTRY=
case $KIT in
  */usr/local/sbin/edgectl-node) P=${KIT%/usr/local/sbin/edgectl-node} ENTRY=$KIT ;;
  */var/lib/edgectl/bin/edgectl-node) P=${KIT%/var/lib/edgectl/bin/edgectl-node} ENTRY=$KIT ;;
  */var/lib/edgectl/store/kit/*/files/edgectl-node) P=${KIT%/var/lib/edgectl/store/kit/*} ;;
  */run/edgectl/active/kit/files/edgectl-node) P=${KIT%/run/edgectl/active/kit/files/edgectl-node} ;;
  *) printf 'edgectl-node: not where it was installed\n' >&2; exit 1 ;;
esac
if [ -z "$ENTRY" ]; then
  ENTRY=$P/usr/local/sbin/edgectl-node
  [ -f "$ENTRY" ] || ENTRY=$P/var/lib/edgectl/bin/edgectl-node
fi
R=$P/var/lib/edgectl
V=$P/run/edgectl
ETC=$P/etc/edgectl
TRUST=$ETC/trust/allowed_signers
ACTIVE=$V/active
NL='
'
cd "$P/" || exit 1
#@lab
if [ -f "$ETC/lab/path" ]; then read -r PATH <"$ETC/lab/path"; fi
# lab_has NAME: a switch of the crash tests is on.
lab_has() { [ -e "$ETC/lab/$1" ]; }
# fp NUMBER: a failpoint. P/etc/edgectl/lab/failpoint holds `<number> kill|exit|stop|hold`; it fires once.
fp() {
  [ -f "$ETC/lab/failpoint" ] || return 0
  read -r fp_number fp_mode <"$ETC/lab/failpoint" || return 0
  [ "$fp_number" = "$1" ] || return 0
  rm -f "$ETC/lab/failpoint"
  mkdir -p "$V" && printf '%s %s\n' "$1" "$$" >"$V/failpoint-hit"
  case $fp_mode in
    kill) kill -9 $$ ;;
    exit) exit 99 ;;
    stop) kill -STOP $$ ;;
    hold) while [ -e "$V/failpoint-hit" ]; do sleep 0.1; done ;;
  esac
}
#@end

# die_early TEXT: for what goes wrong before there is anyone to answer.
die_early() { printf 'edgectl-node: %s\n' "$1" >&2; exit 1; }
