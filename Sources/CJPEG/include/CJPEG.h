#ifndef ENDOKED_CJPEG_H
#define ENDOKED_CJPEG_H
#include <stddef.h>

// libjpeg(-turbo) behind functions that return: its errors leave by longjmp, which Swift cannot catch, and its warnings
// are told apart by number only here. A harmless one (stray bytes before a marker, an odd revision) goes by; one that
// means a lost part of the picture ends the reading, since libjpeg would fill that part with grey.

typedef enum {
    CJPEG_FINE = 0,
    // The data end before the picture does.
    CJPEG_TRUNCATED,
    // The data contradict themselves, or a part of the picture is lost.
    CJPEG_DAMAGED,
    // Colours that are not read here: four channels (print) or two.
    CJPEG_COLOURS,
    // No memory, or a caller's mistake.
    CJPEG_FAILED,
} cjpeg_status;

typedef struct cjpeg_reader cjpeg_reader;

typedef struct {
    // Pixels of the picture as it will be decoded, rows and columns as stored.
    int width;
    int height;
    // 1 or 3.
    int channels;
} cjpeg_shape;

// A reader of `bytes`, which must stay where they are until it is closed; NULL without memory.
cjpeg_reader *cjpeg_open(const unsigned char *bytes, size_t length);
void cjpeg_close(cjpeg_reader *reader);

// Reads the header. `reduction` is 1, 2, 4 or 8; shorter sides below `minimum_side` bring it down; 0 decodes in full.
cjpeg_status cjpeg_begin(cjpeg_reader *reader, int minimum_side, cjpeg_shape *shape);
// Decodes everything into `pixels`: height * width * channels bytes, rows from the top, RGB or grey.
cjpeg_status cjpeg_finish(cjpeg_reader *reader, unsigned char *pixels, size_t capacity);
// What was wrong, in libjpeg's words or ours; it quotes nothing of the file but numbers.
const char *cjpeg_message(const cjpeg_reader *reader);

// A baseline JPEG of `channels` 1 or 3; `*output` is the caller's, to be given to cjpeg_free.
cjpeg_status cjpeg_encode(
    const unsigned char *pixels, int width, int height, int channels, int quality, int subsamples_colour,
    unsigned char **output, unsigned long *length, char message[200]);
void cjpeg_free(unsigned char *output);

#endif
