import type { Machine } from './machine.js';

const port = 8080;
/** Started at each boot, as a shop's own container would be: what a power cut ended is there again. */
const unit = `[Unit]
Description=A container that serves a page
After=containerd.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'ctr task rm -f web; ctr container rm web; exec ctr run -d --net-host --rootfs /srv/web web /bin/busybox httpd -f -p ${port} -h /www'

[Install]
WantedBy=multi-user.target
`;

/** Starts a busybox httpd in a container through the machine's own containerd, shim and runc; where it answers. */
export async function startWorkload(machine: Machine): Promise<string> {
  await machine.sh(
    `mkdir -p /srv/web/bin /srv/web/www && cp /bin/busybox /srv/web/bin/ && echo "serving from ${machine.id}" > /srv/web/www/index.html
     cat > /etc/systemd/system/lab-web.service <<'END'\n${unit}END
     systemctl daemon-reload && systemctl enable --quiet --now lab-web.service`,
  );
  return `http://${machine.address}:${port}/`;
}
