// Convolutions as products: the rows of a tile are output pixels (channels last) or output channels
// (channels first). Channels last, each tap of each pixel is read where it stands, through a
// pointer; padding points to zeros.

// Pointers that are kept at a time; taps beyond that are added in further rounds.
#define CK_POINTERS 2048

typedef struct { long image, place[3]; } FN(pixel);

INLINE FN(pixel) FN(pixel_at)(const ck_convolution *s, long index) {
  FN(pixel) p;
  for (int axis = 2; axis >= 0; axis--) {
    p.place[axis] = index % s->output[axis];
    index /= s->output[axis];
  }
  p.image = index;
  return p;
}

INLINE void FN(advance)(const ck_convolution *s, FN(pixel) * p) {
  for (int axis = 2; axis >= 0; axis--) {
    if (++p->place[axis] < s->output[axis]) return;
    p->place[axis] = 0;
  }
  p->image++;
}

// Where tap `tap` of pixel `p` stands, or null in the padding.
INLINE const float *FN(tap_at)(const ck_convolution *s, const float *x, const FN(pixel) * p, const long tap[3]) {
  long position = p->image;
  for (int axis = 0; axis < 3; axis++) {
    long place = p->place[axis] * s->stride[axis] + tap[axis] * s->dilation[axis] - s->padding[axis];
    if (place < 0 || place >= s->input[axis]) return 0;
    position = position * s->input[axis] + place;
  }
  return x + position * s->input_channels;
}

static void FN(convolve_last)(const ck_convolution *s, const float *x, const float *packed, float *y, const float *zeros,
                              long group, long first_pixel, long last_pixel, long first_panel, long last_panel,
                              const ck_epilogue *epilogue) {
  const long taps = s->kernel[0] * s->kernel[1] * s->kernel[2];
  const long inputs = s->input_channels / s->groups, outputs = s->output_channels / s->groups, ldc = s->output_channels;
  const long k = taps * s->depth;
  const float *source = x + group * inputs;
  const ck_epilogue whole = FN(epilogue_at)(epilogue, 0, group * outputs, ldc);
  const float *pointers[CK_POINTERS];
  const long round = taps < CK_POINTERS / CK_ROWS ? taps : CK_POINTERS / CK_ROWS;
  // As many pixels as pointers and the cache allow.
  long pixels = CK_POINTERS / round / CK_ROWS * CK_ROWS;
  long cached = CK_BLOCK_BYTES / 4 / (s->depth * (taps > 3 ? 3 : taps) + 1) / CK_ROWS * CK_ROWS;
  if (cached < CK_ROWS) cached = CK_ROWS;
  if (pixels > cached) pixels = cached;
  FN(pixel) start = FN(pixel_at)(s, first_pixel);
  for (long block = first_pixel; block < last_pixel; block += pixels) {
    long end = block + pixels < last_pixel ? block + pixels : last_pixel;
    FN(pixel) next = start;
    for (long tap0 = 0; tap0 < taps; tap0 += round) {
      long tap1 = tap0 + round < taps ? tap0 + round : taps, count = tap1 - tap0;
      next = start;
      const long first_tap[3] = {tap0 / (s->kernel[1] * s->kernel[2]), tap0 / s->kernel[2] % s->kernel[1], tap0 % s->kernel[2]};
      for (long row = block, rows; row < end; row += rows) {
        rows = FN(next_rows)(end - row);
        const float **table = pointers + (row - block) * count;
        for (long r = 0; r < rows; r++) {
          long tap[3] = {first_tap[0], first_tap[1], first_tap[2]};
          for (long i = 0; i < count; i++) {
            const float *p = FN(tap_at)(s, source, &next, tap);
            table[i * rows + r] = p ? p : zeros;
            for (int axis = 2; axis >= 0 && ++tap[axis] == s->kernel[axis]; axis--) tap[axis] = 0;
          }
          FN(advance)(s, &next);
        }
      }
      for (long panel = first_panel; panel < last_panel; panel++) {
        long column = panel * COLUMNS;
        long columns = outputs - column < COLUMNS ? outputs - column : COLUMNS;
        for (long row = block, rows; row < end; row += rows) {
          rows = FN(next_rows)(end - row);
          ck_epilogue moved = FN(epilogue_at)(&whole, row, column, ldc);
          FN(target) t = {tap1 == taps ? &moved : 0, y + row * ldc + group * outputs + column, ldc, columns, tap0 > 0,
                          epilogue->compensated};
          FN(tile)(rows, pointers + (row - block) * count, count, s->depth,
                   packed + panel * k * COLUMNS + tap0 * s->depth * COLUMNS, COLUMNS, &t);
        }
      }
    }
    start = next;
  }
}

// One row of pixels of a panel.
typedef struct { long place[3], column, count; } FN(segment);

INLINE void FN(pack_pixels)(const ck_convolution *s, const float *plane, const FN(segment) * segments, long segment_count,
                            const long tap[3], long columns, float *row) {
  for (long i = columns; i < COLUMNS; i++) row[i] = 0;
  for (long i = 0; i < segment_count; i++) {
    const FN(segment) *g = segments + i;
    float *to = row + g->column;
    long d = g->place[0] * s->stride[0] + tap[0] * s->dilation[0] - s->padding[0];
    long h = g->place[1] * s->stride[1] + tap[1] * s->dilation[1] - s->padding[1];
    if (d < 0 || d >= s->input[0] || h < 0 || h >= s->input[1]) {
      for (long j = 0; j < g->count; j++) to[j] = 0;
      continue;
    }
    const float *from = plane + (d * s->input[1] + h) * s->input[2];
    long step = s->stride[2], w = g->place[2] * step + tap[2] * s->dilation[2] - s->padding[2];
    long width = s->input[2], low = 0, high = g->count;
    if (w < 0) low = (-w + step - 1) / step;
    if (low > high) low = high;
    while (high > low && w + (high - 1) * step >= width) high--;
    for (long j = 0; j < low; j++) to[j] = 0;
    if (step == 1) for (long j = low; j < high; j++) to[j] = from[w + j];
    else for (long j = low; j < high; j++) to[j] = from[w + j * step];
    for (long j = high; j < g->count; j++) to[j] = 0;
  }
}

static void FN(convolve_first)(const ck_convolution *s, const float *x, const float *w, float *y, float *scratch,
                               long image, long group, long first_panel, long last_panel, long first_row, long last_row,
                               const ck_epilogue *epilogue) {
  const long taps = s->kernel[0] * s->kernel[1] * s->kernel[2];
  const long inputs = s->input_channels / s->groups, outputs = s->output_channels / s->groups, k = taps * inputs;
  const long input_plane = s->input[0] * s->input[1] * s->input[2];
  const long output_plane = s->output[0] * s->output[1] * s->output[2];
  const float *source = x + (image * s->input_channels + group * inputs) * input_plane;
  float *target = y + (image * s->output_channels + group * outputs) * output_plane;
  const float *weights = w + group * outputs * k;
  ck_epilogue whole = *epilogue;
  if (whole.scale) whole.scale += group * outputs;
  if (whole.shift) whole.shift += group * outputs;
  if (whole.residual) whole.residual += target - y;
  for (long panel = first_panel; panel < last_panel; panel++) {
    long column = panel * COLUMNS;
    long columns = output_plane - column < COLUMNS ? output_plane - column : COLUMNS;
    FN(segment) segments[COLUMNS];
    long segment_count = 0;
    for (long done = 0; done < columns;) {
      FN(pixel) p = FN(pixel_at)(s, column + done);
      long count = s->output[2] - p.place[2];
      if (count > columns - done) count = columns - done;
      segments[segment_count++] = (FN(segment)){{p.place[0], p.place[1], p.place[2]}, done, count};
      done += count;
    }
    float *row = scratch;
    for (long c = 0; c < inputs; c++)
      for (long kd = 0; kd < s->kernel[0]; kd++)
        for (long kh = 0; kh < s->kernel[1]; kh++)
          for (long kw = 0; kw < s->kernel[2]; kw++, row += COLUMNS) {
            long tap[3] = {kd, kh, kw};
            FN(pack_pixels)(s, source + c * input_plane, segments, segment_count, tap, columns, row);
          }
    for (long o = first_row, rows; o < last_row; o += rows) {
      rows = FN(next_rows)(last_row - o);
      const float *pointers[CK_ROWS];
      for (long r = 0; r < rows; r++) pointers[r] = weights + (o + r) * k;
      ck_epilogue moved = FN(epilogue_at)(&whole, o, 0, output_plane);
      if (moved.residual) moved.residual += column;
      FN(target) t = {&moved, target + o * output_plane + column, output_plane, columns, false, epilogue->compensated};
      FN(tile)(rows, pointers, 1, k, scratch, COLUMNS, &t);
    }
  }
}
