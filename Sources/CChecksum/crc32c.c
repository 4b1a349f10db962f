#include "CChecksum.h"

#include <pthread.h>
#include <string.h>

// Reversed polynomial 0x1EDC6F41.
#define POLYNOMIAL 0x82F63B78u

static uint32_t tables[8][256];

static void make_tables(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ POLYNOMIAL : value >> 1;
    tables[0][i] = value;
  }
  for (int slice = 1; slice < 8; slice++)
    for (uint32_t i = 0; i < 256; i++)
      tables[slice][i] = tables[slice - 1][i] >> 8 ^ tables[0][tables[slice - 1][i] & 0xff];
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

uint32_t crc32c_extend_portable(uint32_t crc, const void *bytes, size_t count) {
  pthread_once(&once, make_tables);
  const uint8_t *p = bytes;
  crc = ~crc;
  while (count >= 8) {
    // Bytes are put together by value, so that the order of the machine does not matter.
    uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
    crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^ tables[4][low >> 24] ^
          tables[3][p[4]] ^ tables[2][p[5]] ^ tables[1][p[6]] ^ tables[0][p[7]];
    p += 8;
    count -= 8;
  }
  while (count-- > 0) crc = crc >> 8 ^ tables[0][(crc ^ *p++) & 0xff];
  return ~crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t extend_native(uint32_t crc, const uint8_t *p, size_t count) {
  uint64_t state = ~crc;
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    state = _mm_crc32_u64(state, word);
    p += 8;
    count -= 8;
  }
  uint32_t rest = (uint32_t)state;
  while (count-- > 0) rest = _mm_crc32_u8(rest, *p++);
  return ~rest;
}

static int has_native(void) { return __builtin_cpu_supports("sse4.2"); }

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>

static uint32_t extend_native(uint32_t crc, const uint8_t *p, size_t count) {
  crc = ~crc;
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    crc = __crc32cd(crc, word);
    p += 8;
    count -= 8;
  }
  while (count-- > 0) crc = __crc32cb(crc, *p++);
  return ~crc;
}

static int has_native(void) { return 1; }

#else

static uint32_t extend_native(uint32_t crc, const uint8_t *p, size_t count) { return crc32c_extend_portable(crc, p, count); }

static int has_native(void) { return 0; }

#endif

uint32_t crc32c_extend(uint32_t crc, const void *bytes, size_t count) {
  return has_native() ? extend_native(crc, bytes, count) : crc32c_extend_portable(crc, bytes, count);
}
