# The sections about the machine. Each function is one section; docs/reference/attributes.md lists what they answer.

obs_os() {
  oo_found=
  for oo_file in "$P/etc/os-release" /etc/os-release /usr/lib/os-release; do
    [ -r "$oo_file" ] || continue
    oo_found=1
    for oo_pair in id:ID version:VERSION_ID name:PRETTY_NAME; do
      kv_get "$oo_file" "${oo_pair#*:}" || { ob_no "os.${oo_pair%%:*}" 'os-release does not say'; continue; }
      case $KV in \"*\" | \'*\') KV=${KV#?} KV=${KV%?} ;; esac
      ob "os.${oo_pair%%:*}" "$KV"
    done
    break
  done
  [ -n "$oo_found" ] || for oo_name in id version name; do ob_no "os.$oo_name" 'no os-release here'; done
  oo_arch=$(uname -m)
  case $oo_arch in x86_64) oo_arch=amd64 ;; aarch64) oo_arch=arm64 ;; armv[67]*) oo_arch=arm ;; esac
  ob os.arch "$oo_arch"
  ob os.hostname "$(uname -n)"
  if [ "$INIT" = sandbox ]; then
    ob os.init sandbox
  elif [ -d /run/systemd/system ]; then
    sys_version
    ob os.init "systemd $INIT_VERSION"
  else
    ob_no os.init 'no init that is known'
  fi
  oo_zone=$(readlink "$P/etc/localtime" 2>/dev/null)
  case $oo_zone in
    */zoneinfo/*) ob os.timezone "${oo_zone##*/zoneinfo/}" ;;
    *) ob_no os.timezone 'no link to a time zone' ;;
  esac
  # machine-id(5): the id itself is not to leave the machine; what is derived from it tells clones.
  if [ -s "$P/etc/machine-id" ] && IFS= read -r oo_id <"$P/etc/machine-id"; then
    sha_text "edgectl $oo_id"
    ob os.machine "sha256:$SHA"
  else
    ob_no os.machine 'no machine-id'
  fi
}

obs_kernel() {
  ob kernel.release "$(uname -r)"
  ob kernel.build "$(uname -v)"
  ob_read kernel.tainted /proc/sys/kernel/tainted 'not here'
  if IFS= read -r ok_line </proc/cmdline; then
    ob kernel.cmdline "$ok_line"
    ok_words=
    set -f
    for ok_word in $ok_line; do
      # What names this machine's own disks says nothing when it differs from another's.
      case $ok_word in BOOT_IMAGE=* | root=* | initrd=* | resume=* | rd.luks.* | cryptdevice=* | systemd.machine_id=*) continue ;; esac
      ok_words="$ok_words$ok_word$NL"
    done
    # shellcheck disable=SC2086
    ob_list kernel.options $ok_words
    set +f
  else
    ob_no kernel.cmdline 'cannot be read'
    ob_no kernel.options 'cannot be read'
  fi
  if [ -r /proc/modules ]; then
    ok_modules=$(cut -d ' ' -f 1 /proc/modules | sort)
    sha_text "$ok_modules"
    ob kernel.modules_digest "sha256:$SHA"
    # shellcheck disable=SC2086
    ob_list kernel.modules $ok_modules
  else
    ob_no kernel.modules_digest 'no modules here'
    ob_no kernel.modules 'no modules here'
  fi
}

# Asked for by name; read from /proc/sys, where sysctl(8) reads them. All of one in one read(2): the kernel answers a second one with
# nothing (proc_dointvec), and the shells' own `read` takes a byte at a time.
obs_sysctl() {
  # sysctl(8): a slash in a name stands for a dot of an interface's name.
  ob_words "$Q_sysctls" | sed '/^[A-Za-z0-9._/:@-]*$/!d; /\.\./d; /^$/d; h; y#./#/.#; H; x; s/\n/ /' | awk '{
    line = ""
    file = "/proc/sys/" $2
    print $1, $2, (getline line < file), line
    close(file)
  }' 2>/dev/null | while IFS=' ' read -r os_name os_path os_status os_value; do
    os_path=/proc/sys/$os_path
    if [ "$os_status" = 1 ]; then
      ob "sysctl.$os_name" "$os_value"
    elif [ ! -e "$os_path" ] || [ -d "$os_path" ]; then
      ob_no "sysctl.$os_name" 'no sysctl here'
    elif [ "$os_status" = 0 ]; then
      ob "sysctl.$os_name" ''
    else
      ob_no "sysctl.$os_name" "$(ob_denied)"
    fi
  done
}

# Asked for by name: loaded, built in, or neither.
obs_module() {
  [ -n "$Q_modules" ] || return 0
  om_built=$(ob_quick 5 sed 's|.*/||; s|\.ko$||; s|-|_|g' "/lib/modules/$(uname -r)/modules.builtin" 2>/dev/null)
  ob_words "$Q_modules" | while read -r om_name; do
    case $om_name in '' | *[!A-Za-z0-9_-]*) continue ;; esac
    om_plain=$(printf '%s' "$om_name" | tr - _)
    if [ ! -r /proc/modules ]; then
      ob_no "module.$om_name" 'no modules here'
    elif grep -q "^$om_plain " /proc/modules; then
      ob "module.$om_name" loaded
    else
      case $NL$om_built$NL in
        *"$NL$om_plain$NL"*) ob "module.$om_name" built-in ;;
        *) ob "module.$om_name" absent ;;
      esac
    fi
  done
}

obs_cpu() {
  oc_text=$(awk -F ': *' '/^processor/ { n++ } /^(model name|Model|Hardware)/ && m == "" { m = $2 } /^microcode/ && u == "" { u = $2 }
    END { print n + 0; print m; print u }' /proc/cpuinfo) || return 1
  oc_count=${oc_text%%"$NL"*}
  oc_text=${oc_text#*"$NL"}
  oc_model=${oc_text%%"$NL"*} oc_code=
  case $oc_text in *"$NL"*) oc_code=${oc_text#*"$NL"} ;; esac
  if [ "$oc_count" -gt 0 ]; then ob cpu.count "$oc_count"; else ob_no cpu.count 'cpuinfo does not say'; fi
  if [ -z "$oc_model" ] && [ -r /proc/device-tree/model ]; then oc_model=$(tr -d '\000' </proc/device-tree/model); fi
  if [ -n "$oc_model" ]; then ob cpu.model "$oc_model"; else ob_no cpu.model 'cpuinfo does not say'; fi
  if [ -n "$oc_code" ]; then ob cpu.microcode "$oc_code"; else ob_no cpu.microcode 'cpuinfo does not say'; fi
  if [ -d /sys/devices/system/cpu/vulnerabilities ]; then
    # shellcheck disable=SC2046
    ob_list cpu.vulnerable $(grep -l '^Vulnerable' /sys/devices/system/cpu/vulnerabilities/* 2>/dev/null | sed 's|.*/||')
  else
    ob_no cpu.vulnerable 'the kernel does not say'
  fi
}

# meminfo KEY: sets KIB.
meminfo() {
  KIB=
  while read -r mi_key mi_value _; do
    if [ "$mi_key" = "$1:" ]; then KIB=$mi_value; break; fi
  done </proc/meminfo
  is_number "$KIB"
}
obs_memory() {
  if meminfo MemTotal; then ob memory.total $((KIB * 1024)); else ob_no memory.total 'meminfo does not say'; fi
  if meminfo SwapTotal; then ob memory.swap $((KIB * 1024)); else ob_no memory.swap 'meminfo does not say'; fi
}

# ob_disks: sets OB_DISKS to lines `mount type mode blocksize blocks free avail inodes inodes-free`, local file systems only: a server that
# does not answer must not be waited for.
ob_disks() {
  OB_DISKS='' od_seen=' ' od_mounts=''
  while read -r od_device od_mount od_type od_options _; do
    case $od_type in ext[234] | xfs | btrfs | vfat | exfat | f2fs | ubifs | zfs | bcachefs) ;; *) [ "$od_mount" = / ] || continue ;; esac
    case $od_mount in *[!A-Za-z0-9._/+-]*) continue ;; esac
    case $od_seen in *" $od_device "*) [ "$od_mount" = / ] || continue ;; esac
    od_seen="$od_seen$od_device "
    case ,$od_options, in *,ro,*) od_mode=ro ;; *) od_mode=rw ;; esac
    od_mounts="$od_mounts$od_mount $od_type $od_mode$NL"
  done </proc/mounts
  od_count=0
  while read -r od_mount od_type od_mode; do
    [ -n "$od_mount" ] && [ "$od_count" -lt 16 ] || continue
    od_count=$((od_count + 1))
    od_sizes=$(ob_quick 3 stat -f -c '%S %b %f %a %c %d' "$od_mount" 2>/dev/null) || od_sizes=
    OB_DISKS="$OB_DISKS$od_mount $od_type $od_mode $od_sizes$NL"
  done <<DISKS
$od_mounts
DISKS
}
obs_disk() {
  while read -r od_mount od_type od_mode od_block od_blocks _ _ od_inodes _; do
    [ -n "$od_mount" ] || continue
    ob "disk.$od_mount.filesystem" "$od_type"
    ob "disk.$od_mount.mode" "$od_mode"
    if is_number "$od_block" && is_number "$od_blocks"; then ob "disk.$od_mount.size" $((od_block * od_blocks)); else ob_no "disk.$od_mount.size" timeout; fi
    if is_number "$od_inodes"; then ob "disk.$od_mount.inodes" "$od_inodes"; else ob_no "disk.$od_mount.inodes" timeout; fi
  done <<DISKS
$OB_DISKS
DISKS
}

obs_clock() {
  oc_service=none
  case $OB_COMMS in
    *' chronyd'*) oc_service=chrony ;;
    *' systemd-timesyn'*) oc_service=systemd-timesyncd ;;
    *' ntpd'*) oc_service=ntpd ;;
    *' ptp4l'*) oc_service=ptp4l ;;
  esac
  ob clock.service "$oc_service"
  case $oc_service in
    systemd-timesyncd) if [ -e /run/systemd/timesync/synchronized ]; then ob clock.synchronised yes; else ob clock.synchronised no; fi ;;
    chrony)
      case $(timeout -k 1 3 chronyc -c -n tracking 2>/dev/null) in
        *,Normal | *',Insert second' | *',Delete second') ob clock.synchronised yes ;;
        *',Not synchronised') ob clock.synchronised no ;;
        *) ob_no clock.synchronised 'chronyc does not answer' ;;
      esac ;;
    none) ob_no clock.synchronised 'no time service runs' ;;
    *) ob_no clock.synchronised "$oc_service is not asked" ;;
  esac
  ob_read clock.hardware /sys/devices/system/clocksource/clocksource0/current_clocksource 'the kernel does not say'
}

obs_boot() { ob boot.id "$BOOT"; }

obs_cgroup() {
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    ob cgroup.version 2
    read -r oc_words </sys/fs/cgroup/cgroup.controllers || oc_words=
    # shellcheck disable=SC2086
    ob_list cgroup.controllers $oc_words
  elif [ -r /proc/cgroups ]; then
    ob cgroup.version 1
    # shellcheck disable=SC2046
    ob_list cgroup.controllers $(awk '!/^#/ && $4 == 1 { print $1 }' /proc/cgroups)
  else
    ob_no cgroup.version 'no cgroups here'
    ob_no cgroup.controllers 'no cgroups here'
  fi
}

obs_security() {
  ob_read security.lsm /sys/kernel/security/lsm 'securityfs is not mounted'
  if [ -r /sys/fs/selinux/enforce ]; then
    read -r oz_word </sys/fs/selinux/enforce
    if [ "$oz_word" = 1 ]; then ob security.selinux enforcing; else ob security.selinux permissive; fi
  else
    ob security.selinux disabled
  fi
  oz_word=N
  if [ -r /sys/module/apparmor/parameters/enabled ]; then read -r oz_word </sys/module/apparmor/parameters/enabled; fi
  if [ "$oz_word" != Y ]; then
    ob security.apparmor no
  else
    ob security.apparmor yes
    if oz_text=$(sort /sys/kernel/security/apparmor/profiles 2>/dev/null); then
      sha_text "$oz_text"
      ob security.apparmor_profiles "sha256:$SHA"
    else
      ob_no security.apparmor_profiles "$(ob_denied)"
    fi
  fi
  oz_word=
  if [ -r /sys/kernel/security/lockdown ]; then read -r oz_word </sys/kernel/security/lockdown; fi
  # The mode that holds stands in brackets.
  case $oz_word in
    *'['*']'*) oz_word=${oz_word#*[} && ob security.lockdown "${oz_word%%]*}" ;;
    *) ob_no security.lockdown 'the kernel does not say' ;;
  esac
  oz_file=/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
  if [ ! -d /sys/firmware/efi ]; then
    ob_no security.secure_boot 'no UEFI here'
  elif [ -r "$oz_file" ]; then
    # UEFI specification 3.3: one byte after the four of the attributes.
    case $(od -An -tu1 -j 4 -N 1 "$oz_file" 2>/dev/null) in *1) ob security.secure_boot yes ;; *0) ob security.secure_boot no ;; *) ob_no security.secure_boot 'cannot be read' ;; esac
  else
    ob_no security.secure_boot 'the firmware does not say'
  fi
}

obs_tpm() {
  if [ ! -e /sys/class/tpm/tpm0 ]; then ob tpm.present no; return 0; fi
  ob tpm.present yes
  ob_read tpm.version /sys/class/tpm/tpm0/tpm_version_major 'the kernel does not say'
  for ot_n in 0 2 4 7; do
    ot_line=
    if [ ! -e "/sys/class/tpm/tpm0/pcr-sha256/$ot_n" ]; then
      ob_no "tpm.pcr.$ot_n" 'the kernel does not say'
    elif { IFS= read -r ot_line <"/sys/class/tpm/tpm0/pcr-sha256/$ot_n"; } 2>/dev/null; then
      ob "tpm.pcr.$ot_n" "sha256:$(printf '%s' "$ot_line" | tr A-F a-f)"
    else
      ob_no "tpm.pcr.$ot_n" "$(ob_denied)"
    fi
  done
}

# ob_names NAME PATH…: those paths that are there, by their last part.
ob_names() {
  on_name=$1 on_words=
  shift
  for on_path; do [ ! -e "$on_path" ] || on_words="$on_words ${on_path##*/}"; done
  set -f
  # shellcheck disable=SC2086
  ob_list "$on_name" $on_words
  set +f
}
obs_device() {
  od_usb=
  for od_path in /sys/bus/usb/devices/*; do
    [ -r "$od_path/idVendor" ] && read -r od_vendor <"$od_path/idVendor" && read -r od_product <"$od_path/idProduct" || continue
    # The kernel's own hubs.
    [ "$od_vendor" = 1d6b ] || od_usb="$od_usb $od_vendor:$od_product"
  done
  # shellcheck disable=SC2086
  ob_list device.usb $od_usb
  ob_names device.serial /dev/ttyUSB* /dev/ttyACM*
  ob_names device.video /dev/video*
  ob_names device.gpu /dev/dri/renderD* /dev/nvidia[0-9]*
  od_disks='' od_net=''
  for od_path in /sys/class/block/*; do
    [ -e "$od_path/device" ] && read -r od_size <"$od_path/size" || continue
    is_number "$od_size" && [ "$od_size" -gt 0 ] || continue
    od_disks="$od_disks ${od_path##*/}:$((od_size * 512))"
  done
  # shellcheck disable=SC2086
  ob_list device.disk $od_disks
  for od_path in /sys/class/net/*; do [ ! -e "$od_path/device" ] || od_net="$od_net ${od_path##*/}"; done
  # shellcheck disable=SC2086
  ob_list device.network $od_net
}

obs_update() {
  if [ -e "$P/run/reboot-required" ]; then ob update.reboot_required yes; else ob update.reboot_required no; fi
  # shellcheck disable=SC2046
  ob_list update.reboot_packages $(head -c 4096 "$P/run/reboot-required.pkgs" 2>/dev/null)
  if ou_time=$(stat -c %Y "$P/var/lib/apt/lists" 2>/dev/null) && is_number "$ou_time"; then
    ob update.lists_at $((ou_time - ou_time % 86400))
  else
    ob_no update.lists_at 'no apt here'
  fi
}

# What changes by itself. The time is for the operator to compare with its own clock.
obs_now() {
  ob_now clock.time "$(date +%s)"
  ob_now boot.up "$UP"
  if meminfo MemAvailable; then ob_now memory.available $((KIB * 1024)); fi
  while read -r on_mount _ _ _ on_blocks on_free on_avail on_inodes on_ifree; do
    [ -n "$on_mount" ] && is_number "$on_blocks" && is_number "$on_free" && is_number "$on_avail" || continue
    on_used=$((on_blocks - on_free))
    [ $((on_used + on_avail)) = 0 ] || ob_now "disk.$on_mount.used_percent" $(((on_used * 100 + on_used + on_avail - 1) / (on_used + on_avail)))
    if is_number "$on_inodes" && is_number "$on_ifree" && [ "$on_inodes" -gt 0 ]; then
      ob_now "disk.$on_mount.inodes_used_percent" $((((on_inodes - on_ifree) * 100 + on_inodes - 1) / on_inodes))
    fi
  done <<DISKS
$OB_DISKS
DISKS
  ob_now container.running "$(printf '%s\n' "$OB_COMMS" | awk '$2 ~ /^(containerd-shim|conmon|lab-shim)/ { n += $1 } END { print n + 0 }')"
}
