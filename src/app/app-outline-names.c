/* app-outline-names.c: names for people of the parts of known models
 *
 * Read off the names alone, in the two spellings in which Stable Diffusion models come:
 * the single file's (model.diffusion_model …) and the folder's (unet/…). Nothing depends
 * on the model being one that can generate.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-outline.h"

#include <glib/gi18n.h>
#include <string.h>

static const struct
{
  const char *path, *name;
} parts[] = {
  { "model.diffusion_model", N_ ("UNet") },
  { "unet", N_ ("UNet") },
  { "cond_stage_model", N_ ("Text encoder") },
  { "text_encoder", N_ ("Text encoder") },
  { "conditioner.embedders.0", N_ ("Text encoder 1") },
  { "conditioner.embedders.1", N_ ("Text encoder 2") },
  { "text_encoder_2", N_ ("Text encoder 2") },
  { "first_stage_model", N_ ("VAE") },
  { "vae", N_ ("VAE") },
  { "model_ema", N_ ("Averaged UNet (EMA)") },
  { "safety_checker", N_ ("Safety checker") },
};

const char *
app_outline_part_name (const char *path, guint *rank)
{
  for (guint i = 0; path != NULL && i < G_N_ELEMENTS (parts); i++)
    {
      if (strcmp (path, parts[i].path) != 0)
        continue;
      if (rank != NULL)
        *rank = i;
      return _ (parts[i].name);
    }
  return NULL;
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
