// Values of conditions as whole steps of their grid, where they compare exactly, and as text for people.

/**
 * A value in steps of the grid. Canonical values are whole multiples of it, and whole numbers compare exactly:
 * 5.55 is inside a box that ends at 5.50 + 0.05, which no comparison of binary fractions can promise.
 */
export function inSteps(value: number, grid: number): number {
  const steps = value / grid;
  const whole = Math.round(steps);
  return Math.abs(steps - whole) < 1e-6 ? whole : steps;
}

/** With the grid's decimals: 5.5 on a grid of 0.01 is "5.50"; a value between grid points keeps its own. */
export function onGrid(value: number | string, grid: string): string {
  const text = String(value);
  const decimals = decimalsOf(grid);
  return decimals > decimalsOf(text) ? Number(text).toFixed(decimals) : text;
}

/** "2 tolerances", "0.4 tolerances", "1 tolerance". */
export function tolerances(distance: number): string {
  const text = String(Number(distance.toPrecision(3)));
  return `${text} ${text === "1" ? "tolerance" : "tolerances"}`;
}

function decimalsOf(text: string): number {
  const point = text.indexOf(".");
  return point < 0 ? 0 : text.length - point - 1;
}
