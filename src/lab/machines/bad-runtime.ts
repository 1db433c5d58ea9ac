import { access } from 'node:fs/promises';
import path from 'node:path';
import type { Machine } from './machine.js';

const program = '/usr/local/lib/lab-bad-runtime';
const unitFile = '/etc/systemd/system/lab-bad-runtime.service';
const unit = `[Unit]
Description=Ends any containerd but the one that ran when the machine was broken, some seconds after its start

[Service]
ExecStart=${program}
Restart=always

[Install]
WantedBy=multi-user.target
`;

/** Seconds that another containerd lives: well inside the rehearsal's health window. */
const lifeS = 3;

/**
 * From now on any containerd other than the one that runs now is ended by SIGKILL some seconds after each of its starts. The
 * build itself stays genuine, so that this works with whatever bundle is rolled out, and under a plan that is frozen already.
 */
export async function spoilRuntime(machine: Machine): Promise<void> {
  await machine.sh(
    `pid=$(systemctl show -p MainPID --value containerd)
     good=$(sha256sum <"/proc/$pid/exe") || exit
     cat > ${program} <<END
#!/bin/sh
seen=
while sleep 1; do
  pid=\\$(systemctl show -p MainPID --value containerd)
  [ "\\$pid" != 0 ] && [ "\\$pid" != "\\$seen" ] || continue
  seen=\\$pid
  [ "\\$(sha256sum <"/proc/\\$pid/exe")" != "$good" ] || continue
  sleep ${lifeS}
  kill -9 "\\$pid"
done
END
     chmod 755 ${program}
     cat > ${unitFile} <<'END'\n${unit}END
     systemctl daemon-reload && systemctl enable --quiet --now lab-bad-runtime.service`,
  );
}

/** Undoes {@link spoilRuntime}; nothing happens when nothing was spoilt. */
export async function mendRuntime(machine: Machine): Promise<void> {
  if (!(await isRuntimeSpoilt(machine))) return;
  await machine.sh(
    `systemctl disable --quiet --now lab-bad-runtime.service; rm -f ${unitFile} ${program}; systemctl daemon-reload
     systemctl reset-failed containerd || true
     systemctl start containerd`,
  );
}

/** Also of a machine that is off: its root is mounted here. */
export async function isRuntimeSpoilt(machine: Machine): Promise<boolean> {
  return access(path.join(machine.root, unitFile)).then(
    () => true,
    () => false,
  );
}
