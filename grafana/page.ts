import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { marks, source, where } from "./query.ts";

export interface PageOptions {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Commands and alerts as annotations; not where there is no device to choose. */
  readonly commands?: boolean;
}

/** A dashboard as all of Muster's are: the last hour, refreshed, with links to the others. */
export function page({ uid, title, description, commands = true }: PageOptions): dashboard.DashboardBuilder {
  const made = new dashboard.DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(["muster"])
    .editable()
    .time({ from: "now-1h", to: "now" })
    .timezone("browser")
    .refresh("30s")
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .link(
      new dashboard.DashboardLinkBuilder("Muster")
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags(["muster"])
        .asDropdown(false)
        .keepTime(true),
    );
  return commands ? made.annotation(commandMarks()).annotation(alertMarks()) : made;
}

/** Every command that ended while the shown time lasted, of the chosen devices. */
function commandMarks(): dashboard.AnnotationQueryBuilder {
  const query = `SELECT "text", "host", "key", "state", "ms", "id" FROM "muster_command" WHERE ${where()}`;
  return new dashboard.AnnotationQueryBuilder()
    .name("commands")
    .datasource(source)
    .enable(true)
    .iconColor("light-blue")
    .target(marks(query, { name: "commands", text: "text", tags: "host,key,state" }));
}

/** Every alert that fired while the shown time lasted, of the chosen devices: from then until it was over. */
function alertMarks(): dashboard.AnnotationQueryBuilder {
  const query = `SELECT "text", "host", "rule", "severity", "state", "end", "id" FROM "muster_alert" WHERE ${where()}`;
  return new dashboard.AnnotationQueryBuilder()
    .name("alerts")
    .datasource(source)
    .enable(true)
    .iconColor("red")
    .target(marks(query, { name: "alerts", text: "text", tags: "rule,severity,state,host", end: "end" }));
}

export interface VariableOptions {
  readonly label: string;
  readonly query: string;
  /** Several, or all, may be chosen. */
  readonly several?: boolean;
  /** Values that are offered, as `/…/`; all otherwise. */
  readonly regex?: string;
}

/** A variable that asks InfluxDB for its values. */
export function variable(
  id: string,
  { label, query, several = false, regex }: VariableOptions,
): dashboard.QueryVariableBuilder {
  const made = new dashboard.QueryVariableBuilder(id)
    .label(label)
    .datasource(source)
    .query(query)
    .definition(query)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(several)
    .includeAll(several);
  if (regex !== undefined) made.regex(regex);
  return several ? made.allValue(".*").current({ selected: true, text: ["All"], value: ["$__all"] }) : made;
}

/** Every device that has ever told its load, which those of all systems do. */
export function servers(several: boolean): dashboard.QueryVariableBuilder {
  const query = 'SHOW TAG VALUES FROM "system" WITH KEY = "host"';
  return variable("server", { label: several ? "Devices" : "Device", query, several });
}
