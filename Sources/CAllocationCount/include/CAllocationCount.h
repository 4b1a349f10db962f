// Counts what the process that links this asks of the allocator. With C libraries other than glibc nothing is counted.
#ifndef CALLOCATIONCOUNT_H
#define CALLOCATIONCOUNT_H

typedef struct {
  // How many blocks were asked for, those of at least CA_LARGE bytes among them, and the bytes of all.
  long blocks, large_blocks, bytes;
} ca_counts;

#define CA_LARGE 4096

// Everything since the process began.
ca_counts ca_allocations(void);
#endif
