import { once } from "node:events";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { Running } from "./programs.ts";
import { suite, withDeadline, type Scope } from "./suite.ts";

/** In the place of systemd: takes what it is told on a datagram socket, and ends a process that has not beaten for `seconds`. */
const standIn = `
import os, signal, socket, sys
path, pid, seconds = sys.argv[1], None, float(sys.argv[2])
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(path)
print("listens", flush=True)
while True:
    try:
        data, passed, _, _ = s.recvmsg(4096, 256)
    except TimeoutError:
        print("ends it", flush=True)
        os.kill(pid, signal.SIGKILL)
        break
    for level, kind, fds in passed:
        for at in range(0, len(fds), 4):
            os.close(int.from_bytes(fds[at:at + 4], sys.byteorder))
    text = data.decode().replace("\\n", " ")
    if "BARRIER" in text: continue
    print(text, flush=True)
    if pid is None: pid = int(sys.stdin.readline())
    s.settimeout(seconds)
`;

/** The agent's one file, at a broker that is not there. */
async function underSystemd(scope: Scope, seconds: number, env: NodeJS.ProcessEnv = {}) {
  const directory = await scope.directory();
  const socket = join(directory, "notify");
  const systemd = new Running(scope, "python3", ["-c", standIn, socket, String(seconds)], { typed: true });
  await systemd.line(/listens/);
  const words = ["dist/muster-agent.cjs", "--data", join(directory, "data")];
  const agent = new Running(scope, process.execPath, words, {
    env: { NOTIFY_SOCKET: socket, MUSTER_MQTT_URL: "mqtt://cam:secret@127.0.0.1:9", MUSTER_INTERVAL: "1s", ...env },
  });
  systemd.child.stdin?.write(`${agent.child.pid}\n`);
  return { systemd, agent };
}

suite("the agent under systemd", ({ test }) => {
  test("is ready without a network, asks for the watchdog, and says that it stops", async (scope) => {
    const { systemd, agent } = await underSystemd(scope, 180);
    await systemd.line(/^READY=1 WATCHDOG_USEC=180000000$/);
    const ended = agent.end();
    assert.is(await agent.kill("SIGTERM"), 0);
    await ended;
    await systemd.line(/^STOPPING=1$/);
  });

  test("beats while it works, and is ended once it hangs", async (scope) => {
    const { systemd, agent } = await underSystemd(scope, 3, { WATCHDOG_USEC: "3000000" });
    await systemd.line(/^READY=1$/);
    await systemd.line(/^WATCHDOG=1$/);
    const ended = once(agent.child, "exit");
    agent.child.kill("SIGSTOP");
    await systemd.line(/^ends it$/);
    assert.equal(await withDeadline(ended, 30, "its end"), [null, "SIGKILL"]);
  });
});
