#ifndef ENDOKED_CTURBOJPEG_SHIM_H
#define ENDOKED_CTURBOJPEG_SHIM_H
#include <stdio.h>
#include <turbojpeg.h>
#endif
