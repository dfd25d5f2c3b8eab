/* sd-names.c: one name for each weight, however the file spells it
 *
 * One pass over the model's names fills a table from single-file spelling to tensor; a
 * lookup is then a hash. 1,200 names take less than a millisecond.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-names-private.h"

#include <string.h>

struct _SdNames
{
  StModel *model;
  GHashTable
      *table; /* single-file spelling -> const StModelTensor *, owned by the model */
};

static void
add_name (SdNames *names, char *ldm_name, const StModelTensor *tensor, gboolean replace)
{
  if (replace || !g_hash_table_contains (names->table, ldm_name))
    g_hash_table_insert (names->table, ldm_name, (gpointer) tensor);
  else
    g_free (ldm_name);
}

/* Names of other things are left out: a language model has a million of them. */
static void
add_tensor (SdNames *names,
            const SdNamesDiffusers *diffusers,
            const StModelTensor *tensor)
{
  static const char text[] = "cond_stage_model.transformer.";
  const char *name = tensor->name;
  if (strlen (name) != tensor->name_length)
    return;
  char *translated = sd_names_diffusers_translate (diffusers, name);
  if (translated != NULL)
    add_name (names, translated, tensor, FALSE);
  else if (g_str_has_prefix (name, SD_NAMES_UNET) || g_str_has_prefix (name, SD_NAMES_VAE)
           || g_str_has_prefix (name, SD_NAMES_TEXT))
    add_name (names, g_strdup (name), tensor, TRUE);
  else if (g_str_has_prefix (name, text)) /* older merges leave out "text_model." */
    add_name (names, g_strconcat (SD_NAMES_TEXT, name + strlen (text), NULL), tensor,
              FALSE);
}

SdNames *
sd_names_new (StModel *model)
{
  SdNames *names = g_new0 (SdNames, 1);
  names->model = st_model_ref (model);
  names->table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  SdNamesDiffusers *diffusers = sd_names_diffusers_new (model);
  for (guint i = 0; i < st_model_n_tensors (model); i++)
    add_tensor (names, diffusers, st_model_tensor (model, i));
  sd_names_diffusers_free (diffusers);
  return names;
}

void
sd_names_free (SdNames *names)
{
  if (names == NULL)
    return;
  g_hash_table_unref (names->table);
  st_model_unref (names->model);
  g_free (names);
}

const StModelTensor *
sd_names_find (SdNames *names, const char *ldm_name)
{
  return g_hash_table_lookup (names->table, ldm_name);
}

gboolean
sd_names_has (SdNames *names, const char *ldm_name)
{
  return sd_names_find (names, ldm_name) != NULL;
}

gboolean
sd_names_matrix (const StTensor *tensor, guint *rows, guint *cols)
{
  gboolean linear = tensor->rank == 2;
  gboolean conv = tensor->rank == 4 && tensor->shape[2] == 1 && tensor->shape[3] == 1;
  if (!linear && !conv)
    return FALSE;
  if (tensor->shape[0] > G_MAXINT32 || tensor->shape[1] > G_MAXINT32)
    return FALSE;
  *rows = (guint) tensor->shape[0];
  *cols = (guint) tensor->shape[1];
  return TRUE;
}
