#ifndef ENDOKED_CTLS_SHIM_H
#define ENDOKED_CTLS_SHIM_H
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// Macros, which Swift does not see.
static inline int ctls_set_server_name(SSL *session, const char *name) { return (int)SSL_set_tlsext_host_name(session, name); }
static inline int ctls_require_tls12(SSL_CTX *context) { return (int)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION); }
// An empty memory BIO means "nothing yet", not the end.
static inline void ctls_wait_when_empty(BIO *bio) { BIO_set_mem_eof_return(bio, -1); }
#endif
