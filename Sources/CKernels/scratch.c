#include "CKernels.h"
#include <pthread.h>
#include <stdlib.h>

// Each thread keeps the largest scratch it ever asked for, until it ends.
typedef struct { long count; float *memory; } scratch;

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void drop(void *p) {
  free(((scratch *)p)->memory);
  free(p);
}
static void make_key(void) { pthread_key_create(&key, drop); }

float *ck_scratch(long count) {
  pthread_once(&once, make_key);
  scratch *mine = pthread_getspecific(key);
  if (!mine) {
    mine = calloc(1, sizeof *mine);
    if (!mine) return 0;
    pthread_setspecific(key, mine);
  }
  if (count > mine->count) {
    free(mine->memory);
    mine->count = 0;
    void *memory = 0;
    if (posix_memalign(&memory, 64, (size_t)count * sizeof(float))) memory = 0;
    mine->memory = memory;
    if (!mine->memory) return 0;
    mine->count = count;
  }
  return mine->memory;
}
