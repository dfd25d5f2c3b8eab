/* app-outline-names.c: names for people of the parts of known models
 *
 * Read off the names alone, by the table of recognition (st/st-verdict.h). Nothing
 * depends on the model being one that can generate.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-outline.h"

#include <glib/gi18n.h>
#include <string.h>

#include "st/st-verdict.h"

/* A UNet is told from a transformer by the names of its ends, in both spellings. */
static gboolean
is_unet (const StNode *node)
{
  static const char *const ends[] = { "input_blocks", "down_blocks", "conv_in", "out" };

  for (guint i = 0; i < node->n_children; i++)
    for (guint k = 0; k < G_N_ELEMENTS (ends); k++)
      if (strcmp (node->children[i]->label, ends[k]) == 0)
        return TRUE;
  return FALSE;
}

const char *
app_outline_part_name (const StNode *node, guint *rank)
{
  const char *path = node->path;

  /* Deep groups have long names; those of parts are short and few. */
  if (node->tensor != NULL || path == NULL || strlen (path) > 40)
    return NULL;
  return st_part_title (path, !is_unet (node), rank);
}

/* Groups of numbered blocks below a UNet, whose blocks move up beside "middle_block". */
static const struct
{
  const char *path, *format;
} blocks[] = {
  /* Translators: the blocks of a UNet on the way in; %s is a number */
  { "model.diffusion_model.input_blocks", N_ ("in %s") },
  /* Translators: the blocks of a UNet on the way out; %s is a number */
  { "model.diffusion_model.output_blocks", N_ ("out %s") },
};

char *
app_outline_block_label (const StNode *group, const StNode *block)
{
  for (guint i = 0; group->path != NULL && i < G_N_ELEMENTS (blocks); i++)
    {
      if (strcmp (group->path, blocks[i].path) == 0)
        return g_strdup_printf (_ (blocks[i].format), block->label);
    }
  return NULL;
}
