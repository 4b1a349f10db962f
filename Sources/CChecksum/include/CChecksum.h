#ifndef CCHECKSUM_H
#define CCHECKSUM_H
#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli) of `count` bytes, going on from `crc`, which is 0 at the start. Uses the
/// processor's instruction where there is one, else tables that take eight bytes at a time.
uint32_t crc32c_extend(uint32_t crc, const void *bytes, size_t count);

/// The same by tables alone.
uint32_t crc32c_extend_portable(uint32_t crc, const void *bytes, size_t count);

#endif
