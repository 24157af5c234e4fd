#ifndef ENDOKED_CPNG_SHIM_H
#define ENDOKED_CPNG_SHIM_H
#include <stdio.h>
#include <png.h>
#include <zlib.h>
#endif
