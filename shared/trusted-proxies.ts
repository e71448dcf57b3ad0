import { BlockList, isIP } from "node:net";

/** Addresses and networks of proxies whose word is taken for where a request comes from. None by default: anybody can write a header. */
export class TrustedProxies {
  readonly #list = new BlockList();

  /** @param entries addresses, or networks such as `10.0.0.0/8` @throws Error that ends a sentence about what was given */
  constructor(entries: readonly string[] = []) {
    for (const entry of entries) this.#add(entry);
  }

  trusts(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#list.check(address, family === 4 ? "ipv4" : "ipv6");
  }

  /**
   * Where a connection comes from: the last address in `X-Forwarded-For` that no trusted proxy has.
   * @param remote the other end of the socket
   */
  clientOf(remote: string, forwardedFor: string | string[] | undefined): string {
    const named = String(forwardedFor ?? "")
      .split(",")
      .map((one) => one.trim());
    let client = remote;
    while (this.trusts(client)) {
      const before = named.pop();
      if (before === undefined || isIP(before) === 0) break;
      client = before;
    }
    return client;
  }

  #add(entry: string): void {
    const [address = "", bits, more] = entry.split("/");
    const family = isIP(address);
    const length = Number(bits ?? (family === 4 ? 32 : 128));
    const wrong = !Number.isInteger(length) || length < 0 || length > (family === 4 ? 32 : 128) || bits === "";
    if (family === 0 || wrong || more !== undefined)
      throw new Error("expected addresses or networks with commas between, such as 10.0.0.1,192.168.0.0/16");
    this.#list.addSubnet(address, length, family === 4 ? "ipv4" : "ipv6");
  }
}
