// Pieces of the report's page: sections, tables, grids of figures, numbers.

import { escapeHtml } from "../plotting/panel.ts";

export function section(title: string, text: string, content: string, extra = ""): string {
  const paragraph = text || extra ? `<p>${escapeHtml(text)} ${extra}</p>` : "";
  return `<section><h2>${escapeHtml(title)}</h2>${paragraph}${content}</section>`;
}

export function legend(...entries: [label: string, colour: "truth" | "generated"][]): string {
  return entries
    .map(([label, colour]) => `<span class="key ${colour}"></span>${escapeHtml(label)}`)
    .join(" ");
}

export function grid(figures: string[]): string {
  return `<div class="grid">${figures.map((figure) => `<figure>${figure}</figure>`).join("")}</div>`;
}

export function table(head: string[], rows: string[][]): string {
  const cells = (row: string[]) =>
    row.map((cell, k) => (k === 0 ? `<th scope="row">${cell}</th>` : `<td>${cell}</td>`)).join("");
  return `<div class="scroll"><table><thead><tr>${head.map((cell) => `<th scope="col">${cell}</th>`).join("")}</tr></thead>
<tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join("")}</tbody></table></div>`;
}

export function figure(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return "–";
  return value >= 1000 || value === 0 ? value.toPrecision(3) : value.toFixed(3);
}

export function interval(range: [number, number] | null): string {
  return range === null ? "–" : `${figure(range[0])} – ${figure(range[1])}`;
}
