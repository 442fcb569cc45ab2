// The circle fit on exact points, and its errors against Gluckstern's formula. Seeds are fixed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { normals } from "@driftline/client/noise";
import { fitCircle } from "./circleFit.ts";

/** Points on a circle that passes `distance` from the origin with `direction` there, by rotation about its centre. */
function pointsOn(curvature: number, direction: number, distance: number, paths: number[]) {
  const [sine, cosine] = [Math.sin(direction), Math.cos(direction)];
  const closest = [distance * sine, -distance * cosine];
  return paths.map((s) => {
    // Positive curvature turns clockwise.
    const angle = direction - 0.5 * curvature * s;
    const chord = curvature === 0 ? s : (2 / curvature) * Math.sin(0.5 * curvature * s);
    return [closest[0] + chord * Math.cos(angle), closest[1] + chord * Math.sin(angle)];
  });
}

const paths = Array.from({ length: 40 }, (_, k) => 41 + 2 * k);

test("points on a circle, or a line, give back its curvature, direction and distance", () => {
  for (const curvature of [0.0075, -0.0075, 0.0004, 0]) {
    for (const direction of [0.3, 2, -2.9]) {
      for (const distance of [0, 0.2, -0.2]) {
        const points = pointsOn(curvature, direction, distance, paths);
        const [x, y] = [0, 1].map((k) => points.map((point) => point[k]));
        const fit = fitCircle(
          x,
          y,
          points.map((_, k) => 1 + (k % 3)),
        );
        assert.ok(fit);
        const what = `${curvature} ${direction} ${distance}`;
        assert.ok(Math.abs(fit.curvature - curvature) < 1e-9, `${what}: curvature ${fit.curvature}`);
        assert.ok(
          Math.abs(Math.sin(fit.direction - direction)) < 1e-8,
          `${what}: direction ${fit.direction}`,
        );
        assert.ok(Math.cos(fit.direction - direction) > 0, what);
        assert.ok(Math.abs(fit.distance - distance) < 1e-7, `${what}: distance ${fit.distance}`);
      }
    }
  }
});

test("two points are no circle", () => {
  assert.equal(fitCircle([1, 2], [1, 2], [1, 1]), null);
});

// R. L. Gluckstern, Nucl. Instrum. Meth. 24 (1963) 381: N + 1 points at equal distances over the length L, each with the
// error σ across the track: σ(curvature) = σ/L² · √(720 N³ / ((N − 1)(N + 1)(N + 2)(N + 3))). With 4,000 fits the spread
// is known to 1.1 %: a tolerance of 5 % is 4.5 of that.
test("the error of the curvature is Gluckstern's", () => {
  const [n, length, sigma] = [39, 78, 0.05];
  const expected =
    (sigma / length ** 2) * Math.sqrt((720 * n ** 3) / ((n - 1) * (n + 1) * (n + 2) * (n + 3)));
  const curvature = 0.001;
  const exact = pointsOn(curvature, Math.PI / 2, 0, paths);
  let [sum, squares] = [0, 0];
  const fits = 4000;
  for (let k = 0; k < fits; k++) {
    const noise = normals(11, k, 0, exact.length);
    const fit = fitCircle(
      exact.map(([x], i) => x + sigma * noise[i]),
      exact.map(([, y]) => y),
      exact.map(() => 1),
    )!;
    sum += fit.curvature - curvature;
    squares += (fit.curvature - curvature) ** 2;
  }
  const spread = Math.sqrt(squares / fits - (sum / fits) ** 2);
  assert.ok(Math.abs(spread / expected - 1) < 0.05, `${spread} for ${expected}`);
  assert.ok(Math.abs(sum / fits) < (4.5 * expected) / Math.sqrt(fits));
});

test("weights count: points without weight may lie anywhere", () => {
  const points = pointsOn(0.002, 1, 0.1, paths);
  const spoilt = points.map(([x, y], k) => (k % 5 === 0 ? [x + 3, y - 2] : [x, y]));
  const fit = fitCircle(
    spoilt.map(([x]) => x),
    spoilt.map(([, y]) => y),
    points.map((_, k) => (k % 5 === 0 ? 0 : 1)),
  );
  assert.ok(fit && Math.abs(fit.curvature - 0.002) < 1e-9);
});
