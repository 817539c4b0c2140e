import { userInfo } from 'node:os';
import { resolve } from 'node:path';

/** A unit with which systemd serves the fleet of this home, as this user, whatever the machine goes through. */
export function systemdUnit(home: string, [node = 'node', program = 'autopod']: string[]): string {
  const quoted = (path: string) =>
    `"${resolve(path).replace(/[\\"%]/g, (letter) => (letter === '%' ? '%%' : `\\${letter}`))}"`;
  return `[Unit]
Description=autopod: a fleet of RunPod pods
Wants=network-online.target
After=network-online.target

[Service]
User=${userInfo().username}
Environment=AUTOPOD_HOME=${quoted(home)}
ExecStart=${quoted(node)} ${quoted(program)} serve
Restart=always
RestartSec=2
KillMode=mixed
TimeoutStopSec=60
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=multi-user.target
`;
}
