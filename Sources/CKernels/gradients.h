// What training adds to the loops of inference.

// The gradient of a maximum goes to the first of its window that reached it. Channels last; images first..<last of x and y.
static void FN(max_pool_gradient)(const ck_convolution *s, long lanes_count, const float *x, const float *y, const float *g, float *dx,
                                  long first, long last) {
  const long volume = s->input[0] * s->input[1] * s->input[2] * lanes_count;
  memset(dx + first * volume, 0, (size_t)((last - first) * volume) * sizeof(float));
  for (long n = first; n < last; n++) {
    const float *image = x + n * volume;
    float *to = dx + n * volume;
    for (long od = 0; od < s->output[0]; od++)
      for (long oh = 0; oh < s->output[1]; oh++)
        for (long ow = 0; ow < s->output[2]; ow++) {
          long place = (((n * s->output[0] + od) * s->output[1] + oh) * s->output[2] + ow) * lanes_count;
          for (long c = 0; c < lanes_count; c += CK_WIDTH) {
            const lanes live = first_lanes(lanes_count - c);
            vf top = load_lanes(y + place + c, live), slope = load_lanes(g + place + c, live);
            vi open = (vi){0} - 1;
            for (long kd = 0; kd < s->kernel[0]; kd++) {
              long d = od * s->stride[0] + kd * s->dilation[0] - s->padding[0];
              if (d < 0 || d >= s->input[0]) continue;
              for (long kh = 0; kh < s->kernel[1]; kh++) {
                long h = oh * s->stride[1] + kh * s->dilation[1] - s->padding[1];
                if (h < 0 || h >= s->input[1]) continue;
                for (long kw = 0; kw < s->kernel[2]; kw++) {
                  long w = ow * s->stride[2] + kw * s->dilation[2] - s->padding[2];
                  if (w < 0 || w >= s->input[2]) continue;
                  long at = ((d * s->input[1] + h) * s->input[2] + w) * lanes_count + c;
                  vi here = (load_lanes(image + at, live) == top) & open;
                  open &= ~here;
                  store_lanes(to + at, load_lanes(to + at, live) + (vf)((vi)slope & here), live);
                }
              }
            }
          }
        }
  }
}

// Sums over rows of [rows, columns], added to `first` and `second` (in double, so that they do not depend on how many rows there are):
// without `g` of x - centre and its square, with it of g and g * (x - centre).
static void FN(column_sums)(const float *x, const float *centre, const float *g, long rows, long columns, double *first, double *second) {
  for (long c = 0; c < columns; c += CK_WIDTH) {
    const lanes live = first_lanes(columns - c);
    const long count = columns - c < CK_WIDTH ? columns - c : CK_WIDTH;
    const vf middle = centre ? load_lanes(centre + c, live) : splat(0);
    for (long start = 0; start < rows; start += 64) {
      long end = start + 64 < rows ? start + 64 : rows;
      vf a = splat(0), b = splat(0);
      for (long r = start; r < end; r++) {
        vf v = load_lanes(x + r * columns + c, live) - middle;
        if (g) {
          vf slope = load_lanes(g + r * columns + c, live);
          a += slope;
          b += slope * v;
        } else {
          a += v;
          b += v * v;
        }
      }
      float each[2][CK_WIDTH];
      store(each[0], a);
      store(each[1], b);
      for (long i = 0; i < count; i++) {
        first[c + i] += each[0][i];
        second[c + i] += each[1][i];
      }
    }
  }
}

// y = g * a[c] + x * b[c] + d[c].
static void FN(blend_columns)(const float *g, const float *x, const float *a, const float *b, const float *d, float *y, long rows,
                              long columns) {
  for (long r = 0; r < rows; r++, g += columns, x += columns, y += columns)
    for (long c = 0; c < columns; c++) y[c] = g[c] * a[c] + (x[c] * b[c] + d[c]);
}

// Rows of [i, o, f, c] gates become what they let through; `before` and `cells` may be the same.
static void FN(lstm_cell)(float *gates, const float *before, float *cells, float *hidden, long rows, long units) {
  for (long r = 0; r < rows; r++, gates += 4 * units, before += units, cells += units, hidden += units)
    for (long j = 0; j < units; j += CK_WIDTH) {
      const lanes live = first_lanes(units - j);
      vf in = sigmoid_of(load_lanes(gates + j, live)), out = sigmoid_of(load_lanes(gates + units + j, live));
      vf keep = sigmoid_of(load_lanes(gates + 2 * units + j, live)), add = tanh_of(load_lanes(gates + 3 * units + j, live));
      vf cell = keep * load_lanes(before + j, live) + in * add;
      store_lanes(gates + j, in, live);
      store_lanes(gates + units + j, out, live);
      store_lanes(gates + 2 * units + j, keep, live);
      store_lanes(gates + 3 * units + j, add, live);
      store_lanes(cells + j, cell, live);
      store_lanes(hidden + j, out * tanh_of(cell), live);
    }
}

// From the gradients of a step's hidden state and cells to those of its gates before they were activated, and of the cells before it
// (in place).
static void FN(lstm_cell_gradient)(const float *gates, const float *before, const float *cells, const float *dh, float *dc, float *dz,
                                   long rows, long units) {
  for (long r = 0; r < rows; r++, gates += 4 * units, before += units, cells += units, dh += units, dc += units, dz += 4 * units)
    for (long j = 0; j < units; j += CK_WIDTH) {
      const lanes live = first_lanes(units - j);
      vf in = load_lanes(gates + j, live), out = load_lanes(gates + units + j, live);
      vf keep = load_lanes(gates + 2 * units + j, live), add = load_lanes(gates + 3 * units + j, live);
      vf t = tanh_of(load_lanes(cells + j, live)), h = load_lanes(dh + j, live);
      vf c = load_lanes(dc + j, live) + h * out * (1.0f - t * t);
      store_lanes(dz + j, c * add * in * (1.0f - in), live);
      store_lanes(dz + units + j, h * t * out * (1.0f - out), live);
      store_lanes(dz + 2 * units + j, c * load_lanes(before + j, live) * keep * (1.0f - keep), live);
      store_lanes(dz + 3 * units + j, c * in * (1.0f - add * add), live);
      store_lanes(dc + j, c * keep, live);
    }
}

// The numbers of Philox4x32-10 in order, from block `counter` on: four to a block.
static void FN(philox)(uint64_t key, uint64_t low, uint64_t high, uint32_t *y, long blocks) {
  enum { SIDE = 16 };
  for (long start = 0; start < blocks; start += SIDE) {
    uint32_t c0[SIDE], c1[SIDE], c2[SIDE], c3[SIDE];
    for (int i = 0; i < SIDE; i++) {
      uint64_t sum = low + (uint64_t)(start + i), top = high + (sum < low);
      c0[i] = (uint32_t)sum, c1[i] = (uint32_t)(sum >> 32), c2[i] = (uint32_t)top, c3[i] = (uint32_t)(top >> 32);
    }
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
      for (int i = 0; i < SIDE; i++) {
        uint64_t a = (uint64_t)0xD2511F53u * c0[i], b = (uint64_t)0xCD9E8D57u * c2[i];
        uint32_t n0 = (uint32_t)(b >> 32) ^ c1[i] ^ k0, n2 = (uint32_t)(a >> 32) ^ c3[i] ^ k1;
        c1[i] = (uint32_t)b, c3[i] = (uint32_t)a, c0[i] = n0, c2[i] = n2;
      }
    for (int i = 0; i < SIDE && start + i < blocks; i++) {
      uint32_t *to = y + (start + i) * 4;
      to[0] = c0[i], to[1] = c1[i], to[2] = c2[i], to[3] = c3[i];
    }
  }
}
