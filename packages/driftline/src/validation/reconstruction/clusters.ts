// From the digits of one pad row to clusters: peaks in two dimensions, and the charge shared between them.

/** Amplitudes of a part of one pad row's readout plane; cells below the threshold are 0. */
export interface Plane {
  /** Number of the first pad and of the first time bin. */
  firstPad: number;
  firstBin: number;
  pads: number;
  bins: number;
  /** pads × bins, row-major. */
  amplitudes: Float32Array;
}

export interface Cluster {
  /** Charge centroid in pads and in time bins, numbers of the readout plane. */
  pad: number;
  bin: number;
  /** Standard deviations of the charge about it. */
  padWidth: number;
  binWidth: number;
  /** Sum of the amplitudes. */
  charge: number;
}

/**
 * Two peaks are one cluster unless the lowest cell on the straight way between them is below this share of the lower
 * peak: ionisation fluctuates, and a single track has several local maxima.
 */
const valley = 0.6;
/** Widths of the bell by which cells between peaks are shared, in pads and bins: those of a single track's cluster. */
const [padBell, binBell] = [0.55, 1.15];

interface Peak {
  pad: number;
  bin: number;
  height: number;
}

/**
 * The clusters of a plane, the highest peak first. A peak is a cell that no neighbour (of eight) exceeds; peaks without
 * a valley between them are one. Each cell goes to the peaks in proportion to their height times a Gaussian of the
 * distance, so that charge is shared where tracks are close, and all charge is given away.
 */
export function findClusters(plane: Plane): Cluster[] {
  const peaks = separatePeaks(plane, localMaxima(plane));
  const { pads, bins, amplitudes } = plane;
  const sums = peaks.map(() => new Float64Array(5));
  const shares = new Float64Array(peaks.length);
  for (let i = 0; i < pads; i++) {
    for (let j = 0; j < bins; j++) {
      const amplitude = amplitudes[i * bins + j];
      if (amplitude === 0) continue;
      let total = 0;
      for (let k = 0; k < peaks.length; k++) {
        if (peaks.length > 1) {
          const [u, v] = [(i - peaks[k].pad) / padBell, (j - peaks[k].bin) / binBell];
          // The floor keeps cells far from all peaks from being divided by zero.
          shares[k] = peaks[k].height * Math.max(1e-30, Math.exp(-0.5 * (u * u + v * v)));
        } else shares[k] = 1;
        total += shares[k];
      }
      for (let k = 0; k < peaks.length; k++) {
        const q = (amplitude * shares[k]) / total;
        const s = sums[k];
        s[0] += q;
        s[1] += q * i;
        s[2] += q * j;
        s[3] += q * i * i;
        s[4] += q * j * j;
      }
    }
  }
  return sums.map(([q, i, j, ii, jj]) => ({
    pad: plane.firstPad + i / q,
    bin: plane.firstBin + j / q,
    padWidth: Math.sqrt(Math.max(0, ii / q - (i / q) ** 2)),
    binWidth: Math.sqrt(Math.max(0, jj / q - (j / q) ** 2)),
    charge: q,
  }));
}

function localMaxima({ pads, bins, amplitudes }: Plane): Peak[] {
  const peaks: Peak[] = [];
  for (let i = 0; i < pads; i++) {
    for (let j = 0; j < bins; j++) {
      const height = amplitudes[i * bins + j];
      if (height > 0 && isPeak(i, j, height)) peaks.push({ pad: i, bin: j, height });
    }
  }
  return peaks.sort((a, b) => b.height - a.height);

  function isPeak(i: number, j: number, height: number): boolean {
    for (let di = -1; di <= 1; di++) {
      for (let dj = -1; dj <= 1; dj++) {
        const [k, l] = [i + di, j + dj];
        if ((di === 0 && dj === 0) || k < 0 || l < 0 || k >= pads || l >= bins) continue;
        const other = amplitudes[k * bins + l];
        // Of equal neighbours (a saturated plateau) the first one counts.
        if (other > height || (other === height && (di < 0 || (di === 0 && dj < 0)))) return false;
      }
    }
    return true;
  }
}

/** Keeps a peak if there is a valley between it and every higher one that was kept. */
function separatePeaks(plane: Plane, peaks: Peak[]): Peak[] {
  const kept: Peak[] = [];
  for (const peak of peaks) {
    if (kept.every((other) => lowestBetween(plane, peak, other) < valley * peak.height)) kept.push(peak);
  }
  return kept;
}

function lowestBetween({ bins, amplitudes }: Plane, a: Peak, b: Peak): number {
  const steps = Math.max(Math.abs(a.pad - b.pad), Math.abs(a.bin - b.bin));
  let lowest = Math.min(a.height, b.height);
  for (let s = 1; s < steps; s++) {
    const i = Math.round(a.pad + ((b.pad - a.pad) * s) / steps);
    const j = Math.round(a.bin + ((b.bin - a.bin) * s) / steps);
    lowest = Math.min(lowest, amplitudes[i * bins + j]);
  }
  return lowest;
}
