// Primary ionisation of a charged particle in argon: clusters per centimetre and electrons per cluster.

/** Masses in GeV/c² (Particle Data Group). All are taken with charge +1. */
export const particleMass: Record<string, number> = {
  electron: 0.00051099895,
  muon: 0.1056583755,
  pion: 0.13957039,
  kaon: 0.493677,
  proton: 0.93827209,
};

/** Primary clusters per centimetre of a minimum-ionising particle: tuned, see docs/simulation.md. */
export const MINIMUM_CLUSTER_DENSITY = 17.3;
/** Probability of a cluster of 100 electrons or more: tuned, see docs/simulation.md. */
export const TAIL_PROBABILITY = 0.00283;
/** Largest cluster, in electrons; a more energetic knock-on electron leaves the row. */
export const LARGEST_CLUSTER = 10000;
/** Energy to make an electron-ion pair in Ar/CH4 90/10, eV (gas file of the experiment). */
export const PAIR_ENERGY = 35.24;

const SINGLE = 0.634;
const TAIL_START = 20;
/**
 * Argon, clusters of 2 to 19 electrons, in percent: H. Fischle, J. Heintze, B. Schmidt, Nucl. Instrum. Methods A 301
 * (1991) 202. Only their ratios are used.
 */
const MEASURED = [
  15.0, 6.4, 3.5, 2.25, 1.55, 1.05, 0.81, 0.61, 0.49, 0.39, 0.3, 0.25, 0.2, 0.16, 0.12, 0.095, 0.075, 0.063,
];

/**
 * Ionisation relative to its minimum, as a function of βγ: the parametrisation of the ALEPH collaboration with the
 * constants of the ALICE TPC (W. Blum, W. Riegler, L. Rolandi, Particle Detection with Drift Chambers, 2nd ed.,
 * eq. 10.20; AliExternalTrackParam::BetheBlochAleph).
 */
export function relativeIonisation(betaGamma: number): number {
  return aleph(betaGamma) / MINIMUM;
}

function aleph(betaGamma: number): number {
  const beta = betaGamma / Math.sqrt(1 + betaGamma * betaGamma);
  const power = beta ** 1.8631;
  return (10.632 - power - Math.log(0.13279e-4 + betaGamma ** -1.9479)) / power;
}

/** βγ at the minimum of that curve. */
export const MINIMUM_BETA_GAMMA = minimumOf(aleph, 2, 6);
const MINIMUM = aleph(MINIMUM_BETA_GAMMA);

function minimumOf(f: (x: number) => number, low: number, high: number): number {
  while (high - low > 1e-9) {
    const third = (high - low) / 3;
    if (f(low + third) < f(high - third)) high -= third;
    else low += third;
  }
  return 0.5 * (low + high);
}

/**
 * Electrons that the most energetic knock-on electron can free, at most LARGEST_CLUSTER: its energy is
 * 2 m_e (βγ)² / (1 + 2γ m_e/M + (m_e/M)²) (Particle Data Group, Passage of Particles Through Matter, eq. 34.4).
 */
export function largestCluster(betaGamma: number, massGev: number): number {
  const electronGev = particleMass.electron;
  const ratio = electronGev / massGev;
  const gamma = Math.sqrt(1 + betaGamma * betaGamma);
  const energyGev = (2 * electronGev * betaGamma * betaGamma) / (1 + 2 * gamma * ratio + ratio * ratio);
  return Math.max(TAIL_START, Math.min(LARGEST_CLUSTER, Math.floor((energyGev * 1e9) / PAIR_ENERGY)));
}

/** Electrons of a cluster for a 32-bit random word, not more than `largest`. */
export type ClusterSize = (word: number, largest: number) => number;

/**
 * Cluster sizes: 63.4 % single electrons, 2 to 19 electrons in the ratios measured in argon, and from 20 on a tail
 * ∝ 1/n² (Rutherford scattering: knock-on electrons) of which `tail` lies at 100 and beyond. The tail's words that would
 * give more than `largest` electrons are drawn again below it: the 1/n² law ends there.
 */
export function clusterSizes(tail: number): ClusterSize {
  // P(n >= N) = c/(N - ½) is the sum of c/(n² - ¼), 1/n² within 0.06 % from 20 on.
  const c = tail * 99.5;
  const fromTail = c / (TAIL_START - 0.5);
  const scale = (1 - SINGLE - fromTail) / MEASURED.reduce((a, b) => a + b, 0);
  const thresholds = new Float64Array(MEASURED.length);
  let sum = SINGLE;
  for (let i = 0; i < MEASURED.length; i++) {
    thresholds[i] = sum * 2 ** 32;
    sum += MEASURED[i] * scale;
  }
  const tailWord = sum * 2 ** 32;
  return (word, largest) => {
    if (word < thresholds[0]) return 1;
    if (word < tailWord) {
      let size = 2;
      while (size < TAIL_START - 1 && word >= thresholds[size - 1]) size++;
      return size;
    }
    // Uniform in (0, 1] within the tail, mapped to P(n' >= n | n' <= largest).
    const u = (2 ** 32 - word) / (2 ** 32 - tailWord);
    const a = 1 / (TAIL_START - 0.5);
    const b = 1 / (largest + 0.5);
    return Math.min(largest, Math.floor(1 / (b + u * (a - b)) + 0.5));
  };
}
