#include "CAllocationCount.h"
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

static atomic_long blocks, large_blocks, bytes;

ca_counts ca_allocations(void) {
  ca_counts counts = {atomic_load(&blocks), atomic_load(&large_blocks), atomic_load(&bytes)};
  return counts;
}

#ifdef __GLIBC__
// The program's own definitions go before those of the C library, whose other names these are.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static void count(size_t size) {
  atomic_fetch_add_explicit(&blocks, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&bytes, (long)size, memory_order_relaxed);
  if (size >= CA_LARGE) atomic_fetch_add_explicit(&large_blocks, 1, memory_order_relaxed);
}

void *malloc(size_t size) {
  count(size);
  return __libc_malloc(size);
}
void *calloc(size_t number, size_t size) {
  count(number * size);
  return __libc_calloc(number, size);
}
void *realloc(void *block, size_t size) {
  count(size);
  return __libc_realloc(block, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  count(size);
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **block, size_t alignment, size_t size) {
  count(size);
  *block = __libc_memalign(alignment, size);
  return *block ? 0 : ENOMEM;
}
#endif
