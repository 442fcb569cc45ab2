// What expressions mean, on columns small enough to work out by hand.

import assert from "node:assert/strict";
import { test } from "node:test";
import { compileExpression } from "./compile.ts";
import { bool, type Data, dataOf, evaluate, integer, list, number, single, text } from "./testing/columns.ts";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

// Three entries: two jets and one muon, nothing, one jet and two muons.
const data: Data = dataOf({
  run: [integer, [1, 2, 3]],
  MET_pt: [single, [20, 30, 40]],
  MET_phi: [number, [0, 1, -3]],
  nJet: [integer, [2, 0, 1]],
  Jet_pt: [list(single), [[50, 25], [], [35]]],
  Jet_eta: [list(number), [[-1, 2.5], [], [0.5]]],
  Jet_phi: [list(number), [[0, 3], [], [-3]]],
  Jet_mass: [list(number), [[5, 4], [], [3]]],
  Jet_good: [list(bool), [[true, false], [], [true]]],
  nMuon: [integer, [1, 0, 2]],
  Muon_pt: [list(number), [[10], [], [30, 20]]],
  Muon_charge: [list(integer), [[1], [], [1, -1]]],
  Muon_jet: [list(integer), [[1], [], [0, 5]]],
  hits: [list(list(number)), [[[1, 2], []], [], [[3]]]],
  fewer: [list(number), [[9], [], []]],
  weights: [
    list(number, 2),
    [
      [1, 2],
      [3, 4],
      [5, nan],
    ],
  ],
  event: [{ kind: "number", type: "int64" }, [1n, 2n ** 53n + 1n, -5n]],
  trigger: [bool, [true, false, true]],
  class: [text, ["X2.2", "M1.0", "X"]],
  "odd name": [number, [1, 2, 3]],
  "branch/leaf": [number, [7, 8, 9]],
  "track.pt": [number, [4, 5, 6]],
  x: [number, [1, nan, -2]],
  y: [number, [2, 2, 0]],
});

function gives(expression: string, expected: unknown[]) {
  assert.deepEqual(evaluate(expression, data), expected, expression);
}

test("arithmetic follows the precedence of Python and C++, in float64", () => {
  gives("1 + 2 * y", [5, 5, 1]);
  gives("-y ** 2", [-4, -4, -0]);
  gives("2 ** 3 ** y", [2 ** 9, 2 ** 9, 2]);
  gives("2 ** -y", [0.25, 0.25, 1]);
  gives("7 % y", [1, 1, nan]);
  gives("-7 % 3 + 0 * y", [2, 2, 2]);
  gives("run / 2", [0.5, 1, 1.5]);
  gives("10 - 3 - y", [5, 5, 7]);
  gives(
    "MET_pt * 0.1",
    [20, 30, 40].map((met) => met * 0.1),
  );
  gives("(trigger + trigger) * 2", [4, 0, 4]);
  gives("1e3 + .5 + y", [1002.5, 1002.5, 1000.5]);
  gives("pi", [Math.PI, Math.PI, Math.PI]);
});

test("names may hold points and slashes, or any character in back-quotes", () => {
  gives("`odd name` + 1", [2, 3, 4]);
  gives("branch/leaf", [7, 8, 9]);
  gives("run/y", [0.5, 1, inf]);
  gives("track.pt*2", [8, 10, 12]);
  gives("branch/leaf/run", [7, 4, 3]);
  gives("trigger?y:run", [2, 2, 0]);
  gives("Jet.pt[0]", [50, nan, 35]);
});

test("comparisons with NaN are false, != true; chains compare neighbours", () => {
  gives("x < 5", [true, false, true]);
  gives("x == x", [true, false, true]);
  gives("x != x", [false, true, false]);
  gives("20 < MET_pt <= 40", [false, true, true]);
  gives("40 > MET_pt >= 30", [false, true, false]);
  gives("trigger == 1", [true, false, true]);
  gives("1 == run == y - 1", [true, false, false]);
});

test("conditions in the words of C++, Python and NumPy", () => {
  gives("trigger && run > 1", [false, false, true]);
  gives("trigger and not run > 1 or run == 2", [true, true, false]);
  gives("!trigger || run == 1", [true, true, false]);
  gives("(run > 1) & (y > 0) | ~trigger", [false, true, false]);
  gives("any((Jet_pt > 30) & Jet_good)", [true, false, true]);
  gives("trigger ? run : -1", [1, -1, 3]);
  gives("run == 1 ? 10 : run == 2 ? 20 : 30", [10, 20, 30]);
  gives("where(trigger, Jet_pt, 0)", [[50, 25], [], [35]]);
  gives("where(run > 1, true, trigger)", [true, true, true]);
});

test("reductions of empty lists: 0, false, true, NaN", () => {
  gives("sum(Jet_pt)", [75, 0, 35]);
  gives("sum(Jet_pt > 30)", [1, 0, 1]);
  gives("any(Jet_pt > 30)", [true, false, true]);
  gives("all(Jet_pt > 30)", [false, true, true]);
  gives("count(Jet_pt)", [2, 0, 1]);
  gives("len(Jet_good)", [2, 0, 1]);
  gives("min(Jet_pt)", [25, nan, 35]);
  gives("max(Jet_eta)", [2.5, nan, 0.5]);
  gives("mean(Jet_pt)", [37.5, nan, 35]);
  gives("argmin(Jet_pt)", [1, nan, 0]);
  gives("argmax(Jet_pt)", [0, nan, 0]);
  gives("first(Muon_pt)", [10, nan, 30]);
  gives("sum(hits)", [[3, 0], [], [3]]);
  gives("sum(sum(hits))", [3, 0, 3]);
  gives("max(weights)", [2, 4, nan]);
  gives("argmax(weights)", [1, 1, 1]);
  gives("Sum$(Jet_pt) + TMath::Abs(-1) + np.sqrt(4) + 0 * TMath::Pi()", [78, 3, 38]);
});

test("min and max of several values are taken item by item, NaN wins", () => {
  gives("max(x, 0, -1)", [1, nan, 0]);
  gives("min(Jet_pt, MET_pt)", [[20, 20], [], [35]]);
});

test("indices: from the end, missing, by the place of the greatest, by a list", () => {
  gives("Jet_pt[0]", [50, nan, 35]);
  gives("Jet_pt[-1]", [25, nan, 35]);
  gives("Jet_pt[1]", [25, nan, nan]);
  gives("Jet_pt[0.5]", [nan, nan, nan]);
  gives("Jet_eta[argmin(Jet_pt)]", [2.5, nan, 0.5]);
  gives("Jet_good[3]", [false, false, false]);
  gives("Jet_pt[Muon_jet]", [[25], [], [35, nan]]);
  gives("hits[0]", [[1, 2], [], [3]]);
  gives("hits[0][1]", [2, nan, nan]);
  gives("alt(Jet_pt[1], 0)", [25, 0, 0]);
  gives("Alt$(Jet_pt[1], 0)", [25, 0, 0]);
  gives("weights[1]", [2, 4, nan]);
});

test("masks and ranges select objects", () => {
  gives("Jet_pt[Jet_pt > 30 && abs(Jet_eta) < 2.4]", [[50], [], [35]]);
  gives("sum(Jet_pt[Jet_good])", [50, 0, 35]);
  gives("Jet_eta[Jet_pt > MET_pt]", [[-1, 2.5], [], []]);
  gives("hits[len(hits) > 0]", [[[1, 2]], [], [[3]]]);
  gives("hits[hits > 1]", [[[2], []], [], [[3]]]);
  gives("Muon_pt[:1]", [[10], [], [30]]);
  gives("Muon_pt[-1:]", [[10], [], [20]]);
  gives("hits[:1]", [[[1, 2]], [], [[3]]]);
  const { shape } = compileExpression("Jet_pt[Jet_pt > 30]", data.scope);
  assert.deepEqual(shape, list(single), "a selection of float32 stays float32");
});

test("order: ascending, NaN last, by another list, as places", () => {
  gives("sort(Jet_pt)", [[25, 50], [], [35]]);
  gives("sort(Jet_pt, -Jet_eta)", [[25, 50], [], [35]]);
  gives("argsort(-Muon_pt)", [[0], [], [0, 1]]);
  gives("Muon_charge[argsort(Muon_pt)]", [[1], [], [-1, 1]]);
  gives("position(Jet_pt)", [[0, 1], [], [0]]);
  gives("concat(Jet_pt, Muon_pt)", [[50, 25, 10], [], [35, 30, 20]]);
});

test("values of an entry are repeated for its objects", () => {
  gives("Jet_pt - MET_pt", [[30, 5], [], [-5]]);
  gives("hits * run", [[[1, 2], []], [], [[9]]]);
  gives("hits + Jet_good", [[[2, 3], []], [], [[4]]]);
});

test("loops: pairs, products, conditions, nested", () => {
  gives("[Muon_pt[i] - Muon_pt[j] for i < j in Muon_pt]", [[], [], [10]]);
  gives("any(Muon_charge[i] != Muon_charge[j] for i < j in Muon_pt)", [false, false, true]);
  gives("[Jet_pt[i] + Muon_pt[j] for i in Jet_pt for j in Muon_pt]", [[60, 35], [], [65, 55]]);
  gives("[i * 10 + j for i in Jet_pt for j in weights if Jet_pt[i] < 40]", [[10, 11], [], [0, 1]]);
  gives("[any(Muon_pt[k] * 4 > Jet_pt[i] for k in Muon_pt) for i in Jet_pt]", [[false, true], [], [true]]);
  gives("[sum(Muon_pt) + Jet_pt[i] for i in Jet_pt]", [[60, 35], [], [85]]);
  gives("[any(Muon_pt * 4 > Jet_pt[i]) for i in Jet_pt]", [[false, true], [], [true]]);
  gives("[Jet_pt[k] for k in Jet_pt if k != argmax(Jet_pt)]", [[25], [], []]);
  gives("[1 for i in Jet_pt]", [[1, 1], [], [1]]);
  gives("[MET_pt for i in Jet_pt if false]", [[], [], []]);
  gives("[h for i in hits for h in hits[i]]", [[0, 1], [], [0]]);
  gives("[hits[i][h] for i in hits for h in hits[i]]", [[1, 2], [], [3]]);
  gives("[weights[h] for i in hits for h in hits[i]]", [[1, 2], [], [5]]);
  gives("[fewer[h] for i in hits for h in hits[i]]", [[9, nan], [], [nan]]);
  const five = dataOf({
    v: [
      list(number),
      [
        [1, 2, 3, 4, 5],
        [1, 2],
      ],
    ],
  });
  const triples = evaluate("[100 * v[i] + 10 * v[j] + v[k] for i < j < k in v]", five);
  assert.deepEqual(triples, [[123, 124, 125, 134, 135, 145, 234, 235, 245, 345], []]);
});

test("lists within loops: whole lists of the entry, for each combination", () => {
  gives("[sum(Jet_pt[Jet_pt > Muon_pt[m]]) for m in Muon_pt]", [[75], [], [35, 35]]);
  gives("[Jet_pt[Jet_pt > 30 + 10 * m] for m in Muon_pt]", [[[50]], [], [[35], []]]);
  gives("[len(Jet_pt[:m]) for m in Muon_pt]", [[0], [], [0, 1]]);
  gives("[sort(Jet_pt, Jet_pt * Muon_charge[m]) for m in Muon_pt]", [[[25, 50]], [], [[35], [35]]]);
  gives("[max(concat(Jet_pt, Muon_pt)) - Muon_pt[m] for m in Muon_pt]", [[40], [], [5, 15]]);
  gives("[Jet_pt[Muon_jet + m] for m in Muon_pt]", [
    [[25]],
    [],
    [
      [35, nan],
      [nan, nan],
    ],
  ]);
  gives("[where(m == 0, Jet_pt, -Jet_pt) for m in Muon_pt]", [[[50, 25]], [], [[35], [-35]]]);
  gives("[position(Jet_pt * m) for m in Muon_pt]", [[[0, 1]], [], [[0], [0]]]);
  gives('[startswith(class, "X") && m == 0 for m in Muon_pt]', [[true], [], [true, false]]);
  gives("[[Jet_pt[i] + m for i in Jet_pt if Jet_pt[i] > 30] for m in Muon_pt if m < 1]", [
    [[50]],
    [],
    [[35]],
  ]);
  gives("[mass(Jet[0]) > m ? MET_pt : run for m in Muon_pt]", [[20], [], [40, 40]]);
});

test("four-vectors", () => {
  const close = (expression: string, expected: number) => {
    const [value] = evaluate(expression, data) as number[];
    assert.ok(
      Math.abs(value - expected) <= 1e-12 * Math.abs(expected),
      `${expression}: ${value}, not ${expected}`,
    );
  };
  // Two massless vectors: m² = 2 pt1 pt2 (cosh Δη - cos Δφ).
  close("mass(50, -1, 0, 0, 25, 2.5, 3, 0)", Math.sqrt(2 * 50 * 25 * (Math.cosh(3.5) - Math.cos(3))));
  close(
    "mass(p4(50, -1, 0, 0) + p4(25, 2.5, 3, 0))",
    Math.sqrt(2 * 50 * 25 * (Math.cosh(3.5) - Math.cos(3))),
  );
  close("mass(p4(50, -1, 0, 0), p4(25, 2.5, 3, 0))", Math.sqrt(2 * 50 * 25 * (Math.cosh(3.5) - Math.cos(3))));
  // E = sqrt(pt² cosh² η + m²), px = pt cos φ, pz = pt sinh η.
  const e = Math.sqrt((50 * Math.cosh(1)) ** 2 + 25) + Math.sqrt((25 * Math.cosh(2.5)) ** 2 + 16);
  const px = 50 + 25 * Math.cos(3);
  const py = 25 * Math.sin(3);
  const pz = -50 * Math.sinh(1) + 25 * Math.sinh(2.5);
  const mass = Math.sqrt(e * e - px * px - py * py - pz * pz);
  close("mass(sum(Jet))", mass);
  close("(Jet[0] + Jet[1]).mass", mass);
  close("max(mass(Jet[i], Jet[j]) for i < j in Jet)", mass);
  close("pt(sum(Jet))", Math.hypot(px, py));
  close("deltaR(-1, 0, 2.5, 3)", Math.hypot(3.5, 3));
  close("deltaR(Jet[0], Jet[1])", Math.hypot(3.5, 3));
  close("deltaPhi(3, -3)", 6 - 2 * Math.PI);
  close("transverseMass(20, 0, 30, 1)", Math.sqrt(2 * 20 * 30 * (1 - Math.cos(1))));
  gives("Jet[0].good", [true, false, true]);
  gives("Jet[Jet.pt > 30].eta", [[-1], [], [0.5]]);
  gives("count(Jet)", [2, 0, 1]);
  gives("deltaPhi(0, pi)", [-Math.PI, -Math.PI, -Math.PI]);
});

test("strings are compared and searched as bytes", () => {
  gives('class == "X2.2"', [true, false, false]);
  gives("class != 'X'", [true, true, false]);
  gives('startswith(class, "X")', [true, false, true]);
  gives('endswith(class, "0") || contains(class, "2.")', [true, true, false]);
  gives("class", ["X2.2", "M1.0", "X"]);
});

test("integers of 64 bits are float64 in a calculation, and unchanged by their name alone", () => {
  gives("event", [1n, 2n ** 53n + 1n, -5n]);
  gives("event + 0", [1, 2 ** 53, -5]);
  gives("bitand(6, run)", [0, 2, 2]);
  gives("bitand(2 ** 40 + 5, 2 ** 40 + 4)", [2 ** 40 + 4, 2 ** 40 + 4, 2 ** 40 + 4]);
  gives("bitand(event, 6)", [0, nan, 2]);
});

test("rounding as NumPy's, powers as IEEE 754's", () => {
  const values = dataOf({ v: [number, [0.5, 1.5, -0.5, -1.5, 2.4999, nan]] });
  assert.deepEqual(evaluate("round(v)", values), [0, 2, -0, -2, 2, nan]);
  assert.deepEqual(evaluate("1 ** v", values), [1, 1, 1, 1, 1, 1]);
  assert.deepEqual(evaluate("(-1) ** (inf * v)", values), [1, 1, 1, 1, 1, nan]);
});
