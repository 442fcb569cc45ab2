// The MPD TPC as the reconstruction sees it: pad rows, sectors, and the volume in which electrons drift.

/**
 * Lengths in cm, angles in radians. Source: `BaseTpcSectorGeo.h` of MpdRoot (git.jinr.ru/nica/mpdroot, 2022), which has
 * the sectors, pads and rows of the Technical Design Report of the MPD TPC as they were built.
 */
export const chamber = {
  /** On each side; sector 0 is centred on azimuth 0. */
  sectors: 12,
  /** Centre of the beam to the lower edge of row 0, in the middle of a sector: 40.3 to the pad plane, 0.4 to its pads. */
  firstRowEdgeCm: 40.7,
  innerRows: 27,
  outerRows: 26,
  innerRowHeightCm: 1.2,
  outerRowHeightCm: 1.8,
  padWidthCm: 0.5,
  /** Middle of the central membrane (z = 0) to the readout plane, on both sides; 0.01 of it is the membrane's half. */
  driftCm: 163.889,
} as const;

export const rowCount = chamber.innerRows + chamber.outerRows;
export const sectorAngle = (2 * Math.PI) / chamber.sectors;

/** Rows that have as many pads as the row below; all others have two more. Row 0 has 40 pads. */
const asWide = [2, 5, 7, 10, 13, 16, 19, 21, 24, 31];
const padCounts = Array.from({ length: rowCount }, (_, row) => {
  return 40 + 2 * (row - asWide.filter((at) => at <= row).length);
});

/** Height of a pad row across the row. */
export function rowHeightCm(row: number): number {
  return row < chamber.innerRows ? chamber.innerRowHeightCm : chamber.outerRowHeightCm;
}

/** Distance of a row's centre line from the beam, in the sector's frame. */
export function rowCentreCm(row: number): number {
  const inner = Math.min(row, chamber.innerRows) * chamber.innerRowHeightCm;
  const outer = Math.max(0, row - chamber.innerRows) * chamber.outerRowHeightCm;
  return chamber.firstRowEdgeCm + inner + outer + 0.5 * rowHeightCm(row);
}

/** Pads of a row; pad 0 has the most negative x in the sector's frame. */
export function padCount(row: number): number {
  return padCounts[row];
}

/** Pad coordinate of a place x (cm) along a row: an integer is the centre of a pad. */
export function padOf(row: number, xCm: number): number {
  return xCm / chamber.padWidthCm + 0.5 * (padCount(row) - 1);
}

/** Place along a row (cm) of a pad coordinate. */
export function xOfPad(row: number, pad: number): number {
  return (pad - 0.5 * (padCount(row) - 1)) * chamber.padWidthCm;
}
