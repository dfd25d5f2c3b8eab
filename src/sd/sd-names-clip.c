/* sd-names-clip.c: the names of text encoders, in transformers' spelling whatever the
 * file's
 *
 * Single files of 1.x have transformers' names under a root of their own; 2.x and the
 * second encoder of XL have OpenCLIP's, where the matrices of query, key and value are
 * one and the projection is stored transposed. Both become
 *
 *     ROOT embeddings.token_embedding.weight
 *     ROOT encoder.layers.N.self_attn.in_proj.weight, or .q_proj.weight and so on
 *     ROOT text_projection (OpenCLIP's, [width][out]) or text_projection.weight
 * ([out][width])
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-names-private.h"

#include <string.h>

typedef struct
{
  const char *start;
  guint encoder;
} Root;

/* Longer ones first: the first that fits is taken. */
static const Root roots[] = {
  { "cond_stage_model.transformer.text_model.", 0 },
  { "cond_stage_model.transformer.", 0 }, /* older merges */
  { "cond_stage_model.model.", 0 },
  { "conditioner.embedders.0.transformer.text_model.", 0 },
  { "conditioner.embedders.0.model.", 0 },
  { "conditioner.embedders.1.transformer.text_model.", 1 },
  { "conditioner.embedders.1.transformer.", 1 },
  { "conditioner.embedders.1.model.", 1 },
  { "text_encoder/text_model.", 0 },
  { "text_encoder/", 0 }, /* newer folders leave the inner name out */
  { "text_encoder_2/text_model.", 1 },
  { "text_encoder_2/", 1 },
};

/* Of a file that is a text encoder and nothing else. */
static const char *const bare_roots[] = {
  "text_model.",
  "transformer.text_model.",
  "clip_l.transformer.text_model.",
  "clip_g.transformer.text_model.",
  "clip_h.transformer.text_model.",
  "clip_g.transformer.",
  "",
};

static const SdRename open_clip[] = {
  { "token_embedding.", "embeddings.token_embedding." },
  { "positional_embedding", "embeddings.position_embedding.weight" },
  { "ln_final.", "final_layer_norm." },
  { NULL, NULL },
};

static const SdRename open_clip_block[] = {
  { "ln_1.", "layer_norm1." },
  { "ln_2.", "layer_norm2." },
  { "attn.in_proj_weight", "self_attn.in_proj.weight" },
  { "attn.in_proj_bias", "self_attn.in_proj.bias" },
  { "attn.in_proj.", "self_attn.in_proj." },
  { "attn.out_proj.", "self_attn.out_proj." },
  { "mlp.c_fc.", "mlp.fc1." },
  { "mlp.c_proj.", "mlp.fc2." },
  { NULL, NULL },
};

char *
sd_names_rename_start (const char *name, const SdRename *table)
{
  for (; table->from != NULL; table++)
    if (g_str_has_prefix (name, table->from))
      return g_strconcat (table->to, name + strlen (table->from), NULL);
  return NULL;
}

/* (nullable) (transfer full): of OpenCLIP's names without a root */
static char *
from_open_clip (const char *name)
{
  static const char blocks[] = "transformer.resblocks.";
  if (!g_str_has_prefix (name, blocks))
    return sd_names_rename_start (name, open_clip);
  const char *number = name + strlen (blocks), *dot = strchr (number, '.');
  g_autofree char *leaf
      = dot != NULL ? sd_names_rename_start (dot + 1, open_clip_block) : NULL;
  if (leaf == NULL)
    return NULL;
  return g_strdup_printf ("encoder.layers.%.*s.%s", (int) (dot - number), number, leaf);
}

static gboolean
is_transformers (const char *name)
{
  return g_str_has_prefix (name, "embeddings.") || g_str_has_prefix (name, "encoder.")
         || g_str_has_prefix (name, "final_layer_norm.")
         || g_str_has_prefix (name, "text_projection");
}

static char *
with_root (const char *name, guint encoder, gboolean *open)
{
  const char *root = encoder == 0 ? SD_NAMES_TEXT : SD_NAMES_TEXT_2;
  g_autofree char *translated = from_open_clip (name);
  *open = translated != NULL;
  if (translated != NULL)
    return g_strconcat (root, translated, NULL);
  return is_transformers (name) ? g_strconcat (root, name, NULL) : NULL;
}

char *
sd_names_clip_translate (const char *name, guint *encoder, gboolean *open)
{
  for (guint i = 0; i < G_N_ELEMENTS (roots); i++)
    if (g_str_has_prefix (name, roots[i].start))
      {
        *encoder = roots[i].encoder;
        return with_root (name + strlen (roots[i].start), *encoder, open);
      }
  return NULL;
}

char *
sd_names_clip_translate_part (const char *name, guint encoder, gboolean *open)
{
  guint own;
  char *inside = sd_names_clip_translate (name, &own, open);
  if (inside != NULL && own == encoder)
    return inside;
  g_free (inside);
  for (guint i = 0; i < G_N_ELEMENTS (bare_roots); i++)
    if (g_str_has_prefix (name, bare_roots[i]))
      {
        char *found = with_root (name + strlen (bare_roots[i]), encoder, open);
        if (found != NULL)
          return found;
      }
  return NULL;
}
