import { createServer, type AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { eventually, suite, withDeadline } from "../../test/suite.ts";
import { SimpleSender } from "./sender.ts";

suite("chaos: a sensor that keeps nothing", ({ test }) => {
  test("comes again where a broker goes before it has answered, and can be stopped", async (scope) => {
    const directory = await scope.directory();
    let came = 0;
    const server = createServer((socket) => {
      came += 1;
      socket.on("error", () => {});
      socket.once("data", () => socket.end());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    scope.cleanup(() => server.close());
    const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const login = () => ({ url, ca: undefined, username: "dev-s", password: "secret" });
    const sender = new SimpleSender({ site: { directory }, login });
    sender.start();
    await eventually("another try", () => came >= 3);
    await withDeadline(sender.stop(), 20, "its end");
    assert.ok(came >= 3);
  });
});
