import { forShell } from "#shared/printable";
import type { Layout } from "./layout.ts";

export const unitName = "muster-agent.service";
export const unitPath = `/etc/systemd/system/${unitName}`;
export const openRcPath = "/etc/init.d/muster-agent";

export interface ServiceOptions {
  /** Who it runs as; root by default. */
  readonly user?: string;
  /** Flags of the agent. */
  readonly flags?: readonly string[];
}

/** The unit of systemd. The starter stays the main process while a new version is on trial, and is the agent itself otherwise. */
export function unitText({ starter, state }: Layout, { user, flags = [] }: ServiceOptions = {}): string {
  return `[Unit]
Description=Muster agent
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
# The agent says when it stands, and asks for the watchdog itself; a version that says nothing is left to run.
Type=notify
NotifyAccess=all
TimeoutStartSec=infinity
# What hangs leaves no core on the card.
WatchdogSignal=SIGKILL
ExecStart=${["/bin/sh", starter, "--once", ...flags].map(forUnit).join(" ")}
WorkingDirectory=${state}
${user === undefined ? "" : `User=${user}\n${hardening(state)}`}UMask=0077
Restart=on-failure
RestartSec=5
# It says goodbye within this time; what counts is on the disk already.
TimeoutStopSec=5
# The starter passes it on; twice would be taken for haste.
KillMode=mixed

[Install]
WantedBy=multi-user.target
`;
}

/**
 * For an agent with a user of its own. One that runs as root may have been told to reboot, or to run executables that change the machine, and is
 * left to do so. V8 makes code while it runs, so memory that is written and executed stays allowed; /proc of others is what it counts.
 */
function hardening(state: string): string {
  return `NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths=${forUnit(state)}
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
`;
}

/** The script of OpenRC, by its supervise-daemon. It is read by a shell, and `command_args` by a second one: quoted twice. */
export function openRcText({ starter, state }: Layout, { user, flags = [] }: ServiceOptions = {}): string {
  return `#!/sbin/openrc-run
description="Muster agent"
supervisor=supervise-daemon
command=/bin/sh
command_args=${forShell([starter, "--once", ...flags].map(forShell).join(" "))}
${user === undefined ? "" : `command_user=${user}\n`}directory=${forShell(state)}
umask=077
respawn_delay=5
respawn_max=0

depend() {
  need localmount
  use net
}
`;
}

/** For any other supervisor, a crontab's @reboot or a shell: it begins the agent again by itself. */
export function plainLine({ starter }: Layout, { flags = [] }: ServiceOptions = {}): string {
  return ["sh", starter, ...flags].map(forShell).join(" ");
}

/** One word of a command line in a unit. */
function forUnit(word: string): string {
  if (/^[A-Za-z0-9_./:@+,=-]+$/.test(word)) return word;
  return `"${word
    .replaceAll(/[\\"]/g, String.raw`\$&`)
    .replaceAll("%", "%%")
    .replaceAll("$", "$$$$")}"`;
}
