/* st-parts.c: see st-model-private.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-model-private.h"

void
st_part_free (gpointer data)
{
  StPart *part = data;

  g_free (part->path);
  g_free (part->prefix);
  g_free (part);
}

static void
add_part (StParts *parts, const char *path, const char *prefix)
{
  StPart *part = g_new (StPart, 1);

  part->path = g_strdup (path);
  part->prefix = g_strdup (prefix);
  g_ptr_array_add (parts->files, part);
}

gboolean
st_parts_find (StParts *parts, const char *path, const BaseTask *task, GError **error)
{
  add_part (parts, path, "");
  return TRUE;
}
