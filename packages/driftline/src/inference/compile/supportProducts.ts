// The C functions for matrix products: with a fixed matrix, whose columns are packed in tiles, and of two that vary.
//
// All sum over k from the first to the last, one multiply-add each: the order of ONNX Runtime's kernels, and the same for
// one row and for a block, so that a result does not depend on the batch. Sizes are literals where they are called, so
// that after inlining the compiler unrolls and vectorises with sums kept in registers.

export const productFunctions: Record<string, { needs: string[]; text: string }> = {
  block_dense: {
    needs: ["madd"],
    text: `/* y[j] = sum over i of x[i] w[i][j] for a block of rows; w in tiles of \`width\` columns, of which the first n count. */
INLINE void block_dense(const int fused, const int k, const float *RESTRICT x, const int xk, const int tiles,
                        const int width, const int n, const float *RESTRICT w, float *RESTRICT y, const int yn)
{
  for (int tile = 0; tile < tiles; tile++)
    for (int s = 0; s < width; s += 4) {
      const float *RESTRICT p = w + tile * k * width + s;
      const int j = tile * width + s;
      float a0[LANES], a1[LANES], a2[LANES], a3[LANES];
      for (int r = 0; r < LANES; r++) a0[r] = a1[r] = a2[r] = a3[r] = 0.0f;
      for (int i = 0; i < k; i++) {
        const float w0 = p[i * width], w1 = p[i * width + 1], w2 = p[i * width + 2], w3 = p[i * width + 3];
        for (int r = 0; r < LANES; r++) {
          const float v = x[i * xk * LANES + r];
          a0[r] = madd(fused, v, w0, a0[r]);
          a1[r] = madd(fused, v, w1, a1[r]);
          a2[r] = madd(fused, v, w2, a2[r]);
          a3[r] = madd(fused, v, w3, a3[r]);
        }
      }
      for (int r = 0; r < LANES; r++) y[j * yn * LANES + r] = a0[r];
      if (j + 1 < n) for (int r = 0; r < LANES; r++) y[(j + 1) * yn * LANES + r] = a1[r];
      if (j + 2 < n) for (int r = 0; r < LANES; r++) y[(j + 2) * yn * LANES + r] = a2[r];
      if (j + 3 < n) for (int r = 0; r < LANES; r++) y[(j + 3) * yn * LANES + r] = a3[r];
    }
}`,
  },
  row_dense: {
    needs: ["madd"],
    text: `/* The same for one row: four tiles of 16 columns at once, then one tile at a time. */
INLINE void row_dense(const int fused, const int k, const float *RESTRICT x, const int xk, const int tiles,
                      const int width, const int n, const float *RESTRICT w, float *RESTRICT y, const int yn)
{
  int tile = 0;
  if (width == 16)
    for (; tile + 4 <= tiles; tile += 4) {
      const float *RESTRICT p = w + tile * k * 16;
      float a[64];
      for (int j = 0; j < 64; j++) a[j] = 0.0f;
      for (int i = 0; i < k; i++) {
        const float v = x[i * xk];
        for (int q = 0; q < 4; q++)
          for (int j = 0; j < 16; j++) a[q * 16 + j] = madd(fused, v, p[(q * k + i) * 16 + j], a[q * 16 + j]);
      }
      for (int j = 0; j < 64; j++) y[(tile * 16 + j) * yn] = a[j];
    }
  for (; tile < tiles; tile++)
    for (int s = 0; s < width; s += 4) {
      const float *RESTRICT p = w + tile * k * width + s;
      const int j = tile * width + s;
      float a[4] = {0.0f, 0.0f, 0.0f, 0.0f};
      for (int i = 0; i < k; i++)
        for (int c = 0; c < 4; c++) a[c] = madd(fused, x[i * xk], p[i * width + c], a[c]);
      for (int c = 0; c < 4; c++) if (j + c < n) y[(j + c) * yn] = a[c];
    }
}`,
  },
  block_product: {
    needs: ["madd"],
    text: `/* y[i][j] = sum over q of a[i][q] b[q][j] for a block of rows; a_rows and b_rows: whether each row has its own. */
INLINE void block_product(const int fused, const int m, const int n, const int k, const float *RESTRICT a, const int am,
                          const int ak, const int a_rows, const float *RESTRICT b, const int bk, const int bn,
                          const int b_rows, float *RESTRICT y, const int ym, const int yn)
{
  const int au = a_rows ? LANES : 1, bu = b_rows ? LANES : 1;
  for (int i = 0; i < m; i++) {
    int j = 0;
    for (; j + 4 <= n; j += 4) {
      float a0[LANES], a1[LANES], a2[LANES], a3[LANES];
      for (int r = 0; r < LANES; r++) a0[r] = a1[r] = a2[r] = a3[r] = 0.0f;
      for (int q = 0; q < k; q++) {
        const float *RESTRICT u = a + (i * am + q * ak) * au, *RESTRICT v = b + (q * bk + j * bn) * bu;
        for (int r = 0; r < LANES; r++) {
          const float x = u[a_rows ? r : 0];
          const int c = b_rows ? r : 0;
          a0[r] = madd(fused, x, v[c], a0[r]);
          a1[r] = madd(fused, x, v[bn * bu + c], a1[r]);
          a2[r] = madd(fused, x, v[2 * bn * bu + c], a2[r]);
          a3[r] = madd(fused, x, v[3 * bn * bu + c], a3[r]);
        }
      }
      for (int r = 0; r < LANES; r++) {
        y[(i * ym + j * yn) * LANES + r] = a0[r];
        y[(i * ym + (j + 1) * yn) * LANES + r] = a1[r];
        y[(i * ym + (j + 2) * yn) * LANES + r] = a2[r];
        y[(i * ym + (j + 3) * yn) * LANES + r] = a3[r];
      }
    }
    for (; j < n; j++) {
      float a0[LANES];
      for (int r = 0; r < LANES; r++) a0[r] = 0.0f;
      for (int q = 0; q < k; q++)
        for (int r = 0; r < LANES; r++)
          a0[r] = madd(fused, a[(i * am + q * ak) * au + (a_rows ? r : 0)],
                       b[(q * bk + j * bn) * bu + (b_rows ? r : 0)], a0[r]);
      for (int r = 0; r < LANES; r++) y[(i * ym + j * yn) * LANES + r] = a0[r];
    }
  }
}`,
  },
  row_product: {
    needs: ["madd"],
    text: `/* The same for one row. */
INLINE void row_product(const int fused, const int m, const int n, const int k, const float *RESTRICT a, const int am,
                        const int ak, const int a_rows, const float *RESTRICT b, const int bk, const int bn,
                        const int b_rows, float *RESTRICT y, const int ym, const int yn)
{
  (void)a_rows;
  (void)b_rows;
  for (int i = 0; i < m; i++) {
    int j = 0;
    for (; j + 16 <= n; j += 16) {
      float s[16];
      for (int c = 0; c < 16; c++) s[c] = 0.0f;
      for (int q = 0; q < k; q++)
        for (int c = 0; c < 16; c++) s[c] = madd(fused, a[i * am + q * ak], b[q * bk + (j + c) * bn], s[c]);
      for (int c = 0; c < 16; c++) y[i * ym + (j + c) * yn] = s[c];
    }
    for (; j < n; j++) {
      float s = 0.0f;
      for (int q = 0; q < k; q++) s = madd(fused, a[i * am + q * ak], b[q * bk + j * bn], s);
      y[i * ym + j * yn] = s;
    }
  }
}`,
  },
};
