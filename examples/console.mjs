// A console of your own: it keeps metrics and commands in a directory, and sends a command from code.
import { CommandFailedError, CommandRefusedError, CommandTimeoutError, Console } from "muster/console";

const muster = new Console({
  directory: process.env.DIRECTORY ?? "./data",
  url: process.env.BROKER ?? "mqtt://127.0.0.1:1883",
  password: process.env.SECRET, // of the account named console
});
await muster.start();

// Wait until the device is seen: its presence is retained at the broker.
while (!muster.devices().some(({ id, online }) => id === "rpi-7" && online)) {
  await new Promise((resolve) => muster.registry.changes.on(resolve));
}

try {
  const command = await muster.send("rpi-7", { key: "greet", args: { name: "world", times: 3 } }, { timeout: "5s" });
  console.log(command.state, command.result);
} catch (error) {
  // Not sent at all, no final reply in time, or ended otherwise: each carries the command.
  if (error instanceof CommandRefusedError) console.log("refused:", error.reason, error.message);
  else if (error instanceof CommandTimeoutError) console.log("no reply:", error.details.command.id);
  else if (error instanceof CommandFailedError) console.log("failed:", error.details.command.error);
  else throw error;
}

await muster.stop();
