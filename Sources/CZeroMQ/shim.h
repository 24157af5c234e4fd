#ifndef ENDOKED_CZEROMQ_SHIM_H
#define ENDOKED_CZEROMQ_SHIM_H
#include <errno.h>
#include <sys/eventfd.h>
#include <zmq.h>

// zmq.h of 4.3.4 hides this behind ZMQ_BUILD_DRAFT_API although the library takes it.
#define ENDOKED_ZMQ_ZAP_ENFORCE_DOMAIN 93

// Arithmetic macros and enumerations do not all reach Swift as constants.
static inline int endoked_zmq_eterm(void) { return ETERM; }
static inline int endoked_eventfd_flags(void) { return EFD_NONBLOCK | EFD_CLOEXEC; }
#endif
