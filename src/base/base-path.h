/* base-path.h: where a file is that is to be written
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>

/**
 * base_path_follow: (transfer full) (nullable): where @path leads
 *
 * Follows the symbolic links at the end of @path, also to what is not there yet, so that
 * a file that is renamed into place replaces the link's target and not the link. NULL
 * with errno ELOOP where links lead in a circle.
 */
char *base_path_follow (const char *path);
