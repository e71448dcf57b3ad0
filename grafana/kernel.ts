import { chart, rate, type Section } from "./panels.ts";

export const processes: Section = {
  title: "Processes and kernel",
  panels: [
    chart({
      title: "Processes",
      min: 0,
      stacked: true,
      measurement: "processes",
      values: {
        running: "mean([[running]])",
        sleeping: "mean([[sleeping]])",
        idle: "mean([[idle]])",
        blocked: "mean([[blocked]])",
        stopped: "mean([[stopped]])",
        zombies: "mean([[zombies]])",
      },
    }),
    chart({ title: "Threads", min: 0, measurement: "processes", values: { threads: "mean([[total_threads]])" } }),
    chart({
      title: "Kernel",
      unit: "ops",
      measurement: "kernel",
      values: {
        "context switches": rate("context_switches"),
        interrupts: rate("interrupts"),
        forks: rate("processes_forked"),
      },
    }),
    chart({ title: "Entropy", min: 0, measurement: "kernel", values: { bits: "mean([[entropy_avail]])" } }),
    chart({
      title: "Interrupts by kind",
      unit: "ops",
      measurement: "interrupts",
      by: ["type"],
      fill: "none",
      values: { interrupts: rate("total") },
    }),
    chart({
      title: "Open files",
      min: 0,
      fill: "none",
      measurement: "linux_sysctl_fs",
      values: { files: "mean([[file-nr]])", inodes: "mean([[inode-nr]])", names: "mean([[dentry-nr]])" },
    }),
    chart({ title: "Logins", min: 0, measurement: "system", values: { logins: "mean([[n_users]])" } }),
  ],
};

/** What the agent tells of itself. */
export const agent: Section = {
  title: "Agent",
  panels: [
    chart({
      title: "Readings",
      unit: "ops",
      fill: "none",
      measurement: "internal_agent",
      values: {
        gathered: rate("metrics_gathered"),
        written: rate("metrics_written"),
        problems: rate("gather_errors"),
      },
    }),
    chart({
      title: "Time of a collector",
      unit: "ns",
      min: 0,
      fill: "none",
      measurement: "internal_gather",
      by: ["input"],
      values: { time: "mean([[gather_time_ns]])" },
    }),
    chart({
      title: "Until the console's ack",
      unit: "ns",
      min: 0,
      fill: "none",
      measurement: "internal_write",
      values: { time: "mean([[write_time_ns]])" },
    }),
    chart({
      title: "Batches that wait",
      min: 0,
      fill: "none",
      measurement: "internal_write",
      values: { waiting: "max([[buffer_size]])" },
    }),
  ],
};
