import { runProgram } from "./programs.ts";

/** Debian's package is for Debian's Python, before which another one may stand in the path. */
export async function pythonWithPaho(): Promise<string> {
  const { code } = await runProgram("python3", ["-c", "import paho.mqtt.client"]);
  return code === 0 ? "python3" : "/usr/bin/python3";
}
