# The driver of a bundle says how its component is wired into the node (protocol page, section 5).

# driver_lines DIR KEY: prints the values of KEY.1, KEY.2, … in the file's order.
driver_lines() { sed -n "s/^$2\\.[0-9]*=//p" "$1/driver"; }

# expand TEXT GENERATION: sets EXPANDED: $ACTIVE is the generation that it is given, $ROOT this node's root.
expand() {
  EXPANDED=$1
  while :; do
    case $EXPANDED in
      *\$ACTIVE*) EXPANDED=${EXPANDED%%\$ACTIVE*}$2${EXPANDED#*\$ACTIVE} ;;
      *\$ROOT*) EXPANDED=${EXPANDED%%\$ROOT*}$P${EXPANDED#*\$ROOT} ;;
      *) return 0 ;;
    esac
  done
}

# run_words SECONDS TEXT: run an argv written as words, bounded; nothing in it is read as shell.
run_words() {
  rw_limit=$1
  set -f
  # shellcheck disable=SC2086
  set -- $2
  set +f
  timeout -k 2 "$rw_limit" "$@" </dev/null 3>&- 4>&-
}

# version_of DIR GENERATION: sets VERSION_TEXT to what the version probe prints; fails when it fails.
version_of() {
  VERSION_TEXT=
  kv_get "$1/driver" version-probe || return 0
  expand "$KV" "$2"
  VERSION_TEXT=$(run_words 10 "$EXPANDED" 2>&1 | head -c 2000)
  [ -n "$VERSION_TEXT" ]
}

# version_matches DIR: does VERSION_TEXT contain the bundle's version? A distribution's suffix is left aside.
version_matches() {
  kv_get "$1/driver" version-probe || return 0
  kv_get "$1/info" version
  vm_plain=${KV%%[+~-]*}
  case $VERSION_TEXT in *"$vm_plain"*) return 0 ;; esac
  return 1
}

# wire COMPONENT GENERATION: links and drop-in of a component as its driver in that generation wants them; idempotent. Sets REWIRED when something changed.
wire() {
  wi_dir=$R/gen/$2/$1
  wi_record=
  for wi_pair in $(driver_lines "$wi_dir" link | sed 's/ /|/'); do
    wi_path=$P${wi_pair%%|*}
    wi_target=$ACTIVE/$1/files/${wi_pair#*|}
    wi_record="${wi_record}link ${wi_pair%%|*}$NL"
    [ "$(readlink "$wi_path" 2>/dev/null)" = "$wi_target" ] && continue
    mkdir -p "${wi_path%/*}" || return 1
    if [ -e "$wi_path" ] || [ -L "$wi_path" ]; then
      [ -e "$wi_path.edgectl-saved" ] || cp -pP "$wi_path" "$wi_path.edgectl-saved" || return 1
    fi
    point "$wi_path" "$wi_target" || return 1
    REWIRED=1
  done
  if kv_get "$wi_dir/driver" service; then
    wi_unit=$KV
    wi_record="${wi_record}unit $wi_unit$NL"
    kv_get "$wi_dir/driver" service.exec
    expand "$KV" "$ACTIVE"
    wi_exec=$EXPANDED
    wi_path=
    kv_get "$wi_dir/driver" service.pin
    wi_pins=",$KV,"
    kv_get "$wi_dir/driver" service.path
    set -f
    for wi_name in $(printf '%s' "$KV" | tr ',' ' '); do
      # A pinned component is the committed one also during a trial, so that a way back finds its own helpers.
      case $wi_pins in *",$wi_name,"*) wi_path="$wi_path$R/committed/$wi_name/files/bin:" ;; *) wi_path="$wi_path$ACTIVE/$wi_name/files/bin:" ;; esac
    done
    set +f
    wi_held=
    if kv_get "$wi_dir/driver" class && [ "$KV" = C ]; then wi_held=1; fi
    sys_dropin "$wi_unit" "$wi_exec" "$wi_path" "$wi_held" || return 1
  fi
  mkdir -p "$R/wired" || return 1
  kv_same "$R/wired/$1" "$wi_record" || put_file "$R/wired/$1" "$wi_record"
}
# kv_same FILE TEXT: does FILE hold exactly TEXT (which ends with a newline)?
kv_same() { [ -f "$1" ] && [ "$(cat "$1")$NL" = "$2" ]; }

# unwire COMPONENT: take away what wire made, and put back what stood there. Sets REWIRED.
unwire() {
  [ -f "$R/wired/$1" ] || return 0
  while read -r uw_kind uw_what; do
    case $uw_kind in
      link)
        case $(readlink "$P$uw_what" 2>/dev/null) in
          "$V"/*)
            if [ -e "$P$uw_what.edgectl-saved" ] || [ -L "$P$uw_what.edgectl-saved" ]; then mv -fT "$P$uw_what.edgectl-saved" "$P$uw_what"; else rm -f "$P$uw_what"; fi
            printf '%s\n' "$uw_what" >>"$V/unwired" ;;
        esac ;;
      unit)
        sys_dropin_remove "$uw_what" ;;
    esac
    REWIRED=1
  done <"$R/wired/$1"
  rm -f "$R/wired/$1"
}

# wire_generation N: wire every component of a generation and unwire the others; reload when something changed.
wire_generation() {
  REWIRED=
  wg_ok=0
  for wg_link in "$R/gen/$1"/*; do
    [ -L "$wg_link" ] || continue
    wire "${wg_link##*/}" "$1" || wg_ok=1
  done
  for wg_file in "$R/wired"/*; do
    [ -f "$wg_file" ] || continue
    [ -L "$R/gen/$1/${wg_file##*/}" ] || unwire "${wg_file##*/}"
  done
  [ -z "$REWIRED" ] || sys_reload
  return "$wg_ok"
}

# adopt_component COMPONENT DRIVERDIR: copy the distribution's files into the store. Sets DIR; fails when the node does not have them.
adopt_component() {
  ad_stage=$R/staging/adopt.$1
  rm -rf "$ad_stage"
  ad_first=1 ad_found=
  mkdir -p "$ad_stage/files" || fail NO_SPACE 'no space to adopt the distribution'\''s files'
  for ad_pair in $(driver_lines "$2" adopt | sed 's/ /;/'); do
    ad_to=$ad_stage/files/${ad_pair#*;}
    for ad_from in $(printf '%s' "${ad_pair%%;*}" | tr '|' ' '); do
      # What leads to us is not the distribution's file.
      case $(readlink "$P$ad_from" 2>/dev/null) in "$V"/* | "$R"/*) continue ;; esac
      case $(readlink -f "$P$ad_from" 2>/dev/null) in "$V"/* | "$R"/*) continue ;; esac
      [ -f "$P$ad_from" ] || continue
      mkdir -p "${ad_to%/*}" && cp -pL "$P$ad_from" "$ad_to" && chmod u=rwx,go=rx "$ad_to" || { rm -rf "$ad_stage"; fail NO_SPACE "no space to adopt $ad_from"; }
      ad_found=1
      break
    done
    # The first line decides whether the component is there at all.
    if [ -n "$ad_first" ] && [ -z "$ad_found" ]; then rm -rf "$ad_stage"; return 1; fi
    ad_first=
  done
  [ -n "$ad_found" ] || { rm -rf "$ad_stage"; return 1; }
  cp "$2/driver" "$ad_stage/driver" && (cd "$ad_stage" && manifest_write) >"$V/adopt.manifest.$$" && mv -f "$V/adopt.manifest.$$" "$ad_stage/MANIFEST" || { rm -rf "$ad_stage"; fail NO_SPACE "no space to adopt $1"; }
  sha_file "$ad_stage/MANIFEST"
  ad_digest=$SHA
  mkdir -p "$V/probe.$$"
  ln -s "$ad_stage" "$V/probe.$$/$1"
  ad_version=0-adopted
  if version_of "$ad_stage" "$V/probe.$$"; then
    version_in "$VERSION_TEXT"
    if is_name "$VERSION_FOUND"; then ad_version=$VERSION_FOUND; fi
  fi
  rm -rf "$V/probe.$$"
  store_put "$ad_stage" "$1" "$ad_version" "$ad_digest" 1 || { rm -rf "$ad_stage"; fail NO_SPACE "no space to adopt $1"; }
}
