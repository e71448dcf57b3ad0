import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { disk, type Capacity } from "./disk.ts";
import { record, sample } from "./fixture.ts";

const capacity: Capacity = { bsize: 4_096, blocks: 1_000, bfree: 400, bavail: 200, files: 100, ffree: 90 };
const never = (): Promise<Capacity> => new Promise(() => {});

const mountinfo = String.raw`21 26 0:20 / /proc rw,nosuid - proc proc rw
26 1 179:2 / / ro,relatime shared:1 - ext4 /dev/root rw
30 26 8:1 / /mnt/two\040words rw,relatime shared:7 master:2 - vfat /dev/sda1 rw
31 26 253:0 / /data rw - xfs /dev/mapper/vg-data rw
32 26 0:30 / /run rw - tmpfs tmpfs rw
33 26 0:31 / /empty rw - fuse.lxcfs lxcfs rw
34 26 8:2 / /hidden rw - ext4 /dev/sda2 rw
35 34 0:32 / /hidden rw - overlay overlay rw
36 26 0:33 / /net rw - autofs auto rw
`;

suite("disk", ({ test }) => {
  test("every file system with a size, its device by its true name, and what is free for people", async (scope) => {
    const { proc } = await record(scope, {
      "/proc/self/mountinfo": mountinfo,
      "/sys/dev/block/179:2": "-> ../../devices/platform/mmc/mmcblk0/mmcblk0p2",
      "/dev/mapper/vg-data": "-> ../dm-0",
    });
    const asked: string[] = [];
    const collector = disk(proc, {
      local: (path) => (asked.push(String(path)), capacity),
      remote: async (path) => (asked.push(String(path)), { ...capacity, blocks: 0 }),
    });
    const fields = {
      total: 4_096_000,
      free: 819_200,
      used: 2_457_600,
      used_percent: 75,
      inodes_total: 100,
      inodes_free: 90,
      inodes_used: 10,
      inodes_used_percent: 10,
    };
    const tags = [
      { path: "/", device: "mmcblk0p2", fstype: "ext4", mode: "ro" },
      { path: "/mnt/two words", device: "sda1", fstype: "vfat", mode: "rw" },
      { path: "/data", device: "dm-0", fstype: "xfs", mode: "rw" },
    ];
    assert.equal(
      await sample(collector),
      tags.map((tag) => ({ measurement: "disk", tags: tag, fields })),
    );
    assert.equal(asked, ["/", "/mnt/two words", "/data", "/empty"]);
  });

  test("only file systems of the machine's own disks are asked in passing: all others may hang", async (scope) => {
    const local = ["ext4", "xfs", "btrfs", "vfat", "zfs", "f2fs", "exfat", "ntfs3"];
    const others = [
      "beegfs",
      "gpfs",
      "ocfs2",
      "gfs2",
      "virtiofs",
      "vboxsf",
      "vmhgfs",
      "prl_fs",
      "fuse.sshfs",
      "fuseblk",
    ];
    const known = [
      "nfs",
      "nfs4",
      "cifs",
      "smb3",
      "ceph",
      "9p",
      "afs",
      "glusterfs",
      "lustre",
      "orangefs",
      "new-in-2030",
    ];
    const types = [...local, ...others, ...known];
    const lines = types.map((type, at) => `${at} 1 0:${at} / /${type} rw - ${type} source rw\n`).join("");
    const { proc } = await record(scope, { "/proc/self/mountinfo": lines });
    const asked = { local: [] as string[], remote: [] as string[] };
    const collector = disk(proc, {
      local: (path) => (asked.local.push(String(path).slice(1)), capacity),
      remote: async (path) => (asked.remote.push(String(path).slice(1)), capacity),
    });
    assert.is((await sample(collector)).length, types.length);
    assert.equal(asked, { local, remote: [...others, ...known] });
  });

  test("a mount point that may not be asked is left out without a word", async (scope) => {
    const { proc } = await record(scope, { "/proc/self/mountinfo": mountinfo });
    const refuse = (): never => {
      throw new Error("EACCES: permission denied, statfs");
    };
    assert.equal(await sample(disk(proc, { local: refuse, remote: async () => refuse() })), []);
  });

  test("remote file systems that do not answer are reported, asked no more, and stop nobody else", async (scope) => {
    const servers = ["/a", "/b", "/c"].map((path) => `40 26 0:40 / ${path} rw - nfs4 server:/x rw\n`).join("");
    const { proc } = await record(scope, { "/proc/self/mountinfo": servers + mountinfo });
    const asked: string[] = [];
    const collector = disk(proc, { local: () => capacity, remote: (path) => (asked.push(String(path)), never()) });
    const clock = new ManualClock();
    for (let round = 0; round < 2; round++) {
      const problems: string[] = [];
      const done = collector.sample({ clock, problem: ({ message }) => problems.push(message) });
      const timers = setInterval(() => clock.advance(1_000));
      const readings = await done;
      clearInterval(timers);
      assert.is(readings.length, 3);
      assert.equal(asked, ["/a", "/b"]);
      assert.is(problems.length, 2);
      assert.match(problems[0] ?? "", "the file system at /a does not answer");
    }
  });
});
