import { Document, isMap, isSeq, parseDocument } from "yaml";
import { EnvironmentError } from "#shared/errors";
import { installName } from "../payload.ts";
import type { BootFiles } from "./boot-files.ts";

/** How a card is told to run something at its first boot. */
export interface FirstBoot {
  /** For a person. */
  readonly how: string;
  /** What the partition's own files become. */
  readonly changes: ReadonlyMap<string, Buffer>;
}

/** The directory on the partition with all that is Muster's. */
export const ownDirectory = "muster";

/** @throws EnvironmentError where it is no boot partition that is known */
export async function firstBootOf(files: BootFiles): Promise<FirstBoot> {
  const names = new Set(await files.list());
  if (names.has("user-data") || names.has("meta-data")) return byCloudInit(files);
  if (names.has("cmdline.txt") && names.has("config.txt")) return byFirstRun(files);
  throw new EnvironmentError(
    `${files.where} is no boot partition: expected cmdline.txt and config.txt of a Raspberry Pi, or user-data and meta-data for cloud-init, and found ${[...names].slice(0, 8).join(", ") || "nothing"}`,
  );
}

/** Where the partition is in the running system; a medium for cloud-init alone is not mounted there. */
const finding = `d=/boot/firmware; [ -f $d/${ownDirectory}/${installName} ] || d=/boot; [ -f $d/${ownDirectory}/${installName} ] || { d=/run/muster-card; mkdir -p $d; mount -o ro -L cidata $d || mount -o ro -L CIDATA $d; }; sh $d/${ownDirectory}/${installName}`;

/** Raspberry Pi OS trixie, Ubuntu and any other that reads NoCloud: a command behind those that are there, and the text left as it is. */
async function byCloudInit(files: BootFiles): Promise<FirstBoot> {
  const text = (await files.read("user-data"))?.toString("utf8") ?? "";
  const changes = new Map([["user-data", Buffer.from(withCommand(text, files.where))]]);
  if ((await files.read("meta-data")) === undefined) changes.set("meta-data", Buffer.from("instance-id: muster-1\n"));
  return { how: "cloud-init (user-data)", changes };
}

function withCommand(text: string, where: string): string {
  if (text.trim() !== "" && !/^#cloud-config\s/.test(text))
    throw new EnvironmentError(
      `user-data of ${where} is no #cloud-config, to which a command could be added: add one that runs ${ownDirectory}/${installName}`,
    );
  const document = text.trim() === "" ? new Document({}) : parseDocument(text);
  const [error] = document.errors;
  if (error) throw new EnvironmentError(`user-data of ${where} is no YAML: ${error.message.split("\n")[0]}`);
  if (document.contents === null) document.contents = document.createNode({}) as never;
  if (!isMap(document.contents))
    throw new EnvironmentError(`user-data of ${where} is no mapping: expected settings of cloud-init`);
  const there: unknown = document.get("runcmd");
  const command = document.createNode(["sh", "-c", finding]);
  if (isSeq(there)) there.add(command);
  else if (there === undefined || there === null) document.set("runcmd", [command]);
  else throw new EnvironmentError(`runcmd in user-data of ${where} is no list`);
  const made = document.toString({ lineWidth: 0 });
  return made.startsWith("#cloud-config") ? made : `#cloud-config\n${made}`;
}

/** Since this day Raspberry Pi OS mounts the partition elsewhere (bookworm). */
const bookworm = "2023-10-10";

/** Raspberry Pi OS up to bookworm: the way of its own imager, whose script is kept where there is one. */
async function byFirstRun(files: BootFiles): Promise<FirstBoot> {
  const issue = (await files.read("issue.txt"))?.toString("utf8") ?? "";
  const made = /\d{4}-\d\d-\d\d/.exec(issue)?.[0] ?? bookworm;
  const mount = made < bookworm ? "/boot" : "/boot/firmware";
  const install = `sh ${mount}/${ownDirectory}/${installName} --enable > ${mount}/${ownDirectory}/install.log 2>&1`;
  const line = (await files.read("cmdline.txt"))?.toString("utf8").trim() ?? "";
  const script = (await files.read("firstrun.sh"))?.toString("utf8");
  if (line.includes("systemd.run=")) {
    if (script === undefined || !script.startsWith("#!"))
      throw new EnvironmentError(
        `cmdline.txt of ${files.where} runs something else at the first boot already, which is no firstrun.sh`,
      );
    const [first, ...rest] = script.split("\n");
    const changes = new Map([["firstrun.sh", Buffer.from([first, `${install} || true`, ...rest].join("\n"))]]);
    return { how: "firstrun.sh, beside what it did", changes };
  }
  const text = `#!/bin/sh
# Muster: installs the agent at the first boot, and is gone then.
${install}
rm -f ${mount}/firstrun.sh
sed -i 's| systemd[.]run.*||' ${mount}/cmdline.txt
sync
exit 0
`;
  const words = `systemd.run=${mount}/firstrun.sh systemd.run_success_action=reboot systemd.run_failure_action=reboot systemd.unit=kernel-command-line.target`;
  const changes = new Map([
    ["firstrun.sh", Buffer.from(text)],
    ["cmdline.txt", Buffer.from(`${line} ${words}\n`)],
  ]);
  return { how: "firstrun.sh (cmdline.txt)", changes };
}
