// Four-vectors as px, py, pz and energy; made from pt, eta, phi and mass, as physicists write them.

import type { Operand } from "./kernels.ts";
import type { Leaf, Numbers, Offsets } from "./values.ts";

export type Vectors = Extract<Leaf, { kind: "vector" }>;

/** From transverse momentum, pseudorapidity, azimuth and mass. */
export function fromPtEtaPhiMass(
  pt: Operand<Numbers>,
  eta: Operand<Numbers>,
  phi: Operand<Numbers>,
  mass: Operand<Numbers>,
  n: number,
): Vectors {
  const px = new Float64Array(n);
  const py = new Float64Array(n);
  const pz = new Float64Array(n);
  const e = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const transverse = pt.data[i & pt.mask];
    const azimuth = phi.data[i & phi.mask];
    const m = mass.data[i & mass.mask];
    px[i] = transverse * Math.cos(azimuth);
    py[i] = transverse * Math.sin(azimuth);
    pz[i] = transverse * Math.sinh(eta.data[i & eta.mask]);
    e[i] = Math.sqrt(px[i] * px[i] + py[i] * py[i] + pz[i] * pz[i] + m * m);
  }
  return { kind: "vector", px, py, pz, e };
}

const maskOf = (vectors: Vectors): 0 | -1 => (vectors.constant ? 0 : -1);

export function addVectors(a: Vectors, b: Vectors, n: number): Vectors {
  const add = (left: Numbers, right: Numbers) => {
    const ma = maskOf(a);
    const mb = maskOf(b);
    const out = new Float64Array(n);
    for (let i = 0; i < n; i++) out[i] = left[i & ma] + right[i & mb];
    return out;
  };
  return { kind: "vector", px: add(a.px, b.px), py: add(a.py, b.py), pz: add(a.pz, b.pz), e: add(a.e, b.e) };
}

/** One vector a list, the sum of its vectors in order; a vector of zeros for an empty list. */
export function sumVectors(
  { px, py, pz, e }: Vectors,
  offsets: Offsets,
  sums: (data: Numbers, offsets: Offsets) => Numbers,
): Vectors {
  return {
    kind: "vector",
    px: sums(px, offsets),
    py: sums(py, offsets),
    pz: sums(pz, offsets),
    e: sums(e, offsets),
  };
}

type Component = (px: number, py: number, pz: number, e: number) => number;

/** What can be asked of a four-vector. */
export const components = {
  pt: (px, py) => Math.sqrt(px * px + py * py),
  eta: (px, py, pz) => Math.asinh(pz / Math.sqrt(px * px + py * py)),
  phi: (px, py) => Math.atan2(py, px),
  mass: (px, py, pz, e) => signedRoot(e * e - (px * px + py * py + pz * pz)),
  px: (px) => px,
  py: (_px, py) => py,
  pz: (_px, _py, pz) => pz,
  energy: (_px, _py, _pz, e) => e,
} satisfies Record<string, Component>;

/** Of a negative square, as rounding gives for massless vectors, minus the root of its size: as in ROOT. */
function signedRoot(square: number): number {
  return square < 0 ? -Math.sqrt(-square) : Math.sqrt(square);
}

export function component(name: keyof typeof components, vectors: Vectors, n: number): Numbers {
  const f: Component = components[name];
  const { px, py, pz, e } = vectors;
  const mask = maskOf(vectors);
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) out[i] = f(px[i & mask], py[i & mask], pz[i & mask], e[i & mask]);
  return out;
}

const turn = 2 * Math.PI;

/** a - b as an angle from -π to below π. */
export function deltaPhi(a: number, b: number): number {
  const difference = a - b;
  return difference - turn * Math.floor((difference + Math.PI) / turn);
}

export function deltaR(operands: Operand<Numbers>[], n: number): Numbers {
  const [eta1, phi1, eta2, phi2] = operands;
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const eta = eta1.data[i & eta1.mask] - eta2.data[i & eta2.mask];
    const phi = deltaPhi(phi1.data[i & phi1.mask], phi2.data[i & phi2.mask]);
    out[i] = Math.sqrt(eta * eta + phi * phi);
  }
  return out;
}
