// Drawing: Observable Plot without a browser, panels stacked into one SVG, colours that follow the page's theme.

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

/** Colours with a fallback, so that an SVG also stands alone; the report's page sets the variables. */
export const colours = {
  truth: "var(--truth, #2f6fb3)",
  generated: "var(--generated, #d1571b)",
  quiet: "var(--quiet, #8a8f98)",
} as const;

const { document } = parseHTML("<!doctype html><html><body></body></html>");

/** One drawing, as SVG text with its size in pixels. */
export interface Panel {
  svg: string;
  width: number;
  height: number;
}

/** Draws one panel; `options` are Observable Plot's. */
export function panel(options: Plot.PlotOptions & { width: number; height: number }): Panel {
  const element: unknown = Plot.plot({ ...options, document: document as never });
  const svg = (element as { outerHTML: string }).outerHTML
    // Plot's own style block repeats in every drawing and hides overflow; the page has all that is needed.
    .replace(/<style>[\s\S]*?<\/style>/, "")
    .replace("<svg ", '<svg style="overflow: visible; font: 11px system-ui, sans-serif" ')
    // Digits beyond a hundredth of a pixel double the size of the page.
    .replace(/(\d+\.\d{2})\d+/g, "$1");
  return { svg, width: options.width, height: options.height };
}

/** An axis with its label in the middle and no arrow. */
export function centred(label: string) {
  return { label, labelAnchor: "center", labelArrow: "none" } as const;
}

/** Panels one above the other with a title, as one SVG that also is a file of its own. */
export function stack(title: string, panels: Panel[], note = ""): string {
  const width = Math.max(...panels.map((part) => part.width));
  let y = 18;
  const parts = panels.map((part) => {
    const placed = part.svg.replace("<svg ", `<svg y="${y}" `);
    y += part.height;
    return placed;
  });
  const text = 'fill="currentColor" font-family="system-ui, sans-serif"';
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${escapeHtml(title)}" width="${width}" height="${y}" ` +
    `viewBox="0 0 ${width} ${y}"><text x="${leftMargin}" y="12" font-size="12" font-weight="600" ${text}>${escapeHtml(title)}</text>` +
    (note
      ? `<text x="${width - 8}" y="12" font-size="11" text-anchor="end" ${text}>${escapeHtml(note)}</text>`
      : "") +
    `${parts.join("")}</svg>`
  );
}

/** The same for panels above each other, so that their axes line up. */
export const leftMargin = 52;

export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
