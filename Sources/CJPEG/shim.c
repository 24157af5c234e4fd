#include "CJPEG.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

// More scans than any encoder writes: a progressive file of a few bytes a scan would keep a processor busy for hours.
enum { maximum_scans = 500 };
// Stray bytes inside a scan. Encoders pad with a few, or with one value over and over; more than that, and the scan
// held more than its picture needed: it was damaged before.
enum { maximum_stray_bytes = 128 };

typedef struct {
    struct jpeg_error_mgr base;
    jmp_buf escape;
    cjpeg_status status;
    char message[JMSG_LENGTH_MAX];
    // Components that a scan has named.
    unsigned char seen[256];
} errors;

struct cjpeg_reader {
    struct jpeg_decompress_struct codec;
    struct jpeg_progress_mgr progress;
    errors errors;
    const unsigned char *bytes;
};

static _Noreturn void leave(j_common_ptr codec, cjpeg_status status) {
    errors *errors_ = (errors *)codec->err;
    errors_->status = status;
    codec->err->format_message(codec, errors_->message);
    longjmp(errors_->escape, 1);
}

static _Noreturn void leave_with(errors *errors_, cjpeg_status status, const char *message) {
    errors_->status = status;
    snprintf(errors_->message, sizeof errors_->message, "%s", message);
    longjmp(errors_->escape, 1);
}

static _Noreturn void on_error(j_common_ptr codec) {
    leave(codec, codec->err->msg_code == JERR_OUT_OF_MEMORY ? CJPEG_FAILED : CJPEG_DAMAGED);
}

static void on_output(j_common_ptr codec) { (void)codec; }

// Whether the bytes that libjpeg has just skipped are one value over and over (the last few may belong to the marker).
static int is_padding(j_decompress_ptr codec, int count) {
    const cjpeg_reader *reader = (const cjpeg_reader *)codec;
    const unsigned char *end = codec->src->next_input_byte - 4;
    if (end - reader->bytes < count) return 0;
    const unsigned char *start = end - count + 8;
    for (const unsigned char *place = start; place < end; place++)
        if (*place != *start) return 0;
    return 1;
}

static void on_message(j_common_ptr codec, int level) {
    errors *errors_ = (errors *)codec->err;
    if (level >= 0) {
        if (errors_->base.msg_code == JTRC_SOS_COMPONENT) errors_->seen[errors_->base.msg_parm.i[0] & 0xFF] = 1;
        return;
    }
    switch (errors_->base.msg_code) {
    case JWRN_EXTRANEOUS_DATA: {
        if (!codec->is_decompressor) return;
        j_decompress_ptr reader = (j_decompress_ptr)codec;
        int count = errors_->base.msg_parm.i[0];
        if (reader->input_scan_number > 0 && count > maximum_stray_bytes && !is_padding(reader, count))
            leave(codec, CJPEG_DAMAGED);
        return;
    }
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_BOGUS_ICC: return;
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER: leave(codec, CJPEG_TRUNCATED);
    default: leave(codec, CJPEG_DAMAGED);
    }
}

static void on_progress(j_common_ptr codec) {
    if (((j_decompress_ptr)codec)->input_scan_number > maximum_scans)
        leave_with((errors *)codec->err, CJPEG_DAMAGED, "more scans than a picture has");
}

static struct jpeg_error_mgr *errors_init(errors *errors_) {
    jpeg_std_error(&errors_->base);
    errors_->base.error_exit = on_error;
    errors_->base.output_message = on_output;
    errors_->base.emit_message = on_message;
    return &errors_->base;
}

cjpeg_reader *cjpeg_open(const unsigned char *bytes, size_t length) {
    cjpeg_reader *reader = calloc(1, sizeof *reader);
    if (!reader) return NULL;
    reader->bytes = bytes;
    reader->codec.err = errors_init(&reader->errors);
    if (setjmp(reader->errors.escape)) {
        cjpeg_close(reader);
        return NULL;
    }
    jpeg_create_decompress(&reader->codec);
    reader->progress.progress_monitor = on_progress;
    reader->codec.progress = &reader->progress;
    jpeg_mem_src(&reader->codec, (unsigned char *)bytes, (unsigned long)length);
    return reader;
}

void cjpeg_close(cjpeg_reader *reader) {
    if (!reader) return;
    jpeg_destroy_decompress(&reader->codec);
    free(reader);
}

cjpeg_status cjpeg_begin(cjpeg_reader *reader, int minimum_side, cjpeg_shape *shape) {
    j_decompress_ptr codec = &reader->codec;
    if (setjmp(reader->errors.escape)) return reader->errors.status;
    jpeg_read_header(codec, TRUE);
    int is_grey = codec->jpeg_color_space == JCS_GRAYSCALE;
    if (!is_grey && codec->jpeg_color_space != JCS_YCbCr && codec->jpeg_color_space != JCS_RGB)
        leave_with(&reader->errors, CJPEG_COLOURS, codec->num_components == 4 ? "four channels" : "an odd number of channels");
    codec->out_color_space = is_grey ? JCS_GRAYSCALE : JCS_RGB;
    codec->dct_method = JDCT_ISLOW;
    codec->scale_num = 1;
    codec->scale_denom = 1;
    int shorter = (int)(codec->image_width < codec->image_height ? codec->image_width : codec->image_height);
    // The scales that libjpeg-turbo decodes with vector instructions.
    for (int reduction = 8; minimum_side > 0 && reduction > 1; reduction /= 2) {
        if ((shorter + reduction - 1) / reduction < minimum_side) continue;
        codec->scale_denom = (unsigned)reduction;
        break;
    }
    jpeg_calc_output_dimensions(codec);
    shape->width = (int)codec->output_width;
    shape->height = (int)codec->output_height;
    shape->channels = codec->output_components;
    return CJPEG_FINE;
}

// A file that was cut between two scans and given an end mark decodes without a word, blurred or without colours.
static void require_every_scan(cjpeg_reader *reader) {
    j_decompress_ptr codec = &reader->codec;
    for (int component = 0; component < codec->num_components; component++) {
        int is_whole = reader->errors.seen[codec->comp_info[component].component_id & 0xFF];
        for (int place = 0; is_whole && codec->coef_bits && place < DCTSIZE2; place++)
            is_whole = codec->coef_bits[component][place] == 0;
        if (!is_whole) leave_with(&reader->errors, CJPEG_TRUNCATED, "scans are missing");
    }
}

cjpeg_status cjpeg_finish(cjpeg_reader *reader, unsigned char *pixels, size_t capacity) {
    j_decompress_ptr codec = &reader->codec;
    if (setjmp(reader->errors.escape)) return reader->errors.status;
    jpeg_start_decompress(codec);
    size_t row = (size_t)codec->output_width * (size_t)codec->output_components;
    if (row * codec->output_height > capacity) leave_with(&reader->errors, CJPEG_FAILED, "the buffer is too small");
    if (jpeg_has_multiple_scans(codec)) require_every_scan(reader);
    while (codec->output_scanline < codec->output_height) {
        JSAMPROW line = pixels + codec->output_scanline * row;
        jpeg_read_scanlines(codec, &line, 1);
    }
    jpeg_finish_decompress(codec);
    return CJPEG_FINE;
}

const char *cjpeg_message(const cjpeg_reader *reader) { return reader->errors.message; }

cjpeg_status cjpeg_encode(
    const unsigned char *pixels, int width, int height, int channels, int quality, int subsamples_colour,
    unsigned char **output, unsigned long *length, char message[200]) {
    struct jpeg_compress_struct codec;
    errors errors_;
    memset(&codec, 0, sizeof codec);
    memset(&errors_, 0, sizeof errors_);
    *output = NULL;
    *length = 0;
    codec.err = errors_init(&errors_);
    if (setjmp(errors_.escape)) {
        snprintf(message, 200, "%s", errors_.message);
        jpeg_destroy_compress(&codec);
        return errors_.status;
    }
    jpeg_create_compress(&codec);
    jpeg_mem_dest(&codec, output, length);
    codec.image_width = (JDIMENSION)width;
    codec.image_height = (JDIMENSION)height;
    codec.input_components = channels;
    codec.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&codec);
    jpeg_set_quality(&codec, quality, TRUE);
    codec.dct_method = JDCT_ISLOW;
    if (channels == 3 && !subsamples_colour)
        codec.comp_info[0].h_samp_factor = codec.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&codec, TRUE);
    size_t row = (size_t)width * (size_t)channels;
    while (codec.next_scanline < codec.image_height) {
        JSAMPROW line = (JSAMPROW)(pixels + codec.next_scanline * row);
        jpeg_write_scanlines(&codec, &line, 1);
    }
    jpeg_finish_compress(&codec);
    jpeg_destroy_compress(&codec);
    return CJPEG_FINE;
}

void cjpeg_free(unsigned char *output) { free(output); }
