/* sd-text.c: the CLIP text encoder: 77 token numbers → 77 vectors
 *
 * Radford et al. 2021 (CLIP ViT-L/14's text half; quick-GELU, causal attention). Width
 * and depth are the file's; heads are max (1, width / 64). The token table stays in the
 * file: 77 rows of it are read per prompt, and on the device it would be the largest
 * tensor.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-net-private.h"

#include <glib/gi18n-lib.h>

#define TEXT_ROOT "cond_stage_model.transformer.text_model."
#define TOKEN_TABLE TEXT_ROOT "embeddings.token_embedding.weight"
#define POSITION_TABLE TEXT_ROOT "embeddings.position_embedding.weight"

struct _SdText
{
  SdWeights *weights; /* not owned */
  guint width, layers, heads;
  guint64 vocabulary;
};

static gboolean
check_tables (SdWeights *weights, GError **error)
{
  const StTensor *tokens = sd_weights_find (weights, TOKEN_TABLE, NULL);
  const StTensor *positions = sd_weights_find (weights, POSITION_TABLE, NULL);

  if (tokens == NULL || positions == NULL)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_MISSING_PART,
                   _ ("The text encoder is not in the file: “%s” is missing"),
                   tokens == NULL ? TOKEN_TABLE : POSITION_TABLE);
      return FALSE;
    }
  if (tokens->rank != 2 || positions->rank != 2 || tokens->shape[1] != positions->shape[1]
      || positions->shape[0] != SD_TEXT_TOKENS || tokens->shape[1] == 0
      || tokens->shape[1] > 1u << 16 || !st_dtype_is_float (tokens->dtype)
      || !st_dtype_is_float (positions->dtype))
    {
      g_set_error (
          error, SD_ERROR, SD_ERROR_UNSUPPORTED,
          _ ("The text encoder's tables “%s” and “%s” do not fit together: [n, width] "
             "and [%u, width] are needed"),
          TOKEN_TABLE, POSITION_TABLE, SD_TEXT_TOKENS);
      return FALSE;
    }
  return TRUE;
}

SdText *
sd_text_new (SdWeights *weights, GError **error)
{
  if (!check_tables (weights, error))
    return NULL;
  const StTensor *tokens = sd_weights_find (weights, TOKEN_TABLE, NULL);
  SdText *text = g_new0 (SdText, 1);
  text->weights = weights;
  text->vocabulary = tokens->shape[0];
  text->width = tokens->shape[1];
  text->heads = MAX (1, text->width / 64);
  for (;; text->layers++)
    {
      g_autofree char *layer = g_strdup_printf (
          TEXT_ROOT "encoder.layers.%u.layer_norm1.weight", text->layers);
      if (!sd_weights_has (weights, layer, NULL))
        break;
    }
  if (text->layers == 0 || text->width % text->heads != 0)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                   _ ("The text encoder has %u layers of width %u with %u heads"),
                   text->layers, text->width, text->heads);
      sd_text_free (text);
      return NULL;
    }
  return text;
}

void
sd_text_free (SdText *text)
{
  g_free (text);
}

guint
sd_text_width (const SdText *text)
{
  return text->width;
}

gboolean
sd_text_embed (SdText *text, const guint *ids, float *dst, GError **error)
{
  g_autofree float *position = g_new (float, text->width);
  for (guint i = 0; i < SD_TEXT_TOKENS; i++)
    {
      float *row = dst + (gsize) i * text->width;
      if (ids[i] >= text->vocabulary)
        {
          g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                       _ ("The prompt needs token %u; the model's table has %u"), ids[i],
                       (guint) text->vocabulary);
          return FALSE;
        }
      if (!sd_weights_read_row (text->weights, TOKEN_TABLE, ids[i], row, error)
          || !sd_weights_read_row (text->weights, POSITION_TABLE, i, position, error))
        return FALSE;
      for (guint c = 0; c < text->width; c++)
        row[c] += position[c];
    }
  return TRUE;
}

static NnTensor *
build_layer (SdBuilder *b, const SdText *text, NnTensor *x, const char *layer)
{
  static const char *const qkv[]
      = { "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", NULL };
  NnTensor *h = sd_build_layer_norm (b, x, layer, "layer_norm1");
  h = sd_build_stacked (b, h, layer, qkv);
  if (b->fault != NULL)
    return x;
  NnAttention attention = {
    .q = h,
    .k = h,
    .v = h,
    .k_offset = text->width,
    .v_offset = 2 * text->width,
    .heads = text->heads,
    .head_dim = text->width / text->heads,
    .causal = TRUE,
  };
  h = nn_attention (b->graph, &attention, layer);
  x = sd_build_linear (b, (NnLinear){ .x = h, .residual = x }, layer,
                       "self_attn.out_proj");
  h = sd_build_layer_norm (b, x, layer, "layer_norm2");
  h = sd_build_linear (b, (NnLinear){ .x = h, .act = NN_ACT_QUICK_GELU }, layer,
                       "mlp.fc1");
  return sd_build_linear (b, (NnLinear){ .x = h, .residual = x }, layer, "mlp.fc2");
}

NnProgram *
sd_text_build (SdText *text, NnState *in, NnState *out, gboolean profile, GError **error)
{
  SdBuilder b;
  sd_builder_init (&b, text->weights, TEXT_ROOT, "text");
  NnTensor *x = nn_load (b.graph, in);
  for (guint i = 0; i < text->layers; i++)
    {
      g_autofree char *layer = g_strdup_printf ("encoder.layers.%u", i);
      x = build_layer (&b, text, x, layer);
    }
  x = sd_build_layer_norm (&b, x, "final_layer_norm", NULL);
  nn_store (b.graph, x, out);
  return sd_builder_finish (&b, profile, error);
}
