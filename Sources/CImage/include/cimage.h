/* libpng and libjpeg: whole images out of bytes in memory, as rows of 8-bit samples. */
#ifndef CIMAGE_H
#define CIMAGE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint8_t *pixels; /* height * width * channels; to be freed with cimage_free */
  uint32_t width, height, channels;
} cimage;

/* What is wrong, where the functions below do not give 0. */
enum { CIMAGE_DAMAGED = 1, CIMAGE_TOO_LARGE = 2, CIMAGE_NO_MEMORY = 3, CIMAGE_UNSUPPORTED = 4 };

/* channels: 0 for those of the file, 1 for grey, 3 for RGB, 4 for RGBA (PNG alone). max_bytes bounds the pixels. */
int cimage_decode_png(const uint8_t *bytes, size_t count, int channels, size_t max_bytes, cimage *out, char message[256]);
int cimage_decode_jpeg(const uint8_t *bytes, size_t count, int channels, size_t max_bytes, cimage *out, char message[256]);
void cimage_free(cimage *image);

#endif
