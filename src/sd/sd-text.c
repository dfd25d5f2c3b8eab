/* sd-text.c: text encoders: 77 token numbers → 77 vectors, and one for the whole text
 *
 * Radford et al. 2021 (CLIP: quick-GELU in OpenAI's, GELU in OpenCLIP's; causal
 * attention). Width and depth are the file's; heads are max (1, width / 64). The families
 * differ in where they listen:
 *
 *     1.x   one encoder (CLIP-L), after the last block and the final norm
 *     2.x   one (OpenCLIP-H), before the last block, then the final norm; a diffusers
 * folder has left the last block out XL    two (CLIP-L and OpenCLIP-bigG), before the
 * last block, without the norm; from the second also its last state at the end of the
 * text, normed and projected
 *
 * The token table stays in the file: 77 rows of it are read per prompt, and on the device
 * it would be the largest tensor. The projection is one row times a matrix: done here.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-net-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define TOKENS "embeddings.token_embedding.weight"
#define POSITIONS "embeddings.position_embedding.weight"
#define PROJECTION "text_projection" /* OpenCLIP's */
#define TOKEN_END 49407
#define WHOLE_DEPTH 24 /* of OpenCLIP-H, whose width is … */
#define WHOLE_WIDTH 1024

struct _SdText
{
  SdWeights *weights; /* not owned */
  const char *root;
  guint width, layers, heads;
  guint used;    /* layers before the vectors are taken */
  gboolean norm; /* of the vectors taken */
  gboolean cut;  /* the last layer was left out of the file */
  SdTextKind kind;
  NnAct act;
  guint pad;       /* token that fills up */
  guint projected; /* width of the vector for the whole text; 0: none */
  guint64 vocabulary;
};

static const StTensor *
find (SdWeights *weights, const char *root, const char *name)
{
  g_autofree char *full = g_strconcat (root, name, NULL);
  return sd_weights_find (weights, full, NULL);
}

static gboolean
check_tables (SdWeights *weights, const char *root, GError **error)
{
  const StTensor *tokens = find (weights, root, TOKENS);
  const StTensor *positions = find (weights, root, POSITIONS);

  if (tokens == NULL || positions == NULL)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_MISSING_PART,
                   _ ("The text encoder is not in the file: “%s%s” is missing"), root,
                   tokens == NULL ? TOKENS : POSITIONS);
      return FALSE;
    }
  if (tokens->rank != 2 || positions->rank != 2 || tokens->shape[1] != positions->shape[1]
      || positions->shape[0] != SD_TEXT_TOKENS || tokens->shape[1] == 0
      || tokens->shape[1] > 1u << 16 || !st_dtype_is_float (tokens->dtype)
      || !st_dtype_is_float (positions->dtype))
    {
      g_set_error (
          error, SD_ERROR, SD_ERROR_UNSUPPORTED,
          _ ("The text encoder's tables “%s%s” and “%s%s” do not fit together: [n, "
             "width] and [%u, width] are needed"),
          root, TOKENS, root, POSITIONS, SD_TEXT_TOKENS);
      return FALSE;
    }
  return TRUE;
}

/* The projection of either spelling: [width][out] or [out][width]. */
static gboolean
find_projection (SdText *text, GError **error)
{
  const StTensor *open = find (text->weights, text->root, PROJECTION);
  const StTensor *matrix = find (text->weights, text->root, PROJECTION ".weight");
  const StTensor *found = open != NULL ? open : matrix;

  if (found == NULL)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_MISSING_PART,
                   _ ("The text encoder's projection “%s%s” is missing"), text->root,
                   PROJECTION);
      return FALSE;
    }
  guint in = open != NULL ? 0 : 1;
  if (found->rank != 2 || found->shape[in] != text->width || found->shape[1 - in] == 0
      || found->shape[1 - in] > 1u << 16 || !st_dtype_is_float (found->dtype))
    {
      g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                   _ ("The text encoder's projection “%s%s” is not a matrix of %u "
                      "inputs"),
                   text->root, PROJECTION, text->width);
      return FALSE;
    }
  text->projected = (guint) found->shape[1 - in];
  return TRUE;
}

/* Where to listen, by family: the table at the top of this file. */
static void
choose_layers (SdText *text, SdTextKind kind, gboolean in_folder)
{
  gboolean cut = in_folder || (text->width == WHOLE_WIDTH && text->layers < WHOLE_DEPTH);

  text->kind = kind;
  text->cut = kind == SD_TEXT_2 && cut;
  text->norm = kind == SD_TEXT_1 || kind == SD_TEXT_2;
  text->used = text->layers;
  if (kind == SD_TEXT_XL_FIRST || kind == SD_TEXT_XL_SECOND
      || (kind == SD_TEXT_2 && !cut))
    text->used--;
}

SdText *
sd_text_new (SdWeights *weights, SdTextKind kind, gboolean in_folder, GError **error)
{
  gboolean second = kind == SD_TEXT_XL_SECOND;
  gboolean open = second || kind == SD_TEXT_2;
  const char *root = second ? SD_NAMES_TEXT_2 : SD_NAMES_TEXT;

  if (!check_tables (weights, root, error))
    return NULL;
  const StTensor *tokens = find (weights, root, TOKENS);
  g_autoptr (SdText) text = g_new0 (SdText, 1);
  text->weights = weights;
  text->root = root;
  text->vocabulary = tokens->shape[0];
  text->width = tokens->shape[1];
  text->heads = MAX (1, text->width / 64);
  text->act = open ? NN_ACT_GELU : NN_ACT_QUICK_GELU;
  text->pad = open ? 0 : TOKEN_END;
  for (;; text->layers++)
    {
      g_autofree char *norm
          = g_strdup_printf ("encoder.layers.%u.layer_norm1.weight", text->layers);
      if (find (weights, root, norm) == NULL)
        break;
    }
  if (text->layers < 2 || text->width % text->heads != 0)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                   _ ("The text encoder has %u layers of width %u with %u heads"),
                   text->layers, text->width, text->heads);
      return NULL;
    }
  choose_layers (text, kind, in_folder);
  if (second && !find_projection (text, error))
    return NULL;
  return g_steal_pointer (&text);
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

guint
sd_text_projected (const SdText *text)
{
  return text->projected;
}

void
sd_text_fill (const SdText *text, const guint *tokens, guint n, guint *ids)
{
  guint used = MIN (n, SD_TEXT_TOKENS - 2);
  ids[0] = SD_TOKEN_BEGIN;
  for (guint i = 0; i < used; i++)
    ids[1 + i] = tokens[i];
  ids[1 + used] = TOKEN_END;
  for (guint i = 2 + used; i < SD_TEXT_TOKENS; i++)
    ids[i] = text->pad;
}

guint
sd_text_end (const guint *ids)
{
  for (guint i = 0; i < SD_TEXT_TOKENS; i++)
    if (ids[i] == TOKEN_END)
      return i;
  return SD_TEXT_TOKENS - 1;
}

guint
sd_text_layers (const SdText *text, guint clip_skip, SdGrammar grammar)
{
  guint all = text->layers + text->cut;

  if (clip_skip == 0 || (grammar != SD_GRAMMAR_COMFYUI && text->kind != SD_TEXT_1))
    return text->used;
  return clip_skip <= all ? MIN (all + 1 - clip_skip, text->layers) : 0;
}

gboolean
sd_text_embed (SdText *text, const SdTextRow *places, float *dst, GError **error)
{
  const guint *ids = places->ids;
  g_autofree float *position = g_new (float, text->width);
  g_autofree char *tokens = g_strconcat (text->root, TOKENS, NULL);
  g_autofree char *positions = g_strconcat (text->root, POSITIONS, NULL);
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
      if (places->vectors[i] != NULL)
        memcpy (row, places->vectors[i], sizeof (float) * text->width);
      else if (!sd_weights_read_row (text->weights, tokens, ids[i], row, error))
        return FALSE;
      if (!sd_weights_read_row (text->weights, positions, i, position, error))
        return FALSE;
      for (guint c = 0; c < text->width; c++)
        row[c] += position[c];
    }
  return TRUE;
}

gboolean
sd_text_project (SdText *text, const float *state, guint n, float *dst, GError **error)
{
  gboolean open = find (text->weights, text->root, PROJECTION) != NULL;
  g_autofree char *name
      = g_strconcat (text->root, open ? PROJECTION : PROJECTION ".weight", NULL);
  guint rows = open ? text->width : text->projected;
  guint columns = open ? text->projected : text->width;
  g_autofree float *row = g_new (float, columns);
  g_autofree double *sums = g_new0 (double, (gsize) n * text->projected);

  for (guint r = 0; r < rows; r++)
    {
      if (!sd_weights_read_row (text->weights, name, r, row, error))
        return FALSE;
      for (guint i = 0; i < n; i++)
        for (guint c = 0; c < columns; c++)
          sums[i * text->projected + (open ? c : r)]
              += (double) row[c] * state[i * text->width + (open ? r : c)];
    }
  for (gsize i = 0; i < (gsize) n * text->projected; i++)
    dst[i] = (float) sums[i];
  return TRUE;
}

static NnTensor *
build_layer (SdBuilder *b, const SdText *text, NnTensor *x, const char *layer)
{
  static const char *const qkv[]
      = { "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", NULL };
  NnTensor *h = sd_build_layer_norm (b, x, layer, "layer_norm1");
  g_autofree char *fused = g_strconcat (text->root, layer, ".self_attn.in_proj", NULL);
  if (sd_weights_has (text->weights, fused, "weight"))
    h = sd_build_linear (b, (NnLinear){ .x = h }, layer, "self_attn.in_proj");
  else
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
  h = sd_build_linear (b, (NnLinear){ .x = h, .act = text->act }, layer, "mlp.fc1");
  return sd_build_linear (b, (NnLinear){ .x = h, .residual = x }, layer, "mlp.fc2");
}

NnProgram *
sd_text_build (SdText *text,
               guint used,
               NnState *in,
               NnState *out,
               NnState *last,
               gboolean profile,
               GError **error)
{
  SdBuilder b;
  guint layers = last != NULL ? text->layers : used;
  sd_builder_init (&b, text->weights, text->root, "text");
  NnTensor *x = nn_load (b.graph, in), *taken = x;
  for (guint i = 0; i < layers; i++)
    {
      g_autofree char *layer = g_strdup_printf ("encoder.layers.%u", i);
      x = build_layer (&b, text, x, layer);
      if (i + 1 == used)
        taken = x;
    }
  if (text->norm)
    taken = sd_build_layer_norm (&b, taken, "final_layer_norm", NULL);
  if (b.fault == NULL)
    nn_store (b.graph, taken, out);
  if (last != NULL)
    x = sd_build_layer_norm (&b, x, "final_layer_norm", NULL);
  if (last != NULL && b.fault == NULL)
    nn_store (b.graph, x, last);
  return sd_builder_finish (&b, profile, error);
}
