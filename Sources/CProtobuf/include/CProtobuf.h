#ifndef ENDOKED_CPROTOBUF_H
#define ENDOKED_CPROTOBUF_H
// Written by ops/generate-proto from proto/endoked.proto.
#include "endoked.pb-c.h"
#endif
