/* st-model-private.h: which files make a model
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "st/st-file-private.h"

typedef struct
{
  char *path;
  char *prefix; /* what stands before its tensors' names: "" or "unet/" */
} StPart;

typedef struct
{
  GPtrArray *files; /* of StPart */
  GStrvBuilder *warnings;
  char *folder; /* (nullable): when the model is a folder */
} StParts;

void st_part_free (gpointer part);
/** st_parts_find: fills @parts with the files behind @path: a file, an index, a folder */
gboolean
st_parts_find (StParts *parts, const char *path, const BaseTask *task, GError **error);
