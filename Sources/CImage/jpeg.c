#include "cimage.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

/* A picture in thousands of scans would take minutes. */
enum { MAX_SCANS = 500 };

typedef struct {
  struct jpeg_error_mgr base;
  jmp_buf target;
  char *message;
} manager;

static void fail(j_common_ptr state) {
  manager *errors = (manager *)state->err;
  char text[JMSG_LENGTH_MAX];
  state->err->format_message(state, text);
  snprintf(errors->message, 256, "%s", text);
  longjmp(errors->target, 1);
}
/* A warning is a picture with a hole in it: the data ends early, or is no code that there is. */
static void warn(j_common_ptr state, int level) {
  if (level < 0) fail(state);
}

static void watch(j_common_ptr state) {
  j_decompress_ptr jpeg = (j_decompress_ptr)state;
  if (jpeg->input_scan_number > MAX_SCANS) {
    manager *errors = (manager *)state->err;
    snprintf(errors->message, 256, "more than %d scans", MAX_SCANS);
    longjmp(errors->target, 1);
  }
}

int cimage_decode_jpeg(const uint8_t *bytes, size_t count, int channels, size_t max_bytes, cimage *out, char message[256]) {
  memset(out, 0, sizeof *out);
  struct jpeg_decompress_struct jpeg;
  manager errors;
  volatile int code = CIMAGE_DAMAGED;
  memset(&jpeg, 0, sizeof jpeg);
  jpeg.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = fail;
  errors.base.emit_message = warn;
  errors.message = message;
  if (setjmp(errors.target)) {
    jpeg_destroy_decompress(&jpeg);
    cimage_free(out);
    return code;
  }
  struct jpeg_progress_mgr progress = {.progress_monitor = watch};
  jpeg_create_decompress(&jpeg);
  jpeg.progress = &progress;
  /* Progressive pictures are held whole as coefficients: no more than a few times the pixels that are allowed. */
  jpeg.mem->max_memory_to_use = (long)(max_bytes / 2 < 1000000000 ? max_bytes * 4 : 4000000000);
  jpeg_mem_src(&jpeg, bytes, (unsigned long)count);
  jpeg_read_header(&jpeg, TRUE);
  if (jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK) {
    code = CIMAGE_UNSUPPORTED;
    snprintf(message, 256, "CMYK colours");
    longjmp(errors.target, 1);
  }
  if (channels == 1) jpeg.out_color_space = JCS_GRAYSCALE;
  if (channels >= 3) jpeg.out_color_space = JCS_RGB;
  /* What TensorFlow decodes with. */
  jpeg.dct_method = JDCT_IFAST;
  jpeg.do_fancy_upsampling = TRUE;
  jpeg_calc_output_dimensions(&jpeg);
  size_t stride = (size_t)jpeg.output_width * jpeg.output_components;
  if (jpeg.output_height == 0 || stride > max_bytes / jpeg.output_height) {
    code = CIMAGE_TOO_LARGE;
    snprintf(message, 256, "%u x %u pixels", jpeg.output_width, jpeg.output_height);
    longjmp(errors.target, 1);
  }
  int wanted = channels == 4 ? 4 : jpeg.output_components;
  out->pixels = malloc((size_t)jpeg.output_width * wanted * jpeg.output_height);
  if (!out->pixels) {
    code = CIMAGE_NO_MEMORY;
    snprintf(message, 256, "no memory for %u x %u pixels", jpeg.output_width, jpeg.output_height);
    longjmp(errors.target, 1);
  }
  jpeg_start_decompress(&jpeg);
  while (jpeg.output_scanline < jpeg.output_height) {
    uint8_t *row = out->pixels + (size_t)jpeg.output_width * wanted * jpeg.output_scanline;
    JSAMPROW rows[1] = {row};
    if (jpeg_read_scanlines(&jpeg, rows, 1) != 1) break;
    if (wanted == 4) /* From the end, so that nothing is overwritten before it is moved. */
      for (size_t x = jpeg.output_width; x-- > 0;) {
        uint8_t r = row[3 * x], g = row[3 * x + 1], b = row[3 * x + 2];
        row[4 * x] = r;
        row[4 * x + 1] = g;
        row[4 * x + 2] = b;
        row[4 * x + 3] = 255;
      }
  }
  out->width = jpeg.output_width;
  out->height = jpeg.output_height;
  out->channels = (uint32_t)wanted;
  jpeg_finish_decompress(&jpeg);
  jpeg_destroy_decompress(&jpeg);
  return 0;
}
