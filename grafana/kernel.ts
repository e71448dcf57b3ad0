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
    chart({ title: "Logins", min: 0, measurement: "system", values: { logins: "mean([[n_users]])" } }),
  ],
};
