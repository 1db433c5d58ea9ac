# Internal verbs belong to units: a login that has only the sudoers line cannot reach them.
main() {
  VERB=${1-}
  [ $# = 0 ] || shift
  RUNNER_TX=
  case $VERB in
    secrets-open | credential)
      load_identity
      trap '' HUP INT PIPE
      trap at_exit EXIT
      # Standard output is the secret's alone; what goes wrong is for the journal.
      exec 4>&2
      if [ "$VERB" = credential ]; then verb_credential "${1-}"; else verb_secrets_open; fi
      exit $? ;;
    runner | settle | deadline | fallback)
      [ $# = 1 ] || die_early "$VERB wants one argument"
      load_identity
      # A terminal that goes away, or an operator's, is nothing to these.
      trap '' HUP INT PIPE
      trap unlock_all EXIT
      exec 4>/dev/null
      "verb_$VERB" "$1"
      exit $? ;;
    hello | facts | observe | lease | stage | adopt | run | status | confirm | revert | undeny | eject | gc | spool | recover | doctor | prove | tpm | secret) ;;
    *) die_early 'usage: edgectl-node hello|facts|observe|lease|stage|adopt|run|status|confirm|revert|undeny|eject|gc|spool|recover|doctor|tpm|secret' ;;
  esac
  open_answer
  trap at_exit EXIT
  # An operator who is cut off must not cut off the node in the middle of something.
  trap '' HUP PIPE
  load_identity
  [ -n "$NODE" ] && [ -n "$FLEET" ] || fail PROTOCOL "$ETC/node.conf does not say who this node is"
  read_request
  "verb_$VERB"
  done_ok
}
main "$@"
exit
