#ifndef ENDOKED_CCRYPTO_SHIM_H
#define ENDOKED_CCRYPTO_SHIM_H
#include <openssl/evp.h>
#endif
