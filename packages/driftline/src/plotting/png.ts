// A drawing as PNG, at twice its size, with a font that is there on any machine.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { initWasm, Resvg } from "@resvg/resvg-wasm";

const font = "DejaVu Sans";
let ready: Promise<Uint8Array[]> | null = null;

export async function toPng(svg: string): Promise<Uint8Array> {
  ready ??= prepare();
  const fontBuffers = await ready;
  const drawing = new Resvg(standalone(svg), {
    font: { fontBuffers, defaultFontFamily: font, sansSerifFamily: font, loadSystemFonts: false },
    background: "white",
    fitTo: { mode: "zoom", value: 2 },
  });
  return drawing.render().asPng();
}

async function prepare(): Promise<Uint8Array[]> {
  await initWasm(await content("@resvg/resvg-wasm/index_bg.wasm"));
  const styles = ["400-normal", "700-normal"];
  return Promise.all(
    styles.map((style) => content(`@fontsource/dejavu-sans/files/dejavu-sans-latin-${style}.woff2`)),
  );
}

async function content(module: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(fileURLToPath(import.meta.resolve(module))));
}

/** The library knows no CSS variables: each becomes the colour that stands beside it. */
function standalone(svg: string): string {
  return svg.replace(/var\(--[\w-]+,\s*([^)]+)\)/g, "$1").replaceAll("currentColor", "#1a1a1a");
}
