# What a node is, in sections with a digest each: one that the operator has seen already is only named again. Shared with the script of
# first contact. It writes nothing but a table of file digests below /run, so that large files are not read again at every look.
OB_SECTIONS='os kernel sysctl module cpu memory disk clock boot cgroup security tpm device update runtime unit container image package file certificate'
OB_MAX=49152

# ob NAME VALUE, ob_no NAME REASON: one attribute, seen or not. White space is one blank each; what is too long is not cut but unknown.
ob() {
  ob_value=$2
  case $ob_value in *[[:cntrl:]]*) ob_value=$(printf '%s' "$2" | tr -s '\t\n\r' ' ') ;; esac
  if [ ${#ob_value} -gt 4096 ]; then ob_no "$1" 'too long'; return 0; fi
  o_new a; o_s n "$1"; o_s v "$ob_value"; o_end
}
ob_no() { o_new a; o_s n "$1"; o_s u "$2"; o_end; }
# ob_now NAME VALUE: what changes by itself stands outside of the sections and their digests.
ob_now() { o_new now; o_s n "$1"; o_s v "$2"; o_end; }
# ob_list NAME WORD…: a sorted list, `none` when it is empty.
ob_list() {
  ol_name=$1
  shift
  if [ $# = 0 ]; then ob "$ol_name" none; return 0; fi
  ol_text=$(printf '%s\n' "$@" | sort -u | tr '\n' ' ')
  ob "$ol_name" "${ol_text% }"
}
# ob_read NAME FILE WHEN_ABSENT: the first line of a file of /proc or /sys.
ob_read() {
  if [ ! -e "$2" ]; then ob_no "$1" "$3"; return 0; fi
  if [ ! -r "$2" ]; then ob_no "$1" "$(ob_denied)"; return 0; fi
  # In one read(2), see obs_sysctl.
  if or_text=$(ob_quick 5 head -n 1 "$2" 2>/dev/null); then ob "$1" "$or_text"; else ob_no "$1" 'cannot be read'; fi
}
# ob_denied: why something may not be looked at.
ob_denied() { if [ "$OB_UID" = 0 ]; then echo 'cannot be read'; else echo privilege; fi; }
# ob_quick SECONDS ARGV…: reads a file, with a limit. Not under busybox, whose timeout keeps its standard output open for up to a second after
# the program has ended: that would be the longest part of every look.
ob_quick() {
  oq_limit=$1
  shift
  if [ -n "$OB_BUSYBOX" ]; then "$@"; else timeout -k 1 "$oq_limit" "$@"; fi
}
# ob_words TEXT: the words of a comma list, one a line, never a pattern.
ob_words() { printf '%s\n' "$1" | tr ',' '\n'; }

# ob_digest FILE MAX: sets DIGEST to sha256:<hex> of a regular file, else WHY. Known digests are kept in /run by device, inode, size and both
# times; a file that changed in the last two seconds is not kept, because it could change again without any of them.
ob_digest() {
  DIGEST='' WHY=
  if [ ! -f "$1" ]; then WHY='not a file'; return 1; fi
  if [ ! -r "$1" ]; then WHY=$(ob_denied); return 1; fi
  if ! od_stat=$(ob_quick 5 stat -L -c '%d:%i:%s:%Y:%Z' "$1" 2>/dev/null); then WHY='cannot be read'; return 1; fi
  od_size=${od_stat#*:*:}
  od_size=${od_size%%:*}
  if ! is_number "$od_size" || [ "$od_size" -gt "$2" ]; then WHY='too large'; return 1; fi
  if [ -n "$OB_CACHE" ] && [ -f "$OB_CACHE" ]; then
    while IFS=' ' read -r od_known od_sum od_file; do
      if [ "$od_known" = "$od_stat" ] && [ "$od_file" = "$1" ]; then DIGEST=sha256:$od_sum; return 0; fi
    done <"$OB_CACHE"
  fi
  od_sum=$(ob_quick 20 sha256sum <"$1" 2>/dev/null)
  case $? in 0) ;; 124 | 137) WHY=timeout; return 1 ;; *) WHY='cannot be read'; return 1 ;; esac
  od_sum=${od_sum%% *}
  is_sha256 "$od_sum" || { WHY='cannot be read'; return 1; }
  DIGEST=sha256:$od_sum
  [ -n "$OB_CACHE" ] || return 0
  od_now=$(date +%s)
  if [ "${od_stat##*:}" -lt $((od_now - 2)) ] && [ "$(stat -L -c '%d:%i:%s:%Y:%Z' "$1" 2>/dev/null)" = "$od_stat" ]; then
    printf '%s %s %s\n' "$od_stat" "$od_sum" "$1" 2>/dev/null >>"$OB_CACHE"
  fi
  return 0
}

# observe_all: every section, then what changes by itself, then the names of those that are as they were.
observe_all() {
  OB_UID=$(id -u) OB_BUSYBOX=
  case $(timeout --help 2>&1) in *BusyBox*) OB_BUSYBOX=1 ;; esac
  if [ -n "$OB_CACHE" ] && [ -f "$OB_CACHE" ] && [ "$(wc -l <"$OB_CACHE")" -gt 500 ]; then rm -f "$OB_CACHE"; fi
  OB_COMMS=$(cat /proc/[0-9]*/comm 2>/dev/null | sort | uniq -c)
  ob_disks
  up_now
  oa_until=$((UP + Q_budget)) oa_same=
  for oa_section in $OB_SECTIONS; do
    up_now
    if [ "$UP" -ge "$oa_until" ]; then ob_dark timeout; continue; fi
    if ! oa_text=$("obs_$oa_section" 4>&1 1>&2 </dev/null); then ob_dark failed; continue; fi
    if [ ${#oa_text} -gt "$OB_MAX" ]; then ob_dark 'too large'; continue; fi
    sha_text "$oa_text"
    oa_digest=${SHA%"${SHA#????????????????}"}
    case ,$Q_known, in *",$oa_section:$oa_digest,"*) oa_same=$oa_same,$oa_section; continue ;; esac
    o_new section; o_s name "$oa_section"; o_s digest "$oa_digest"; o_end
    [ -z "$oa_text" ] || printf '%s\n' "$oa_text" >&4
  done
  obs_now
  o_new same; o_s sections "${oa_same#,}"; o_end
}
# ob_dark REASON: nothing of this section could be seen.
ob_dark() { o_new section; o_s name "$oa_section"; o_s unknown "$1"; o_end; }

verb_observe() {
  : "${Q_budget:=20}"
  is_number "$Q_budget" && [ "$Q_budget" -ge 1 ] && [ "$Q_budget" -le 120 ] || fail PROTOCOL 'budget is not 1 to 120 seconds'
  # One look at a time: where one hangs, others would only pile up behind it.
  lock observe 10 || fail BUSY 'another look at this node is under way'
  OB_CACHE=$V/observed
  kit_line ''
  observe_all
  done_ok
}
