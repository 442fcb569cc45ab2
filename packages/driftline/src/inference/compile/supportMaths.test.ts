// The functions of single elements against libm in float64: in units in the last place, over all that float32 can hold.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { compile } from "./cCompiler.ts";
import { mathFunctions } from "./supportMaths.ts";
import { compiler, directory, needsCompiler } from "./testing.ts";

/** Stated bounds, of the fused and of the plain form: the largest error found in every 997th float32, rounded up. */
const bounds: Record<string, { ulp: [number, number]; above: number; below: number }> = {
  // Below the lower end exp gives 0.
  exp: { ulp: [0.85, 1.2], above: -86.98, below: 88.72 },
  "exp of Elu": { ulp: [1.25, 1.3], above: -86.98, below: 88.72 },
  log: { ulp: [0.85, 0.85], above: 1.2e-38, below: 3.4e38 },
  // Below 1e-30 its coefficients times x are no normal numbers any more; the error is then that of 1e-38.
  tanh: { ulp: [6, 6], above: -100, below: 100 },
};

const program = `#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#define INLINE static inline
${Object.values(mathFunctions)
  .map(({ text }) => text)
  .join("\n\n")}

static float of(int which, int fused, float x)
{
  return which < 2 ? exp_form(fused, which, x) : which == 2 ? log_(fused, x) : tanh_(fused, x);
}

static double exact(int which, double x) { return which < 2 ? exp(x) : which == 2 ? log(x) : tanh(x); }

int main(void)
{
  const double limits[4][2] = {${Object.values(bounds)
    .map(({ above, below }) => `{${above}, ${below}}`)
    .join(", ")}};
  const float special[6] = {NAN, INFINITY, -INFINITY, 0.0f, 1e-42f, -1.0f};
  for (int which = 0; which < 4; which++)
    for (int fused = 0; fused < 2; fused++) {
      double worst = 0, at = 0;
      for (uint64_t i = 0; i < 0x100000000u; i += 997) {
        const uint32_t bits = (uint32_t)i;
        float x;
        memcpy(&x, &bits, sizeof x);
        if (!(x >= limits[which][0] && x <= limits[which][1])) continue;
        {
          const double due = exact(which, x);
          const float near = (float)fabs(due);
          if (which == 3 && near < 1e-30f) continue;
          const double unit = near < 1.17549435e-38f ? 0x1p-149 : (double)nextafterf(near, INFINITY) - near;
          const double error = fabs(of(which, fused, x) - due) / unit;
          if (!(error <= worst)) { worst = error; at = x; }
        }
      }
      printf("%.3f %.9g", worst, at);
      for (int i = 0; i < 6; i++) printf(" %.9g", of(which, fused, special[i]));
      printf("\\n");
    }
  return 0;
}
`;

it("exp, log and tanh are as close as is stated", { skip: needsCompiler, timeout: 300_000 }, async (t) => {
  writeFileSync(join(directory, "maths.c"), program);
  // Without -mfma: fmaf is then libm's, which rounds once on every processor.
  const flags = ["-std=c99", "-O2", "-ffp-contract=off", "-w"];
  await compile(compiler!, [...flags, "maths.c", "-o", "maths", "-lm"], { directory });
  const lines = execFileSync(join(directory, "maths"), { encoding: "utf8" }).trim().split("\n");
  assert.equal(lines.length, 8);
  const special: Record<string, string[]> = {
    exp: ["nan", "inf", "0", "1", "1", "0.367879"],
    "exp of Elu": ["nan", "inf", "0", "1", "1", "0.367879"],
    log: ["nan", "inf", "nan", "-inf", "-96.709", "nan"],
    tanh: ["nan", "1", "-1", "0", "0", "-0.76159"],
  };
  for (const [i, [name, { ulp }]] of Object.entries(bounds).entries()) {
    for (const form of [0, 1]) {
      const [worst, at, ...found] = lines[2 * i + form].split(" ");
      const bound = ulp[1 - form];
      t.diagnostic(`${name}, ${form === 1 ? "fused" : "plain"}: ${worst} ulp at ${at}`);
      assert.ok(Number(worst) <= bound, `${name}: ${worst} ulp at ${at}, stated ${bound}`);
      for (const [j, due] of special[name].entries()) {
        const same = found[j] === due || Math.abs(Number(found[j]) - Number(due)) < 1e-3;
        assert.ok(same, `${name} of special value ${j} is ${found[j]}, not ${due}`);
      }
    }
  }
});
