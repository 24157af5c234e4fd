#ifndef ENDOKED_CZEROMQ_SHIM_H
#define ENDOKED_CZEROMQ_SHIM_H
#include <zmq.h>
#endif
