// The MPD TPC as the reconstruction sees it: pad rows, sectors, and the volume in which electrons drift.

/**
 * Lengths in cm, angles in radians. Sources: Technical Design Report of the MPD TPC (rev. 07, 2019) for the sectors, the
 * pads and the drift; `TpcSectorGeoAlignmentVAK.cxx` of MpdRoot (git.jinr.ru/nica/mpdroot) for the lower edge of the
 * first row and the number of pads in each row, which the report gives in total only.
 */
export const chamber = {
  sectors: 12,
  /** Centre of the beam to the lower edge of row 0, in the middle of a sector. */
  firstRowEdgeCm: 40.3,
  innerRows: 27,
  outerRows: 26,
  innerRowHeightCm: 1.2,
  outerRowHeightCm: 1.8,
  padWidthCm: 0.5,
  /** Central membrane (z = 0) to the readout plane, on both sides. */
  driftCm: 170,
} as const;

export const rowCount = chamber.innerRows + chamber.outerRows;
export const sectorAngle = (2 * Math.PI) / chamber.sectors;

/** Inner rows that have two pads more than the row below; each outer row has. Row 0 has 40 pads. */
const widened = [2, 4, 5, 7, 8, 10, 12, 13, 15, 16, 18, 19, 21, 22, 24, 26];
const padCounts = Array.from({ length: rowCount }, (_, row) => {
  const inner = widened.filter((at) => at <= row).length;
  return 40 + 2 * (inner + Math.max(0, row - chamber.innerRows + 1));
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
