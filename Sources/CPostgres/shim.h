#ifndef ENDOKED_CPOSTGRES_SHIM_H
#define ENDOKED_CPOSTGRES_SHIM_H
#include <libpq-fe.h>
#include <spawn.h>

/* glibc hides these behind _GNU_SOURCE, which a module cannot define for a header that was read before. */
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
extern int memfd_create(const char *name, unsigned int flags);
enum { ENDOKED_SPAWN_IN_NEW_SESSION = 0x80 /* POSIX_SPAWN_SETSID */, ENDOKED_MEMFD_CLOSE_ON_EXEC = 1 };
#endif
