import { escapeHtml } from "../escapes.ts";
import type { NoticeSection } from "../notice.ts";
import type { NoticeWords } from "../notice-words.ts";

const cell = "padding:4px 10px 4px 0;text-align:left;vertical-align:top;border-bottom:1px solid #ddd";

/** A notice with its sections as HTML, for who reads his mail so. All that is not ours is escaped, and nothing is fetched from anywhere. */
export function mailHtml({ title, text, url, sections = [] }: NoticeWords): string {
  const row = (cells: readonly string[], as: "th" | "td"): string =>
    `<tr>${cells.map((one) => `<${as} style="${cell}">${escapeHtml(one)}</${as}>`).join("")}</tr>`;
  const tables = sections.map(
    ({ title: name, head, rows }: NoticeSection) =>
      `<h2 style="font-size:16px;margin:24px 0 6px">${escapeHtml(name)}</h2>
<table style="border-collapse:collapse;font-size:14px"><thead>${row(head, "th")}</thead><tbody>${rows.map((one) => row(one, "td")).join("")}</tbody></table>`,
  );
  const more = url === null ? "" : `<p><a href="${escapeHtml(url)}">Open in Muster</a></p>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>
<body style="font-family:sans-serif;color:#222;background:#fff">
<h1 style="font-size:20px">${escapeHtml(title)}</h1>
<p>${escapeHtml(text)}</p>
${tables.join("\n")}
${more}
</body></html>
`;
}

/** The same as plain lines, each column as wide as its widest cell. */
export function sectionsText(sections: readonly NoticeSection[]): string {
  return sections
    .map(({ title, head, rows }) => {
      const all = [head, ...rows];
      const widths = head.map((_, column) => Math.max(...all.map((one) => one[column]?.length ?? 0)));
      const lines = all.map((one) =>
        one
          .map((text, column) => text.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd(),
      );
      return [title, ...lines].join("\n");
    })
    .join("\n\n");
}
