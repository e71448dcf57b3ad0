import { Console } from "../console/console.ts";

/** A console in a process of its own, to be killed at any moment. Its settings come as JSON in the first argument. */
const options = JSON.parse(process.argv[2] ?? "{}") as { directory: string; url: string; password: string };
const console = new Console(options);
await console.start();
process.stdout.write("up\n");
