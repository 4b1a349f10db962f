// One filter for each channel. Channels last: lanes are channels, four neighbouring pixels share each
// weight. Channels first: lanes are pixels of a padded copy of the plane, whose columns are sorted
// by their remainder modulo the stride so that each tap reads contiguously.

INLINE void FN(depthwise_pixels)(const ck_convolution *s, const int pixels, const float *x, const float *w, float *y,
                                 long depth0, long height0, long column, long kw0, long kw1, long place, const ck_epilogue *e) {
  const long channels = s->output_channels, width = s->input[2], step = s->stride[2] * channels;
  for (long c = 0; c < channels; c += CK_WIDTH) {
    long live = channels - c;
    vf sum[4];
    UNROLLED for (int i = 0; i < pixels; i++) sum[i] = splat(0);
    for (long kd = 0; kd < s->kernel[0]; kd++) {
      long d = depth0 + kd * s->dilation[0];
      if (d < 0 || d >= s->input[0]) continue;
      for (long kh = 0; kh < s->kernel[1]; kh++) {
        long h = height0 + kh * s->dilation[1];
        if (h < 0 || h >= s->input[1]) continue;
        const float *row = x + (d * s->input[1] + h) * width * channels + c;
        const float *weight = w + ((kd * s->kernel[1] + kh) * s->kernel[2] + kw0) * channels + c;
        const float *at = row + (column * s->stride[2] - s->padding[2] + kw0 * s->dilation[2]) * channels;
        for (long kw = kw0; kw < kw1; kw++, weight += channels, at += s->dilation[2] * channels) {
          vf factor = live >= CK_WIDTH ? load(weight) : load_some(weight, live);
          UNROLLED for (int i = 0; i < pixels; i++) {
            const float *from = at + i * step;
            sum[i] += factor * (live >= CK_WIDTH ? load(from) : load_some(from, live));
          }
        }
      }
    }
    UNROLLED for (int i = 0; i < pixels; i++) {
      long to = place + i * channels + c;
      const float *residual = e->residual ? e->residual + to : 0;
      vf result = FN(finish)(sum[i], e, 0, c, residual, live);
      if (live >= CK_WIDTH) store(y + to, result);
      else store_some(y + to, result, live);
    }
  }
}

// Neighbouring pixels of a row for which one load of the input serves several taps.
#define CK_NEIGHBOURS 4

// The usual kernels, of `taps` by any number of rows and without dilation: CK_NEIGHBOURS pixels at once, each row of the input read
// once. At an `edge` some of the columns they need are outside; `inside` says which are not.
INLINE void FN(depthwise_neighbours)(const ck_convolution *s, const int taps, const int step, const bool edge, unsigned inside,
                                     const float *x, const float *w, float *y, long height, long column, long place,
                                     const ck_epilogue *e) {
  enum { most = 3 * 2 + 5 };
  const long channels = s->output_channels, line = s->input[2] * channels;
  const int needed = (CK_NEIGHBOURS - 1) * step + taps;
  const long kh0 = height < 0 ? -height : 0;
  const long kh1 = s->input[1] - height < s->kernel[1] ? s->input[1] - height : s->kernel[1];
  const float *origin = x + height * line + (column * step - s->padding[2]) * channels;
  for (long c = 0; c < channels; c += CK_WIDTH) {
    const lanes m = first_lanes(channels - c);
    vf sum[CK_NEIGHBOURS];
    UNROLLED for (int i = 0; i < CK_NEIGHBOURS; i++) sum[i] = splat(0);
    for (long kh = kh0; kh < kh1; kh++) {
      const float *from = origin + kh * line + c, *weight = w + kh * taps * channels + c;
      vf in[most];
      UNROLLED for (int i = 0; i < needed; i++)
        in[i] = edge && !(inside >> i & 1) ? splat(0) : load_lanes(from + i * channels, m);
      UNROLLED for (int kw = 0; kw < taps; kw++) {
        vf factor = load_lanes(weight + kw * channels, m);
        UNROLLED for (int i = 0; i < CK_NEIGHBOURS; i++) sum[i] += factor * in[i * step + kw];
      }
    }
    const long to = place + c;
    if (e->scale) {
      vf scale = load_lanes(e->scale + c, m);
      UNROLLED for (int i = 0; i < CK_NEIGHBOURS; i++) sum[i] *= scale;
    }
    if (e->shift) {
      vf shift = load_lanes(e->shift + c, m);
      UNROLLED for (int i = 0; i < CK_NEIGHBOURS; i++) sum[i] += shift;
    }
    if (e->residual) UNROLLED for (int i = 0; i < CK_NEIGHBOURS; i++) sum[i] += load_lanes(e->residual + to + i * channels, m);
    if (e->activation == CK_RELU) {
      UNROLLED for (int i = 0; i < CK_NEIGHBOURS; i++) sum[i] = relu_of(sum[i]);
    } else if (e->activation == CK_RELU_UP_TO) {
      UNROLLED for (int i = 0; i < CK_NEIGHBOURS; i++) sum[i] = smaller(splat(e->top), relu_of(sum[i]));
    } else if (e->activation == CK_SILU) {
      UNROLLED for (int i = 0; i < CK_NEIGHBOURS; i++) sum[i] = silu_of(sum[i]);
    }
    UNROLLED for (int i = 0; i < CK_NEIGHBOURS; i++) store_lanes(y + to + i * channels, sum[i], m);
  }
}

typedef void (*FN(neighbours_function))(const ck_convolution *, unsigned, const float *, const float *, float *, long, long, long,
                                        const ck_epilogue *);
#define CK_NEIGHBOURS_OF(taps, step, edge)                                                                              \
  static void FN(neighbours_##taps##_##step##_##edge)(const ck_convolution *s, unsigned inside, const float *x,         \
                                                      const float *w, float *y, long height, long column, long place,   \
                                                      const ck_epilogue *e) {                                           \
    FN(depthwise_neighbours)(s, taps, step, edge, inside, x, w, y, height, column, place, e);                           \
  }
CK_NEIGHBOURS_OF(3, 1, 0) CK_NEIGHBOURS_OF(3, 1, 1) CK_NEIGHBOURS_OF(3, 2, 0) CK_NEIGHBOURS_OF(3, 2, 1)
CK_NEIGHBOURS_OF(5, 1, 0) CK_NEIGHBOURS_OF(5, 1, 1) CK_NEIGHBOURS_OF(5, 2, 0) CK_NEIGHBOURS_OF(5, 2, 1)

static void FN(depthwise_rows)(const ck_convolution *s, const float *x, const float *w, float *y, long first_row, long last_row,
                               const ck_epilogue *e) {
  const bool wide = s->kernel[2] == 5, strided = s->stride[2] == 2;
  const FN(neighbours_function) body = wide ? strided ? FN(neighbours_5_2_0) : FN(neighbours_5_1_0)
                                            : strided ? FN(neighbours_3_2_0) : FN(neighbours_3_1_0);
  const FN(neighbours_function) edge = wide ? strided ? FN(neighbours_5_2_1) : FN(neighbours_5_1_1)
                                            : strided ? FN(neighbours_3_2_1) : FN(neighbours_3_1_1);
  const long channels = s->output_channels, out = s->output[2];
  const int needed = (int)((CK_NEIGHBOURS - 1) * s->stride[2] + s->kernel[2]);
  for (long row = first_row; row < last_row; row++) {
    const float *source = x + row / s->output[1] * s->input[1] * s->input[2] * channels;
    const long height = row % s->output[1] * s->stride[1] - s->padding[1];
    for (long next = 0; next < out; next += CK_NEIGHBOURS) {
      // The last ones may be done twice.
      const long column = next + CK_NEIGHBOURS > out ? out - CK_NEIGHBOURS : next;
      const long left = column * s->stride[2] - s->padding[2];
      unsigned inside = 0;
      for (int i = 0; i < needed; i++) inside |= (unsigned)(left + i >= 0 && left + i < s->input[2]) << i;
      (inside == (1u << needed) - 1 ? body : edge)(s, inside, source, w, y, height, column, (row * out + column) * channels, e);
    }
  }
}

static void FN(depthwise_last)(const ck_convolution *s, const float *x, const float *w, float *y, long first_row,
                               long last_row, const ck_epilogue *e) {
  const long channels = s->output_channels, out = s->output[2];
  if (s->input[0] == 1 && s->kernel[0] == 1 && s->output[0] == 1 && s->padding[0] == 0 && out >= CK_NEIGHBOURS &&
      (s->kernel[2] == 3 || s->kernel[2] == 5) && (s->stride[2] == 1 || s->stride[2] == 2) && s->dilation[1] == 1 &&
      s->dilation[2] == 1) {
    FN(depthwise_rows)(s, x, w, y, first_row, last_row, e);
    return;
  }
  for (long row = first_row; row < last_row; row++) {
    long image = row / (s->output[0] * s->output[1]);
    long depth0 = row / s->output[1] % s->output[0] * s->stride[0] - s->padding[0];
    long height0 = row % s->output[1] * s->stride[1] - s->padding[1];
    const float *source = x + image * s->input[0] * s->input[1] * s->input[2] * channels;
    // Columns whose taps are all inside.
    long low = (s->padding[2] + s->stride[2] - 1) / s->stride[2];
    if (low < 0) low = 0;
    long room = s->input[2] + s->padding[2] - (s->kernel[2] - 1) * s->dilation[2] - 1;
    long high = room < 0 ? 0 : room / s->stride[2] + 1;
    if (high > out) high = out;
    for (long column = 0; column < out;) {
      long place = (row * out + column) * channels;
      if (column >= low && column + 4 <= high) {
        FN(depthwise_pixels)(s, 4, source, w, y, depth0, height0, column, 0, s->kernel[2], place, e);
        column += 4;
      } else {
        // The taps that are inside are neighbours.
        long kw0 = 0, kw1 = s->kernel[2], at = column * s->stride[2] - s->padding[2];
        while (kw0 < kw1 && at + kw0 * s->dilation[2] < 0) kw0++;
        while (kw1 > kw0 && at + (kw1 - 1) * s->dilation[2] >= s->input[2]) kw1--;
        FN(depthwise_pixels)(s, 1, source, w, y, depth0, height0, column, kw0, kw1, place, e);
        column++;
      }
    }
  }
}

INLINE long FN(padded_extent)(const ck_convolution *s, int axis) {
  return (s->output[axis] - 1) * s->stride[axis] + (s->kernel[axis] - 1) * s->dilation[axis] + 1;
}

static long FN(plane_scratch)(const ck_convolution *s) {
  long phases = s->stride[2], columns = (FN(padded_extent)(s, 2) + phases - 1) / phases;
  return FN(padded_extent)(s, 0) * FN(padded_extent)(s, 1) * phases * columns + CK_WIDTH;
}

static void FN(depthwise_first)(const ck_convolution *s, const float *x, const float *w, float *y, float *scratch,
                                long first, long last, const ck_epilogue *e) {
  const long phases = s->stride[2], extents[2] = {FN(padded_extent)(s, 0), FN(padded_extent)(s, 1)};
  const long columns = (FN(padded_extent)(s, 2) + phases - 1) / phases, line = phases * columns;
  const long taps = s->kernel[0] * s->kernel[1] * s->kernel[2];
  const long output_plane = s->output[0] * s->output[1] * s->output[2];
  memset(scratch, 0, (size_t)FN(plane_scratch)(s) * sizeof(float));
  for (long plane = first; plane < last; plane++) {
    const float *source = x + plane * s->input[0] * s->input[1] * s->input[2];
    const float *weights = w + plane % s->output_channels * taps;
    for (long d = 0; d < extents[0]; d++) {
      long id = d - s->padding[0];
      if (id < 0 || id >= s->input[0]) continue;
      for (long h = 0; h < extents[1]; h++) {
        long ih = h - s->padding[1];
        if (ih < 0 || ih >= s->input[1]) continue;
        const float *from = source + (id * s->input[1] + ih) * s->input[2];
        float *to = scratch + (d * extents[1] + h) * line;
        long low = s->padding[2] < 0 ? -s->padding[2] : 0, end = s->input[2];
        if (end > line - s->padding[2]) end = line - s->padding[2];
        if (phases == 1) for (long i = low; i < end; i++) to[i + s->padding[2]] = from[i];
        else for (long i = low; i < end; i++) to[(i + s->padding[2]) % phases * columns + (i + s->padding[2]) / phases] = from[i];
      }
    }
    long row = plane % s->output_channels;
    for (long od = 0; od < s->output[0]; od++)
      for (long oh = 0; oh < s->output[1]; oh++)
        for (long ow = 0; ow < s->output[2]; ow += CK_WIDTH) {
          vf sum = splat(0);
          const float *weight = weights;
          for (long kd = 0; kd < s->kernel[0]; kd++)
            for (long kh = 0; kh < s->kernel[1]; kh++) {
              const float *from = scratch + ((od * s->stride[0] + kd * s->dilation[0]) * extents[1] + oh * s->stride[1] +
                                             kh * s->dilation[1]) * line + ow;
              for (long kw = 0, at = 0; kw < s->kernel[2]; kw++, at += s->dilation[2])
                sum += *weight++ * load(from + at % phases * columns + at / phases);
            }
          long to = plane * output_plane + (od * s->output[1] + oh) * s->output[2] + ow, live = s->output[2] - ow;
          vf result = FN(finish)(sum, e, row, 0, e->residual ? e->residual + to : 0, live);
          if (live >= CK_WIDTH) store(y + to, result);
          else store_some(y + to, result, live);
        }
  }
}
