# A bundle in the store: R/store/<component>/<version>-<sha12>/{MANIFEST,driver,files,statement,statement.sig,info,.complete}.

# store_find COMPONENT DIGEST: sets DIR to the complete bundle with that digest.
store_find() {
  sf_short=${2%"${2#????????????}"}
  for DIR in "$R/store/$1"/*-"$sf_short"; do
    [ -e "$DIR/.complete" ] && kv_get "$DIR/info" digest && [ "$KV" = "$2" ] && return 0
  done
  DIR=
  return 1
}

# manifest_ok DIR: every line of MANIFEST holds and nothing else is there.
manifest_ok() {
  mo_list=$(cd "$1" 2>/dev/null && manifest_check) && [ -z "$mo_list" ]
}
# manifest_check: run in a bundle's directory; prints what is wrong, or fails.
manifest_check() {
  [ -f MANIFEST ] && [ -f driver ] || return 1
  if grep -qv -e '^[0-9a-f]\{64\} 0\{0,1\}[0-7]\{3\} [A-Za-z0-9._/+@:,=~ -]*$' -e '^link [A-Za-z0-9._/+@:,=~-]* [A-Za-z0-9._/+@:,=~ -]*$' MANIFEST; then return 1; fi
  # No absolute path and no way up, neither in a path nor in what a link points to.
  if grep -q -e ' /' -e '[ /]\.\./' -e '[ /]\.\.$' -e ' \.\. ' MANIFEST; then return 1; fi
  mc_own='^\./\(MANIFEST\|statement\|statement\.sig\|info\|\.complete\)$'
  sed -n 's/^[0-9a-f]\{64\} 0*\([0-7]*\) \(.*\)$/\1 .\/\2/p' MANIFEST | sort >"$V/manifest.want.$$"
  find . -type f -exec stat -c '%a %n' {} + | grep -v " ${mc_own#^}" | sort >"$V/manifest.have.$$"
  sed -n 's/^link \([^ ]*\) \(.*\)$/\1 .\/\2/p' MANIFEST | sort >>"$V/manifest.want.$$"
  find . -type l | while IFS= read -r mc_link; do printf '%s %s\n' "$(readlink "$mc_link")" "$mc_link"; done | sort >>"$V/manifest.have.$$"
  find . ! -type f ! -type l ! -type d >>"$V/manifest.have.$$"
  cmp -s "$V/manifest.want.$$" "$V/manifest.have.$$" || echo 'other files than in MANIFEST'
  sed -n 's/^\([0-9a-f]\{64\}\) [0-7]* \(.*\)$/\1  \2/p' MANIFEST >"$V/manifest.sums.$$"
  sha256sum -c "$V/manifest.sums.$$" >/dev/null 2>&1 || echo 'a file differs from MANIFEST'
  rm -f "$V/manifest.want.$$" "$V/manifest.have.$$" "$V/manifest.sums.$$"
}

# manifest_write: run in a bundle's directory; prints the MANIFEST of what is there.
manifest_write() {
  {
    find . -type f ! -path ./MANIFEST -exec sha256sum {} + | while read -r mw_sum mw_path; do
      printf '%s %s %s\n' "$mw_sum" "$(stat -c %a "$mw_path")" "${mw_path#./}"
    done
    find . -type l | while IFS= read -r mw_path; do printf 'link %s %s\n' "$(readlink "$mw_path")" "${mw_path#./}"; done
  } | sort -k3
}

# store_put STAGED COMPONENT VERSION DIGEST ADOPTED: move an unpacked, verified bundle into the store, durably. Sets DIR.
store_put() {
  sp_short=${4%"${4#????????????}"}
  DIR=$R/store/$2/$3-$sp_short
  [ "$5" = 0 ] || DIR=$R/store/$2/0-adopted-$sp_short
  printf 'adopted=%s\ncomponent=%s\ndigest=%s\nversion=%s\n' "$5" "$2" "$4" "$3" 2>/dev/null >"$1/info" && true >"$1/.complete" || return 1
  mkdir -p "$R/store/$2" || return 1
  sync_disk
  rm -rf "$DIR"
  mv -fT "$1" "$DIR" || return 1
}

# bundle_usable DIR: complete, not denied, and every byte as in its MANIFEST. Sets WRONG to why not.
bundle_usable() {
  WRONG=
  [ -e "$1/.complete" ] || { WRONG='is not complete'; return 1; }
  kv_get "$1/info" component
  bu_component=$KV
  kv_get "$1/info" digest
  [ ! -e "$R/denied/$bu_component/$KV" ] || { WRONG='is denied'; return 1; }
  manifest_ok "$1" || { WRONG='is damaged'; return 1; }
}

# deny COMPONENT DIGEST WHY: never try this bundle here again until a signed slice lifts it.
deny() {
  up_now
  mkdir -p "$R/denied/$1" 2>/dev/null && put_file "$R/denied/$1/$2" "why=$3${NL}boot=$BOOT${NL}up=$UP$NL"
}

# arch_name: sets ARCH in the names that bundles use.
arch_name() {
  ARCH=$(uname -m)
  case $ARCH in
    x86_64) ARCH=amd64 ;;
    aarch64) ARCH=arm64 ;;
    armv[67]*) ARCH=arm ;;
  esac
}
