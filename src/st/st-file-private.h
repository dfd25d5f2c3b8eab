/* st-file-private.h: what the files of the room share about files
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "st/st-header-private.h"

/* So many first bytes tell a foreign file. */
#define ST_FOREIGN_BYTES 512

/** st_foreign_find: (nullable): what a file that begins with @start is, if not ours */
const StForeign *st_foreign_find (const guint8 *start, gsize n);

/**
 * st_fd_open: a regular file for reading; never waits for a pipe's other end
 * Returns: a descriptor, or -1 with %ST_ERROR_IO
 */
int st_fd_open (const char *path, guint64 *size, GError **error);
/** st_fd_read: up to @n bytes at @offset; fewer only at the end; -1 with errno */
gssize st_fd_read (int fd, guint64 offset, gsize n, void *dst);
