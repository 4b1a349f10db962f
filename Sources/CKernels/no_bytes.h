// Without instructions for products of bytes: ck_suits_bytes takes nothing.
static bool FN(suits_bytes)(const ck_requantization *q, long k, long n) { return (void)q, (void)k, (void)n, false; }
static long FN(packed_bytes)(long k, long n) { return (void)k, (void)n, 0; }
static bool FN(pack_bytes)(const int16_t *w, long k, long n, int kind, int32_t zero, void *packed) {
  return (void)w, (void)k, (void)n, (void)kind, (void)zero, (void)packed, false;
}
static long FN(byte_scratch)(const ck_convolution *s) { return (void)s, 0; }
static void FN(convolve_bytes)(const ck_convolution *s, const void *x, int kind, int32_t zero, const void *packed,
                               const ck_requantization *q, void *y, float *scratch, long group, long first_pixel, long last_pixel,
                               long first_panel, long last_panel) {
  (void)s, (void)x, (void)kind, (void)zero, (void)packed, (void)q, (void)y, (void)scratch, (void)group, (void)first_pixel;
  (void)last_pixel, (void)first_panel, (void)last_panel;
}
static long FN(packed_byte_taps)(const ck_convolution *s) { return (void)s, 0; }
static bool FN(pack_byte_taps)(const ck_convolution *s, const int16_t *w, int kind, int32_t zero, void *packed) {
  return (void)s, (void)w, (void)kind, (void)zero, (void)packed, false;
}
static long FN(byte_taps_scratch)(const ck_convolution *s) { return (void)s, 0; }
static void FN(depthwise_bytes)(const ck_convolution *s, const void *x, int kind, int32_t zero, const void *packed,
                                const ck_requantization *q, void *y, int y_kind, float *scratch, long first_row, long last_row) {
  (void)s, (void)x, (void)kind, (void)zero, (void)packed, (void)q, (void)y, (void)y_kind, (void)scratch, (void)first_row;
  (void)last_row;
}
