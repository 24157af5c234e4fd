#ifndef ENDOKED_CPOSTGRES_SHIM_H
#define ENDOKED_CPOSTGRES_SHIM_H
#include <libpq-fe.h>
#include <spawn.h>

/* glibc hides these behind _GNU_SOURCE, which a module cannot define for a header that was read before. */
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
#endif
