import type { Collector } from "./collector.ts";
import type { ProcReader } from "./proc.ts";

/** Where the counts are, and where they were before 2.6.20. */
const places = ["/proc/sys/net/netfilter/nf_conntrack", "/proc/sys/net/ipv4/netfilter/ip_conntrack"];

/** The connections that the firewall follows, and how many it may. Nothing where it follows none. */
export function conntrack(proc: ProcReader): Collector {
  return {
    name: "conntrack",
    sample() {
      for (const place of places) {
        const count = proc.findAgain(`${place}_count`);
        if (count === undefined) continue;
        const most = proc.findAgain(`${place}_max`) ?? "";
        const fields = { ip_conntrack_count: Number.parseInt(count, 10), ip_conntrack_max: Number.parseInt(most, 10) };
        return [{ measurement: "conntrack", tags: {}, fields }];
      }
      return [];
    },
  };
}
