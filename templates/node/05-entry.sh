# The entry point passes a request on to the kit of a generation, and carries it out itself where there is none or where it is not
# whole: so the file that `node prepare` installed stays what everything else can fall back to.

# kit_of POINTER: sets CHOSEN to the kit of the generation that POINTER leads to, if it is whole and its interpreter is here.
kit_of() {
  [ -L "$1/kit" ] && CHOSEN=$(readlink "$1/kit") || return 1
  CHOSEN=$R/store/kit/${CHOSEN##*/}
  [ -e "$CHOSEN/.complete" ] && [ -x "$CHOSEN/files/edgectl-node" ] && [ -r "$CHOSEN/MANIFEST" ] || return 1
  IFS= read -r ko_line <"$CHOSEN/files/edgectl-node" || return 1
  ko_line=${ko_line#'#!'}
  [ -x "${ko_line%% *}" ] || return 1
  ko_sum=$(sha256sum <"$CHOSEN/files/edgectl-node") || return 1
  grep -q "^${ko_sum%% *} [0-7]* files/edgectl-node\$" "$CHOSEN/MANIFEST" || return 1
  CHOSEN=$CHOSEN/files/edgectl-node
}

if [ "$KIT" = "$ENTRY" ]; then
  case ${1-} in
    # What ends a trial, and what a boot begins with, is never left to a kit that is on trial itself.
    runner | settle | deadline | fallback | revert)
      if kit_of "$R/committed"; then exec "$CHOSEN" --clean "$@"; fi ;;
    recover)
      if kit_of "$R/committed"; then
        "$CHOSEN" --clean "$@"
        en_status=$?
        # These are a kit's own words (protocol page, section 2); with any other it did not come to its end.
        case $en_status in 0 | 1 | 4 | 75) exit "$en_status" ;; esac
      fi ;;
    # A trial is confirmed through the kit that is on trial: that it can be is a part of what it has to prove.
    *) if kit_of "$ACTIVE" || kit_of "$R/committed"; then exec "$CHOSEN" --clean "$@"; fi ;;
  esac
fi
