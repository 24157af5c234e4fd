#ifndef ENDOKED_CPOSTGRES_SHIM_H
#define ENDOKED_CPOSTGRES_SHIM_H
#include <libpq-fe.h>
#endif
