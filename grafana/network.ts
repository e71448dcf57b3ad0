import { chart, rate, type Section } from "./panels.ts";

const interfaces = {
  measurement: "net",
  by: ["interface"],
  where: [`"interface" =~ /^$interface$/`, `"interface" != 'all'`],
};
/** The machine's TCP and UDP as a whole. */
const protocols = { measurement: "net", where: [`"interface" = 'all'`] };

export const network: Section = {
  title: "Network",
  panels: [
    chart({
      ...interfaces,
      title: "Traffic",
      unit: "Bps",
      values: { received: rate("bytes_recv"), sent: rate("bytes_sent") },
    }),
    chart({
      ...interfaces,
      title: "Packets",
      unit: "pps",
      values: { received: rate("packets_recv"), sent: rate("packets_sent") },
    }),
    chart({
      ...interfaces,
      title: "Errors and drops",
      unit: "pps",
      values: {
        "errors in": rate("err_in"),
        "errors out": rate("err_out"),
        "drops in": rate("drop_in"),
        "drops out": rate("drop_out"),
      },
    }),
    chart({
      ...protocols,
      title: "TCP segments",
      unit: "pps",
      values: { received: rate("tcp_insegs"), sent: rate("tcp_outsegs"), "sent again": rate("tcp_retranssegs") },
    }),
    chart({
      ...protocols,
      title: "UDP datagrams",
      unit: "pps",
      values: { received: rate("udp_indatagrams"), sent: rate("udp_outdatagrams"), errors: rate("udp_inerrors") },
    }),
    chart({
      title: "Connections",
      description: "Machines on which the states are slow to read tell them in every second, third … 40th sample.",
      min: 0,
      fill: "none",
      measurement: "netstat",
      values: {
        established: "mean([[tcp_established]])",
        "time wait": "mean([[tcp_time_wait]])",
        "close wait": "mean([[tcp_close_wait]])",
        listen: "mean([[tcp_listen]])",
        "syn received": "mean([[tcp_syn_recv]])",
        "UDP sockets": "mean([[udp_socket]])",
      },
    }),
    chart({
      title: "Connections that failed",
      unit: "cps",
      measurement: "nstat",
      values: {
        "not taken in time": rate("TcpExtListenOverflows"),
        "aborted, timeout": rate("TcpExtTCPAbortOnTimeout"),
        "aborted, memory": rate("TcpExtTCPAbortOnMemory"),
        "UDP buffer full": rate("UdpRcvbufErrors"),
        "no route": rate("IpOutNoRoutes"),
      },
    }),
    chart({
      title: "Connections that the firewall follows",
      min: 0,
      fill: "none",
      measurement: "conntrack",
      values: { followed: "mean([[ip_conntrack_count]])", "at most": "max([[ip_conntrack_max]])" },
    }),
  ],
};
