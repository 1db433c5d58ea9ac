# shellcheck shell=sh disable=SC2154
# Keeps a tunnel to a bastion, where this node's sshd then is a socket. HOME_* stand above, in call-home.conf; run by
# edgectl-call-home.service. A bastion that is there and says no is asked less and less often; a link that is down is tried at
# short intervals, because it may be up for seconds only and a try costs nobody else anything.
set -u
LC_ALL=C
export LC_ALL
here=${0%/*}

# below N: sets DRAWN, by chance, 0 to N-1.
below() { DRAWN=$(($(od -An -N2 -tu2 /dev/urandom) % $1)); }
now() { read -r NOW _ </proc/uptime; NOW=${NOW%.*}; }

call() {
  ssh -F none -N -T -i "$here/call-home" -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes \
    -o UserKnownHostsFile="$here/call-home.known_hosts" -o GlobalKnownHostsFile=/dev/null -o HostKeyAlias="$HOME_bastion" \
    -o UpdateHostKeys=no -o ControlPath=none -o ExitOnForwardFailure=yes -o ConnectTimeout=8 -o ServerAliveInterval=10 \
    -o ServerAliveCountMax=2 -p "$HOME_port" -l "$HOME_user" -R "$HOME_socket:localhost:$HOME_sshd" -- "$HOME_address" 2>&1
}

refusals=0
while :; do
  now
  began=$NOW
  said=$(call)
  now
  printf '%s\n' "$said" | tail -n 3 >&2
  if [ $((NOW - began)) -ge 60 ]; then refusals=0; fi
  case $said in
    *'onnection refused'* | *'onnection closed'* | *'onnection reset'* | *'ermission denied'* | *'erification failed'* | *'forwarding failed'* | *'oo many'* | *'exceeded'*)
      if [ "$refusals" -lt 4 ]; then refusals=$((refusals + 1)); fi
      longest=$((5 << refusals))
      below "$longest"
      # Between half of it and one and a half.
      pause=$((longest / 2 + DRAWN))
      ;;
    *)
      below 3
      pause=$((1 + DRAWN))
      ;;
  esac
  sleep "$pause"
done
