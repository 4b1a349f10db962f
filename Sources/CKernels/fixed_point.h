// The functions of the gates of integer LSTMs, of fixed-point numbers of 16 bits: FixedPoint16 in vectors. Lanes have 32 bits and hold
// what fits 16.

INLINE vi FN(either)(vi mask, vi a, vi b) { return (a & mask) | (b & ~mask); }
INLINE vi FN(wrapped)(vi x) { return (vi)((vu)x << 16) >> 16; }
// The product of two numbers, rounded; that of the two least ones is the greatest.
INLINE vi FN(fixed_product)(vi a, vi b) {
  const vi high = (a * b + (1 << 14)) >> 15;
  return __builtin_elementwise_min(high, FN(splat_int)(32767));
}
// x / 2^exponent, halves away from zero.
INLINE vi FN(fixed_halved)(vi x, int exponent) {
  const int32_t mask = (1 << exponent) - 1;
  const vi threshold = FN(splat_int)(mask >> 1) - (x < 0);
  return (x >> exponent) - ((x & mask) > threshold);
}
// x * 2^exponent within 16 bits.
INLINE vi FN(fixed_doubled)(vi x, int exponent) {
  const int32_t most = (1 << (15 - exponent)) - 1;
  const vi shifted = (vi)((vu)x << exponent);
  return FN(either)(x > most, FN(splat_int)(32767), FN(either)(x < -most, FN(splat_int)(-32768), shifted));
}
// A constant of 32 bits in 16.
INLINE int32_t FN(fixed_constant)(int32_t x) {
  const int32_t rest = x & 0xFFFF;
  return (x >> 16) + (rest > 0x7FFF + (x < 0));
}

// e^x for x of `bits` integer bits that is not positive; the result has none.
INLINE vi FN(fixed_exponential)(vi x, int bits) {
  const int fraction = 15 - bits;
  const int32_t quarter = 1 << (fraction - 2);
  const vi rest = (x & (quarter - 1)) - quarter;
  // On [-1/4, 0), by a polynomial.
  const vi constant = FN(splat_int)(FN(fixed_constant)(1895147668)), third = FN(splat_int)(FN(fixed_constant)(715827883));
  const vi at = FN(wrapped)(FN(fixed_doubled)(rest, bits) + (1 << 12));
  const vi square = FN(fixed_product)(at, at), cube = FN(fixed_product)(square, at), fourth = FN(fixed_product)(square, square);
  const vi inner = FN(wrapped)(FN(fixed_product)(FN(wrapped)(FN(fixed_halved)(fourth, 2) + cube), third) + square);
  vi result = constant + FN(fixed_product)(constant, FN(wrapped)(at + FN(fixed_halved)(inner, 1)));
  result = FN(clamped)(result, FN(splat_int)(-32768), FN(splat_int)(32767));
  // What is left, a bit at a time.
  static const int32_t powers[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  const vi remaining = FN(wrapped)(rest - x);
  for (int i = 0; i < 7 && bits > i - 2; i++) {
    const vi set = (remaining & (1 << (fraction + i - 2))) != 0;
    result = FN(either)(set, FN(fixed_product)(result, FN(splat_int)(FN(fixed_constant)(powers[i]))), result);
  }
  if (bits > 5) result = FN(either)(x < FN(fixed_constant)(-(1 << (36 - bits))), FN(splat_int)(0), result);
  return FN(either)(x == 0, FN(splat_int)(32767), result);
}

// 2 / (1 + x) with two integer bits, for x from 0 to 1.
INLINE vi FN(fixed_twice_reciprocal)(vi x) {
  const vi sum = x + 32767;
  // The half, rounded away from zero; sums are positive.
  const vi half = FN(wrapped)((sum + 1) >> 1);
  vi y = FN(wrapped)(FN(fixed_product)(half, FN(splat_int)(FN(fixed_constant)(-1010580540))) + FN(fixed_constant)(1515870810));
  for (int i = 0; i < 3; i++) {
    const vi error = FN(wrapped)((1 << 13) - FN(fixed_product)(half, y));
    y = FN(wrapped)(y + FN(fixed_doubled)(FN(fixed_product)(y, error), 2));
  }
  return y;
}

// Hyperbolic tangents or logistic functions of numbers of `bits` integer bits, in place; the results have none.
static void FN(fixed_point_gates)(int16_t *x, long count, int bits, bool tanh) {
  for (long i = 0; i < count; i += CK_WIDTH) {
    int16_t each[CK_WIDTH] = {0};
    const long live = count - i < CK_WIDTH ? count - i : CK_WIDTH;
    memcpy(each, x + i, (size_t)live * sizeof *each);
    const vi v = __builtin_convertvector(*(const FN(unaligned_halves) *)each, vi);
    const vi negative = FN(either)(v > 0, -v, v);
    vi result;
    if (tanh) {
      const vi y = FN(fixed_twice_reciprocal)(FN(fixed_exponential)(negative, bits + 1));
      result = FN(fixed_doubled)(FN(wrapped)(y - (1 << 13)), 2);
      result = FN(either)(v == 0, FN(splat_int)(0), FN(either)(v < 0, -result, result));
    } else {
      result = FN(fixed_doubled)(FN(fixed_twice_reciprocal)(FN(fixed_exponential)(negative, bits)), 1);
      result = FN(either)(v == 0, FN(splat_int)(1 << 14), FN(either)(v > 0, result, 32767 - result));
    }
    for (long lane = 0; lane < live; lane++) each[lane] = (int16_t)result[lane];
    memcpy(x + i, each, (size_t)live * sizeof *each);
  }
}
