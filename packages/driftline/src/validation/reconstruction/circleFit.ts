// The circle through hits in the bending plane: Karimäki's explicit weighted fit.

/** A circle as a track: all at its point closest to the origin. Angles from the x axis towards y, as in the paper. */
export interface FittedCircle {
  /** Signed curvature, one over the unit of the points: positive where the track turns clockwise. */
  curvature: number;
  /** Direction at the closest point, rad. */
  direction: number;
  /** Signed distance of closest approach to the origin. */
  distance: number;
}

/**
 * Fits a circle to weighted points; `direction` points from the origin to the points. Without iteration: it minimises
 * the algebraic distance, which is the geometric one to first order where |distance| is small against the radius.
 * V. Karimäki, Nucl. Instrum. Meth. A 305 (1991) 187. Null for fewer than three points.
 */
export function fitCircle(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  weights: ArrayLike<number>,
): FittedCircle | null {
  let [sum, mx, my, mr] = [0, 0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const w = weights[i];
    sum += w;
    mx += w * x[i];
    my += w * y[i];
    mr += w * (x[i] * x[i] + y[i] * y[i]);
  }
  if (x.length < 3 || !(sum > 0)) return null;
  mx /= sum;
  my /= sum;
  mr /= sum;
  // About the means: digits would cancel otherwise.
  let [xx, xy, yy, xr, yr, rr] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const w = weights[i] / sum;
    const [dx, dy, dr] = [x[i] - mx, y[i] - my, x[i] * x[i] + y[i] * y[i] - mr];
    xx += w * dx * dx;
    xy += w * dx * dy;
    yy += w * dy * dy;
    xr += w * dx * dr;
    yr += w * dy * dr;
    rr += w * dr * dr;
  }
  if (!(rr > 0)) return null;
  const q1 = rr * xy - xr * yr;
  const q2 = rr * (xx - yy) - xr * xr + yr * yr;
  let direction = 0.5 * Math.atan2(2 * q1, q2);
  if (Math.cos(direction) * mx + Math.sin(direction) * my < 0) direction += Math.PI;
  const [sine, cosine] = [Math.sin(direction), Math.cos(direction)];
  const kappa = (sine * xr - cosine * yr) / rr;
  const delta = -kappa * mr + sine * mx - cosine * my;
  const root = Math.sqrt(1 - 4 * delta * kappa);
  if (!(root > 0)) return null;
  return { curvature: (2 * kappa) / root, direction, distance: (2 * delta) / (1 + root) };
}
