#include "cimage.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const uint8_t *bytes;
  size_t count, position;
  char *message;
} source;

static void read_bytes(png_structp png, png_bytep target, png_size_t count) {
  source *from = png_get_io_ptr(png);
  if (count > from->count - from->position) png_error(png, "the file ends too early");
  memcpy(target, from->bytes + from->position, count);
  from->position += count;
}
static void fail(png_structp png, png_const_charp text) {
  source *from = png_get_error_ptr(png);
  snprintf(from->message, 256, "%s", text);
  longjmp(png_jmpbuf(png), 1);
}
static void ignore(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

int cimage_decode_png(const uint8_t *bytes, size_t count, int channels, size_t max_bytes, cimage *out, char message[256]) {
  memset(out, 0, sizeof *out);
  source from = {bytes, count, 0, message};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &from, fail, ignore);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  volatile int code = CIMAGE_DAMAGED;
  if (!info) {
    png_destroy_read_struct(&png, NULL, NULL);
    snprintf(message, 256, "no memory");
    return CIMAGE_NO_MEMORY;
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, NULL);
    cimage_free(out);
    return code;
  }
  png_set_read_fn(png, &from, read_bytes);
  /* Text and profiles are of no interest, however large they say they are. */
  png_set_chunk_malloc_max(png, 8000000);
  png_set_chunk_cache_max(png, 100);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
  png_read_info(png, info);

  int type = png_get_color_type(png, info), depth = png_get_bit_depth(png, info);
  int has_trns = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (type == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
  if (depth == 16) png_set_strip_16(png);
  int is_gray = type == PNG_COLOR_TYPE_GRAY || type == PNG_COLOR_TYPE_GRAY_ALPHA;
  int has_alpha = (type & PNG_COLOR_MASK_ALPHA) || has_trns;
  if (has_trns) png_set_tRNS_to_alpha(png);
  if (channels == 1 || channels == 3) {
    if (has_alpha) png_set_strip_alpha(png);
  } else if (channels == 4 && !has_alpha) {
    png_set_add_alpha(png, 255, PNG_FILLER_AFTER);
  }
  if (channels >= 3 && is_gray) png_set_gray_to_rgb(png);
  if (channels == 1 && !is_gray) png_set_rgb_to_gray(png, PNG_ERROR_ACTION_NONE, 0.299, 0.587);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);

  uint32_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  size_t stride = png_get_rowbytes(png, info);
  if (height == 0 || stride > max_bytes / height) {
    code = CIMAGE_TOO_LARGE;
    snprintf(message, 256, "%u x %u pixels", width, height);
    longjmp(png_jmpbuf(png), 1);
  }
  out->pixels = malloc(stride * height);
  if (!out->pixels) {
    code = CIMAGE_NO_MEMORY;
    snprintf(message, 256, "no memory for %u x %u pixels", width, height);
    longjmp(png_jmpbuf(png), 1);
  }
  for (int pass = 0; pass < passes; pass++)
    for (uint32_t row = 0; row < height; row++) png_read_row(png, out->pixels + stride * row, NULL);
  png_read_end(png, NULL);
  out->width = width;
  out->height = height;
  out->channels = png_get_channels(png, info);
  png_destroy_read_struct(&png, &info, NULL);
  return 0;
}

void cimage_free(cimage *image) {
  free(image->pixels);
  image->pixels = NULL;
}
