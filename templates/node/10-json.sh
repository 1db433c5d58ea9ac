# json_escape: standard input as the inside of a JSON string, in ASCII: code points as \uXXXX, bytes that are not UTF-8 as \u00XX.
json_escape() {
  od -An -v -tu1 | awk '
    { for (i = 1; i <= NF; i++) b[n++] = $i + 0 }
    END {
      for (i = 0; i < n; ) {
        c = b[i]
        if (c == 34) { printf "\\\""; i++; continue }
        if (c == 92) { printf "\\\\"; i++; continue }
        if (c == 10) { printf "\\n"; i++; continue }
        if (c < 32 || c == 127) { printf "\\u%04x", c; i++; continue }
        if (c < 127) { printf "%c", c; i++; continue }
        need = (c >= 194 && c <= 223) ? 1 : (c >= 224 && c <= 239) ? 2 : (c >= 240 && c <= 244) ? 3 : 0
        ok = need > 0
        cp = need == 1 ? c % 32 : need == 2 ? c % 16 : c % 8
        for (k = 1; k <= need && ok; k++) {
          d = i + k < n ? b[i + k] : 0
          if (d < 128 || d > 191) ok = 0; else cp = cp * 64 + d % 64
        }
        if (need == 2 && (cp < 2048 || (cp >= 55296 && cp <= 57343))) ok = 0
        if (need == 3 && (cp < 65536 || cp > 1114111)) ok = 0
        if (!ok) { printf "\\u%04x", c; i++; continue }
        if (cp >= 65536) { cp -= 65536; printf "\\u%04x\\u%04x", 55296 + int(cp / 1024), 56320 + cp % 1024 }
        else printf "\\u%04x", cp
        i += need + 1
      }
    }'
}

# json_str TEXT: sets JSTR to a JSON string. Text of harmless characters costs no process.
json_str() {
  case $1 in
    *[!A-Za-z0-9\ ._/:@,+=~#\(\)\;\!*-]*) JSTR=\"$(printf '%s' "$1" | json_escape)\" ;;
    *) JSTR=\"$1\" ;;
  esac
}

# One answer line: o_new TYPE, then o_s KEY TEXT, o_n KEY NUMBER (or any JSON), then o_end.
o_new() { O="{\"t\":\"$1\""; }
o_s() { json_str "$2"; O="$O,\"$1\":$JSTR"; }
o_n() { O="$O,\"$1\":$2"; }
o_end() { printf '%s}\n' "$O" >&4; }
