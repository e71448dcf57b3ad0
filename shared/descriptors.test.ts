import * as assert from "uvu/assert";
import { descriptorLimit, portsWithin, reservedDescriptors, type Ports } from "#shared/descriptors";
import { suite } from "../test/suite.ts";

const wanted: Ports = { mqtt: 12_000, http: 1_000 };

const shares: readonly (readonly [limit: number | undefined, wanted: Ports, got: Ports])[] = [
  [undefined, wanted, wanted],
  [wanted.mqtt + wanted.http + reservedDescriptors, wanted, wanted],
  [wanted.mqtt + wanted.http + reservedDescriptors - 1, wanted, { mqtt: 11_999, http: 1_000 }],
  [4_096, wanted, { mqtt: 3_000, http: 1_000 }],
  [1_024, wanted, { mqtt: 696, http: 232 }],
  [256, wanted, { mqtt: 120, http: 40 }],
  [64, wanted, { mqtt: 24, http: 8 }],
  [1, wanted, { mqtt: 6, http: 2 }],
  [256, { mqtt: 0, http: 1_000 }, { mqtt: 0, http: 160 }],
  [256, { mqtt: 12_000, http: 0 }, { mqtt: 160, http: 0 }],
];

suite("descriptors", ({ test }) => {
  test("the system's limit is read, where it says one", () => {
    const line =
      "Max processes             31413    31413    processes\nMax open files            1024     524288   files\n";
    assert.is(
      descriptorLimit(() => line),
      1_024,
    );
    assert.is(
      descriptorLimit(() => line.replace("1024 ", "unlimited ")),
      undefined,
    );
    assert.is(
      descriptorLimit(() => ""),
      undefined,
    );
    assert.is(
      descriptorLimit(() => {
        throw new Error("no /proc here");
      }),
      undefined,
    );
    if (process.platform === "linux") assert.ok((descriptorLimit() ?? Infinity) > 100);
  });

  test("ports take what is left beside what the process needs itself", () => {
    for (const [limit, want, got] of shares) assert.equal(portsWithin(limit, want), got, String(limit));
  });
});
