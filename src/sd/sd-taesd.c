/* sd-taesd.c: the tiny autoencoder's decoder: previews that cost little
 *
 * Bohan 2023 (TAESD): 64 channels at every level, no norms. The file numbers its layers:
 *
 *     1 convolution, ReLU; then blocks of three convolutions with a way around, and
 *     convolutions without bias, each behind a doubling; last a convolution to 3 channels
 *
 * Latents go through 3·tanh (x / 3) first, on the host; what comes out is in [0, 1].
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-net-private.h"

#include <glib/gi18n-lib.h>

#define MAX_LAYERS 64
#define ROOT SD_NAMES_TAESD

static gboolean
has (SdWeights *weights, guint layer, const char *name)
{
  g_autofree char *full = g_strdup_printf (ROOT "%u.%s", layer, name);
  return sd_weights_has (weights, full, NULL);
}

gboolean
sd_taesd_is_there (SdWeights *weights)
{
  return has (weights, 1, "weight");
}

static NnTensor *
build_block (SdBuilder *b, SdWeights *weights, NnTensor *x, guint layer)
{
  static const char *const names[] = { "conv.0", "conv.2", "conv.4" };
  g_autofree char *name = g_strdup_printf ("%u", layer);
  NnTensor *h = x;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    h = sd_build_conv3 (b,
                        (NnConv3){ .x = h,
                                   .act = i < 2 ? NN_ACT_RELU : NN_ACT_NONE,
                                   .residual = i == 2 ? x : NULL },
                        name, names[i]);
  return b->fault != NULL ? x : nn_act (b->graph, h, NN_ACT_RELU, name);
}

static NnTensor *
build_conv (SdBuilder *b, SdWeights *weights, NnTensor *x, guint layer)
{
  g_autofree char *name = g_strdup_printf ("%u", layer);
  NnConv3 p = { .x = x, .act = layer == 1 ? NN_ACT_RELU : NN_ACT_NONE };
  if (!has (weights, layer, "bias"))
    {
      p.up_h = 2 * nn_tensor_h (x);
      p.up_w = 2 * nn_tensor_w (x);
    }
  return sd_build_conv3 (b, p, name, NULL);
}

NnProgram *
sd_taesd_build (
    SdWeights *weights, NnState *z, NnState *rgb, gboolean profile, GError **error)
{
  SdBuilder b;
  sd_builder_init (&b, weights, ROOT, "taesd");
  NnTensor *x = nn_load (b.graph, z);
  for (guint layer = 1; layer < MAX_LAYERS && b.fault == NULL; layer++)
    if (has (weights, layer, "conv.0.weight"))
      x = build_block (&b, weights, x, layer);
    else if (has (weights, layer, "weight"))
      x = build_conv (&b, weights, x, layer);
  if (b.fault == NULL)
    nn_store (b.graph, x, rgb);
  return sd_builder_finish (&b, profile, error);
}
