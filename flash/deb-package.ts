import { packagedLayout } from "../agent/install/layout.ts";
import { unitName, unitText } from "../agent/install/service-texts.ts";
import { starterText } from "../agent/install/starter.ts";

/** A file of the package: where it is on the device, and its mode. */
interface DebFile {
  readonly contents: string | Buffer;
  readonly mode: number;
}

const user = "muster-agent";
const settingsPath = "/etc/muster/agent.toml";
const codePath = `${packagedLayout.state}/join-code`;

/** What becomes Debian's package of the agent, by path; `DEBIAN/…` is for dpkg. It needs the system's own Node. */
export function debFiles(agent: Buffer, version: string): Map<string, DebFile> {
  const { program, starter } = packagedLayout;
  const unit = unitText(packagedLayout, { user, flags: ["--config", settingsPath, "--join-file", codePath] });
  const text = (contents: string, mode = 0o644): DebFile => ({ contents, mode });
  return new Map<string, DebFile>([
    [program, { contents: agent, mode: 0o644 }],
    [starter, text(starterText(packagedLayout), 0o755)],
    [`/lib/systemd/system/${unitName}`, text(unit)],
    [settingsPath, text(settingsText)],
    ["DEBIAN/control", text(control(version))],
    ["DEBIAN/conffiles", text(`${settingsPath}\n`)],
    ["DEBIAN/postinst", text(postinst, 0o755)],
    ["DEBIAN/prerm", text(prerm, 0o755)],
    ["DEBIAN/postrm", text(postrm, 0o755)],
  ]);
}

const settingsText = `# Settings of Muster's agent: node ${packagedLayout.program} --help lists them, each without its dashes.
# interval = "10s"
`;

function control(version: string): string {
  return `Package: muster-agent
Version: ${version}
Architecture: all
Maintainer: Muster
Depends: nodejs (>= 18.19)
Section: admin
Priority: optional
Description: Muster's agent: metrics and commands of this machine, over MQTT
`;
}

const joined = `[ -f ${packagedLayout.data}/agent/identity.json ] || [ -f ${codePath} ] || grep -q '^mqtt-url' ${settingsPath}`;

const postinst = `#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
getent passwd ${user} > /dev/null || useradd --system --home-dir ${packagedLayout.state} --no-create-home --shell /usr/sbin/nologin ${user}
install -d -m 0700 -o ${user} -g ${user} ${packagedLayout.state}
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl enable ${unitName} > /dev/null 2>&1 || true
  if ${joined}; then systemctl restart --no-block ${unitName}; else
    echo "muster-agent: now make this machine a device, by a code of muster enroll:"
    echo "  echo CODE | install -m 600 -o ${user} /dev/stdin ${codePath} && systemctl start ${unitName}"
  fi
fi
`;

const prerm = `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl disable --now ${unitName} > /dev/null 2>&1 || true; fi
`;

const postrm = `#!/bin/sh
set -e
if [ "$1" = purge ]; then rm -rf ${packagedLayout.state}; fi
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
`;
