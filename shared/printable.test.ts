import { execFileSync } from "node:child_process";
import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import {
  forShell,
  forTerminal,
  forTerminalBlock,
  forTerminalJson,
  maxBlockLength,
  maxLineLength,
} from "#shared/printable";

/** Every code unit and every character of the classes that a terminal or a reader is deceived by, by their numbers. */
const forbidden: readonly (readonly [number, number])[] = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x61c, 0x61c],
  [0x180e, 0x180e],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0xd800, 0xdfff],
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffb],
  [0xe0001, 0xe0001],
  [0xe0020, 0xe007f],
];
const isForbidden = (code: number): boolean => forbidden.some(([from, to]) => code >= from && code <= to);
const leaks = (text: string, allowed = ""): string[] =>
  Array.from(text).filter((one) => isForbidden(one.codePointAt(0) ?? 0) && !allowed.includes(one));

/** Text of nothing but trouble, the same for the same seed. */
function hostile(seed: number): string {
  const pool = [
    "a",
    " ",
    "'",
    "$(id)",
    "`",
    "\\",
    "é",
    "漢",
    "😀",
    "\n",
    "\r",
    "\t",
    "\u001b[2J",
    "\u009b31m",
    "\u202e",
  ];
  let state = seed;
  const next = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31);
  const code = (): number => {
    const [from, to] = forbidden[next() % forbidden.length] ?? [0, 0];
    return from + (next() % (to - from + 1));
  };
  return Array.from({ length: 40 }, () =>
    next() % 2 ? String.fromCodePoint(code()) : (pool[next() % pool.length] ?? ""),
  ).join("");
}
const trials = Array.from({ length: 500 }, (_, seed) => hostile(seed + 1));

suite("text of strangers", ({ test }) => {
  test("a line for a terminal holds no character that it obeys, whatever comes in", () => {
    for (const [from, to] of forbidden)
      for (let code = from; code <= to; code += 1)
        assert.equal(leaks(forTerminal(`a${String.fromCodePoint(code)}b`)), [], `U+${code.toString(16)}`);
    for (const text of trials) assert.equal(leaks(forTerminal(text)), []);
  });

  test("what people write stays as it is", () => {
    for (const text of ["22.5 °C, it's fine", "naïve 漢字 ελ", "😀 ok", "a\\b \"c\" 'd'"])
      assert.is(forTerminal(text), text);
    assert.is(forTerminal("one\r\ntwo\tthree     four"), "one↵two three four");
    assert.is(forTerminal("\u001b[31mred"), "�[31mred");
  });

  test("a long line takes no longer than its length, plain or not", () => {
    for (const text of ["x".repeat(maxLineLength - 1), "x ".repeat(maxLineLength / 2 - 1), "x".repeat(60)])
      assert.is(forTerminal(`${text}\n`), `${text}↵`);
  });

  test("a line has an end, and says what is missing", () => {
    assert.is(forTerminal("x".repeat(maxLineLength)).length, maxLineLength);
    assert.is(forTerminal("x".repeat(maxLineLength + 5)), `${"x".repeat(maxLineLength)}… (5 more)`);
    assert.equal(leaks(forTerminal("😀😀", 3)), [], "a character cut in two is none");
    assert.match(forTerminalBlock("x".repeat(maxBlockLength + 1)), /… \(1 more\)$/);
    assert.is(forTerminalBlock("x\n".repeat(maxBlockLength / 2)).length, maxBlockLength);
  });

  test("a block keeps its lines and nothing else, each behind its prefix", () => {
    assert.is(forTerminalBlock("one\r\n\ttwo\rthree", "| "), "| one\n| \ttwo�three");
    for (const text of trials) {
      const lines = forTerminalBlock(text, "| ").split("\n");
      assert.is(lines.length, text.split("\n").length);
      for (const line of lines) assert.ok(line.startsWith("| ") && leaks(line, "\t").length === 0);
    }
  });

  test("JSON stays the same value", () => {
    for (const text of trials) {
      const json = forTerminalJson(JSON.stringify({ [text]: text }, null, 2));
      assert.equal(leaks(json, "\n"), []);
      assert.is(json.split("\n").length, 3);
      assert.equal(JSON.parse(json), { [text]: text });
    }
  });

  test("a word for a shell is one word, and the same one, in a real shell", () => {
    const words = [
      "ping",
      "a b",
      "it's",
      "$(touch x)",
      "`id`",
      "\\",
      "'; id; '",
      "!!",
      "*",
      "~",
      "a=b",
      "#x",
      "",
      '漢 "x"',
    ];
    for (const word of words)
      assert.is(execFileSync("/bin/sh", ["-c", `printf '%s.' ${forShell(word)}`], { encoding: "utf8" }), `${word}.`);
    assert.is(forShell("muster/rpi-7/cmd"), "muster/rpi-7/cmd");
  });

  test("a word that would end the line or deceive its reader is left out", () => {
    for (const word of ["a\nid", "a\rid", "\u001b[2J", "\u202ex", "a\u2028", "\ud800", "x".repeat(maxLineLength + 1)])
      assert.is(forShell(word), "'…'");
    for (const text of trials) assert.equal(leaks(forShell(text)), []);
  });
});
