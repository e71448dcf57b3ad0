/** Has the browser keep a text, as CSV, or something else as a file. */
export function saveAsFile(name: string, content: string | Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(typeof content === "string" ? new Blob([content], { type: "text/csv" }) : content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
