# A first look at a node that has no kit, or an old one, without privilege: what cannot be seen is unknown (privilege). It leaves nothing.
ob_components() { :; }
main() {
  P=$ARG_prefix
  R=$P/var/lib/edgectl
  V=$P/run/edgectl
  ACTIVE=$V/active
  LOCKS='' OB_CACHE='' BOOTED_AT=0 INIT=systemd
  Q_known=$ARG_known Q_budget=$ARG_budget Q_sysctls=$ARG_sysctls Q_modules=$ARG_modules Q_files=$ARG_files
  Q_packages=$ARG_packages Q_units=$ARG_units Q_certificates=$ARG_certificates Q_runtimes=$ARG_runtimes
  open_answer
  trap at_exit EXIT
  sys_boot
  observe_all
  done_ok
}
