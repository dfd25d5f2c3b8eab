/* sd-vae.c: between latents and pixels: the decoder and the encoder of the autoencoder
 *
 * Kingma & Welling 2014; the layout of Esser et al. 2021. Levels and blocks are those
 * that the file has. One head in the middle's attention, whatever the width.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-net-private.h"

#include <glib/gi18n-lib.h>

#define VAE SD_NAMES_VAE

struct _SdVae
{
  SdWeights *weights; /* not owned */
  guint up_levels, down_levels;
  gboolean exact;
};

static gboolean
has (const SdVae *vae, const char *name, const char *tail)
{
  g_autofree char *full = g_strconcat (VAE, name, NULL);
  return sd_weights_has (vae->weights, full, tail);
}

static guint
count_levels (const SdVae *vae, const char *half)
{
  for (guint n = 0;; n++)
    {
      g_autofree char *block = g_strdup_printf ("%s.%u.block.0", half, n);
      if (!has (vae, block, "norm1.weight"))
        return n;
    }
}

SdVae *
sd_vae_new (SdWeights *weights, GError **error)
{
  SdVae *vae = g_new0 (SdVae, 1);
  vae->weights = weights;
  vae->up_levels = count_levels (vae, "decoder.up");
  vae->down_levels = count_levels (vae, "encoder.down");
  if (vae->up_levels == 4)
    return vae;
  if (vae->up_levels == 0)
    g_set_error (error, SD_ERROR, SD_ERROR_MISSING_PART,
                 _ ("The VAE is not in the file: “%sdecoder.up.0.block.0.norm1.weight” "
                    "is missing"),
                 VAE);
  else
    g_set_error (
        error, SD_ERROR, SD_ERROR_UNSUPPORTED,
        _ ("The VAE's decoder has %u levels; 4, which make 8×8 pixels of a latent, are "
           "needed"),
        vae->up_levels);
  sd_vae_free (vae);
  return NULL;
}

void
sd_vae_free (SdVae *vae)
{
  g_free (vae);
}

gboolean
sd_vae_has_encoder (const SdVae *vae)
{
  return vae->down_levels == vae->up_levels;
}

void
sd_vae_set_exact (SdVae *vae, gboolean exact)
{
  vae->exact = exact;
}

static NnTensor *
build_res (SdBuilder *b, const SdVae *vae, NnTensor *x, const char *name)
{
  NnTensor *h = sd_build_group_norm (b, x, NULL, 1e-6f, TRUE, name, "norm1");
  h = sd_build_conv3 (b, (NnConv3){ .x = h }, name, "conv1");
  h = sd_build_group_norm (b, h, NULL, 1e-6f, TRUE, name, "norm2");
  NnTensor *shortcut = x;
  if (has (vae, name, "nin_shortcut.weight"))
    shortcut = sd_build_linear (b, (NnLinear){ .x = x }, name, "nin_shortcut");
  return sd_build_conv3 (b, (NnConv3){ .x = h, .residual = shortcut }, name, "conv2");
}

static NnTensor *
build_attention (SdBuilder *b, NnTensor *x, const char *name)
{
  static const char *const qkv[] = { "q", "k", "v", NULL };
  guint width = nn_tensor_c (x);
  NnTensor *h = sd_build_group_norm (b, x, NULL, 1e-6f, FALSE, name, "norm");
  h = sd_build_stacked (b, h, name, qkv);
  if (b->fault != NULL)
    return x;
  NnAttention attention = {
    .q = h,
    .k = h,
    .v = h,
    .k_offset = width,
    .v_offset = 2 * width,
    .heads = 1,
    .head_dim = width,
  };
  h = nn_attention (b->graph, &attention, name);
  return sd_build_linear (b, (NnLinear){ .x = h, .residual = x }, name, "proj_out");
}

static NnTensor *
build_middle (SdBuilder *b, const SdVae *vae, NnTensor *x, const char *half)
{
  g_autofree char *first = g_strconcat (half, ".mid.block_1", NULL);
  g_autofree char *attention = g_strconcat (half, ".mid.attn_1", NULL);
  g_autofree char *second = g_strconcat (half, ".mid.block_2", NULL);
  x = build_res (b, vae, x, first);
  x = build_attention (b, x, attention);
  return build_res (b, vae, x, second);
}

static NnTensor *
build_level (SdBuilder *b, const SdVae *vae, NnTensor *x, const char *level)
{
  for (guint i = 0;; i++)
    {
      g_autofree char *block = g_strdup_printf ("%s.block.%u", level, i);
      if (!has (vae, block, "norm1.weight"))
        return x;
      x = build_res (b, vae, x, block);
    }
}

NnProgram *
sd_vae_build_decoder (
    SdVae *vae, NnState *z, NnState *rgb, gboolean profile, GError **error)
{
  SdBuilder b;
  sd_builder_init (&b, vae->weights, VAE, "decoder");
  nn_graph_set_exact (b.graph, vae->exact);
  NnTensor *x = nn_load (b.graph, z);
  if (has (vae, "post_quant_conv", "weight"))
    x = sd_build_linear (&b, (NnLinear){ .x = x }, "post_quant_conv", NULL);
  x = sd_build_conv3 (&b, (NnConv3){ .x = x }, "decoder", "conv_in");
  x = build_middle (&b, vae, x, "decoder");
  for (guint i = vae->up_levels; i-- > 0;)
    {
      g_autofree char *level = g_strdup_printf ("decoder.up.%u", i);
      x = build_level (&b, vae, x, level);
      if (i > 0)
        {
          NnConv3 up
              = { .x = x, .up_h = 2 * nn_tensor_h (x), .up_w = 2 * nn_tensor_w (x) };
          x = sd_build_conv3 (&b, up, level, "upsample.conv");
        }
    }
  x = sd_build_group_norm (&b, x, NULL, 1e-6f, TRUE, "decoder", "norm_out");
  x = sd_build_conv3 (&b, (NnConv3){ .x = x }, "decoder", "conv_out");
  if (b.fault == NULL)
    nn_store (b.graph, x, rgb);
  return sd_builder_finish (&b, profile, error);
}

NnProgram *
sd_vae_build_encoder (
    SdVae *vae, NnState *rgb, NnState *moments, gboolean profile, GError **error)
{
  SdBuilder b;
  sd_builder_init (&b, vae->weights, VAE, "encoder");
  nn_graph_set_exact (b.graph, vae->exact);
  NnTensor *x = nn_load (b.graph, rgb);
  x = sd_build_conv3 (&b, (NnConv3){ .x = x }, "encoder", "conv_in");
  for (guint i = 0; i < vae->down_levels; i++)
    {
      g_autofree char *level = g_strdup_printf ("encoder.down.%u", i);
      x = build_level (&b, vae, x, level);
      if (i + 1 < vae->down_levels)
        x = sd_build_conv3 (&b, (NnConv3){ .x = x, .stride = 2, .pad_end = TRUE }, level,
                            "downsample.conv");
    }
  x = build_middle (&b, vae, x, "encoder");
  x = sd_build_group_norm (&b, x, NULL, 1e-6f, TRUE, "encoder", "norm_out");
  x = sd_build_conv3 (&b, (NnConv3){ .x = x }, "encoder", "conv_out");
  if (has (vae, "quant_conv", "weight"))
    x = sd_build_linear (&b, (NnLinear){ .x = x }, "quant_conv", NULL);
  if (b.fault == NULL)
    nn_store (b.graph, x, moments);
  return sd_builder_finish (&b, profile, error);
}
