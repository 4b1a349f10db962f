// Windows of maxima and sums. A maximum lets NaN win, as the definition does.

INLINE vf FN(larger_or_nan)(vf a, vf b) {
  vf y = choose(b > a, b, a);
  return choose(b == b, y, b);
}

INLINE vf FN(pool_step)(int kind, vf a, vf b) { return kind == CK_MAX ? FN(larger_or_nan)(a, b) : a + b; }

// The elements of the window from `start` on that lie in the input: windows may be larger than it by far.
INLINE long FN(first_inside)(const ck_convolution *s, int axis, long start) {
  return start >= 0 ? 0 : (s->dilation[axis] - 1 - start) / s->dilation[axis];
}
INLINE long FN(end_inside)(const ck_convolution *s, int axis, long start) {
  const long kernel = s->kernel[axis], dilation = s->dilation[axis], input = s->input[axis];
  if (start + (kernel - 1) * dilation < input) return kernel;
  return start >= input ? 0 : (input - 1 - start) / dilation + 1;
}

static void FN(pool_lanes)(const ck_convolution *s, int kind, long lanes, const float *image, float *y, long depth0,
                           long height0, long column) {
  long width0 = column * s->stride[2] - s->padding[2];
  const long firstd = FN(first_inside)(s, 0, depth0), endd = FN(end_inside)(s, 0, depth0);
  const long firsth = FN(first_inside)(s, 1, height0), endh = FN(end_inside)(s, 1, height0);
  const long firstw = FN(first_inside)(s, 2, width0), endw = FN(end_inside)(s, 2, width0);
  for (long c = 0; c < lanes; c += CK_WIDTH) {
    long live = lanes - c;
    vf sum = splat(kind == CK_MAX ? -INFINITY : 0);
    for (long kd = firstd; kd < endd; kd++) {
      long d = depth0 + kd * s->dilation[0];
      for (long kh = firsth; kh < endh; kh++) {
        long h = height0 + kh * s->dilation[1];
        for (long kw = firstw; kw < endw; kw++) {
          long w = width0 + kw * s->dilation[2];
          const float *p = image + ((d * s->input[1] + h) * s->input[2] + w) * lanes + c;
          sum = FN(pool_step)(kind, sum, live >= CK_WIDTH ? load(p) : load_some(p, live));
        }
      }
    }
    if (live >= CK_WIDTH) store(y + c, sum);
    else store_some(y + c, sum, live);
  }
}

// The widest plane whose rows are combined before its columns.
#define CK_POOL_WIDTH 4096

// One row of a plane with one lane: first down the columns, then along the row.
static void FN(pool_plane_row)(const ck_convolution *s, int kind, const float *plane, float *y, long depth0, long height0) {
  float line[CK_POOL_WIDTH + CK_WIDTH];
  const long width = s->input[2];
  const long firstd = FN(first_inside)(s, 0, depth0), endd = FN(end_inside)(s, 0, depth0);
  const long firsth = FN(first_inside)(s, 1, height0), endh = FN(end_inside)(s, 1, height0);
  for (long w = 0; w < width; w += CK_WIDTH) {
    vf sum = splat(kind == CK_MAX ? -INFINITY : 0);
    long live = width - w;
    for (long kd = firstd; kd < endd; kd++) {
      long d = depth0 + kd * s->dilation[0];
      for (long kh = firsth; kh < endh; kh++) {
        long h = height0 + kh * s->dilation[1];
        const float *p = plane + (d * s->input[1] + h) * width + w;
        sum = FN(pool_step)(kind, sum, live >= CK_WIDTH ? load(p) : load_some(p, live));
      }
    }
    store(line + w, sum);
  }
  for (long ow = 0; ow < s->output[2]; ow++) {
    float sum = kind == CK_MAX ? -INFINITY : 0;
    const long width0 = ow * s->stride[2] - s->padding[2], endw = FN(end_inside)(s, 2, width0);
    for (long kw = FN(first_inside)(s, 2, width0); kw < endw; kw++) {
      float v = line[width0 + kw * s->dilation[2]];
      if (kind == CK_MAX) sum = v > sum || v != v ? v : sum;
      else sum += v;
    }
    y[ow] = sum;
  }
}

static void FN(pool)(const ck_convolution *s, int kind, long lanes, const float *x, float *y, long first_row, long last_row) {
  const long plane = s->input[0] * s->input[1] * s->input[2] * lanes;
  for (long row = first_row; row < last_row; row++) {
    const float *image = x + row / (s->output[0] * s->output[1]) * plane;
    long depth0 = row / s->output[1] % s->output[0] * s->stride[0] - s->padding[0];
    long height0 = row % s->output[1] * s->stride[1] - s->padding[1];
    float *to = y + row * s->output[2] * lanes;
    if (lanes == 1 && s->input[2] <= CK_POOL_WIDTH) FN(pool_plane_row)(s, kind, image, to, depth0, height0);
    else for (long column = 0; column < s->output[2]; column++)
      FN(pool_lanes)(s, kind, lanes, image, to + column * lanes, depth0, height0, column);
  }
}
