/** Whether `topic` is matched by the subscription `filter` (MQTT 3.1.1 §4.7; `$`-topics need their level spelled out). */
export function matchesFilter(filter: string, topic: string): boolean {
  if (filter === topic) return true;
  if (topic.startsWith("$") !== filter.startsWith("$")) return false;
  const wanted = filter.split("/");
  const levels = topic.split("/");
  for (const [at, level] of wanted.entries()) {
    if (level === "#") return true;
    if (at >= levels.length) return false;
    if (level !== "+" && level !== levels[at]) return false;
  }
  return wanted.length === levels.length;
}
