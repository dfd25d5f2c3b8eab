/* sd-names.c: one name for each weight, however the file spells it, whichever file it is
 * in
 *
 * One pass over a model's names fills a table from single-file spelling to tensor; a
 * lookup is then a hash. 1,200 names take less than a millisecond. Keys of averaged
 * weights (“model_ema.”) and of anything else are left out.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-names-private.h"

#include <string.h>

#define TAESD_LAYERS "decoder.layers." /* in diffusers, where numbers are less by one */

struct _SdNames
{
  GPtrArray *models;     /* StModel; the first is the one that was opened */
  StModel *taesd;        /* (nullable) */
  GHashTable *table;     /* single-file spelling -> const StModelTensor *, of a model */
  gboolean open_clip[2]; /* text encoders that are spelled so */
  SdNames *lent[SD_N_PARTS]; /* whose models have parts of the table; or NULLs */
};

/* For each part: where its names begin in the table, and one that it cannot be without.
 */
static const struct
{
  const char *root, *key;
} parts[SD_N_PARTS] = {
  [SD_PART_TEXT] = { SD_NAMES_TEXT, SD_NAMES_TEXT "embeddings.token_embedding.weight" },
  [SD_PART_TEXT_2]
  = { SD_NAMES_TEXT_2, SD_NAMES_TEXT_2 "embeddings.token_embedding.weight" },
  [SD_PART_VAE] = { SD_NAMES_VAE, SD_NAMES_VAE "decoder.conv_in.weight" },
  [SD_PART_TAESD] = { SD_NAMES_TAESD, SD_NAMES_TAESD "1.weight" },
};

static void
add_name (SdNames *names, char *ldm_name, const StModelTensor *tensor, gboolean replace)
{
  if (replace || !g_hash_table_contains (names->table, ldm_name))
    g_hash_table_insert (names->table, ldm_name, (gpointer) tensor);
  else
    g_free (ldm_name);
}

/* How the opened model spells its UNet: what stands in front of diffusers' names, and of
 * a single file's; NULL: not so. */
typedef struct
{
  const char *diffusers, *vae, *single;
} Spelling;

static Spelling
find_spelling (StModel *model)
{
  if (st_model_is_folder (model))
    return (Spelling){ .diffusers = "unet/", .vae = "vae/" };
  if (st_model_find (model, "conv_in.weight") != NULL
      && st_model_find (model, "conv_norm_out.weight") != NULL
      && st_model_find (model, "time_embedding.linear_1.weight") != NULL)
    return (Spelling){ .diffusers = "" };
  if (st_model_find (model, "input_blocks.0.0.weight") != NULL
      && st_model_find (model, "out.2.weight") != NULL)
    return (Spelling){ .single = "" };
  if (st_model_find (model, "diffusion_model.input_blocks.0.0.weight") != NULL)
    return (Spelling){ .single = "diffusion_model." };
  return (Spelling){ 0 };
}

/* Names of other things are left out: a language model has a million of them. */
static void
add_tensor (SdNames *names,
            const SdNamesDiffusers *diffusers,
            const Spelling *spelling,
            const StModelTensor *tensor)
{
  const char *name = tensor->name;
  guint encoder;
  gboolean open;
  if (strlen (name) != tensor->name_length)
    return;
  char *translated = sd_names_diffusers_translate (diffusers, name);
  if (translated != NULL)
    add_name (names, translated, tensor, FALSE);
  else if (spelling->single != NULL && g_str_has_prefix (name, spelling->single))
    add_name (names, g_strconcat (SD_NAMES_UNET, name + strlen (spelling->single), NULL),
              tensor, FALSE);
  else if (g_str_has_prefix (name, SD_NAMES_UNET) || g_str_has_prefix (name, SD_NAMES_VAE)
           || g_str_has_prefix (name, SD_NAMES_TEXT))
    add_name (names, g_strdup (name), tensor, TRUE);
  else if ((translated = sd_names_clip_translate (name, &encoder, &open)) != NULL)
    {
      add_name (names, translated, tensor, FALSE);
      names->open_clip[encoder] |= open;
    }
}

SdNames *
sd_names_new (StModel *model)
{
  SdNames *names = g_new0 (SdNames, 1);
  Spelling spelling = find_spelling (model);
  names->models = g_ptr_array_new_with_free_func ((GDestroyNotify) st_model_unref);
  g_ptr_array_add (names->models, st_model_ref (model));
  names->table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  SdNamesDiffusers *diffusers
      = sd_names_diffusers_new (model, spelling.diffusers, spelling.vae);
  for (guint i = 0; i < st_model_n_tensors (model); i++)
    add_tensor (names, diffusers, &spelling, st_model_tensor (model, i));
  sd_names_diffusers_free (diffusers);
  return names;
}

void
sd_names_free (SdNames *names)
{
  if (names == NULL)
    return;
  g_hash_table_unref (names->table);
  for (guint i = 0; i < SD_N_PARTS; i++)
    sd_names_free (names->lent[i]);
  g_ptr_array_unref (names->models);
  g_clear_pointer (&names->taesd, st_model_unref);
  g_free (names);
}

/* ---- parts from files of their own ---- */

/* (nullable) (transfer full): of a decoder's layer N, in any of three spellings */
static char *
taesd_name (const char *name)
{
  static const char *const starts[] = { "taesd_decoder.", "decoder.", "" };
  if (g_str_has_prefix (name, TAESD_LAYERS))
    {
      char *rest;
      guint64 number = g_ascii_strtoull (name + strlen (TAESD_LAYERS), &rest, 10);
      return *rest != '.' || number > 100
                 ? NULL
                 : g_strdup_printf (SD_NAMES_TAESD "%u%s", (guint) number + 1, rest);
    }
  for (guint i = 0; i < G_N_ELEMENTS (starts); i++)
    if (g_str_has_prefix (name, starts[i]) && g_ascii_isdigit (name[strlen (starts[i])]))
      return g_strconcat (SD_NAMES_TAESD, name + strlen (starts[i]), NULL);
  return NULL;
}

/* A VAE's file: as in a checkpoint, or bare in either spelling; diffusers' translation
 * leaves the other one as it is. */
static char *
vae_name (const SdNamesDiffusers *bare, const char *name)
{
  static const char *const starts[]
      = { "encoder.", "decoder.", "quant_conv.", "post_quant_conv." };
  static const char folder[] = "vae.";
  if (g_str_has_prefix (name, SD_NAMES_VAE))
    return g_strdup (name);
  if (g_str_has_prefix (name, folder))
    name += strlen (folder);
  for (guint i = 0; i < G_N_ELEMENTS (starts); i++)
    if (g_str_has_prefix (name, starts[i]))
      return sd_names_diffusers_translate (bare, name);
  return NULL;
}

static gboolean
remove_root (gpointer key, gpointer value, gpointer root)
{
  return g_str_has_prefix (key, root);
}

gboolean
sd_names_add_part (SdNames *names, StModel *model, SdPart part)
{
  SdNamesDiffusers *bare = sd_names_diffusers_new (model, NULL, "");
  g_autoptr (GHashTable) found
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gboolean is_open = FALSE, open = FALSE;
  GHashTableIter iter;
  gpointer key, value;

  for (guint i = 0; i < st_model_n_tensors (model); i++)
    {
      const StModelTensor *t = st_model_tensor (model, i);
      char *name = NULL;
      if (strlen (t->name) != t->name_length)
        continue;
      if (part == SD_PART_VAE)
        name = vae_name (bare, t->name);
      else if (part == SD_PART_TAESD)
        name = taesd_name (t->name);
      else
        name
            = sd_names_clip_translate_part (t->name, part == SD_PART_TEXT ? 0 : 1, &open);
      is_open |= name != NULL && open;
      if (name != NULL)
        g_hash_table_insert (found, name, (gpointer) t);
    }
  sd_names_diffusers_free (bare);
  if (!g_hash_table_contains (found, parts[part].key))
    return FALSE;
  if (part == SD_PART_TAESD)
    {
      g_clear_pointer (&names->taesd, st_model_unref);
      names->taesd = st_model_ref (model);
    }
  else
    g_ptr_array_add (names->models, st_model_ref (model));
  g_hash_table_foreach_remove (names->table, remove_root, (gpointer) parts[part].root);
  g_hash_table_iter_init (&iter, found);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      g_hash_table_iter_steal (&iter);
      g_hash_table_insert (names->table, key, value);
    }
  if (part == SD_PART_TEXT || part == SD_PART_TEXT_2)
    names->open_clip[part == SD_PART_TEXT ? 0 : 1] = is_open;
  return TRUE;
}

void
sd_names_lend_part (SdNames *names, SdNames *from, SdPart part)
{
  const char *root = parts[part].root;
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_foreach_remove (names->table, remove_root, (gpointer) root);
  g_hash_table_iter_init (&iter, from->table);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (g_str_has_prefix (key, root))
      g_hash_table_insert (names->table, g_strdup (key), value);
  sd_names_free (names->lent[part]);
  names->lent[part] = from;
}

gboolean
sd_names_has_part (SdNames *names, SdPart part)
{
  return sd_names_has (names, parts[part].key);
}

/* ---- looking up ---- */

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

void
sd_names_foreach (SdNames *names, SdNamesFunc func, gpointer user_data)
{
  GHashTableIter iter;
  gpointer key, value;
  g_hash_table_iter_init (&iter, names->table);
  while (g_hash_table_iter_next (&iter, &key, &value))
    func (key, value, user_data);
}

gboolean
sd_names_is_open_clip (SdNames *names, guint encoder)
{
  return names->open_clip[encoder];
}

gboolean
sd_names_in_folder (SdNames *names)
{
  return st_model_is_folder (names->models->pdata[0]);
}

guint
sd_names_n_models (SdNames *names)
{
  return names->models->len;
}

StModel *
sd_names_model (SdNames *names, guint index)
{
  return names->models->pdata[index];
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
