/* sd-unet-build.c: the UNet's three graphs: times, context, and the pass itself
 *
 * What does not change from step to step is not computed in the pass: the projections of
 * the time embedding are made for many steps at once, the keys and values of the cross
 * attentions once per prompt.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-unet-private.h"

#define UNET SD_NAMES_UNET

NnProgram *
sd_unet_build_time (SdUnet *unet,
                    NnState *t,
                    NnState *label,
                    NnState *const *embs,
                    gboolean profile,
                    GError **error)
{
  SdBuilder b;
  sd_builder_init (&b, unet->weights, UNET, "time");
  NnTensor *x = nn_time_embed (b.graph, nn_load (b.graph, t), unet->channels, "sinusoid");
  x = sd_build_linear (&b, (NnLinear){ .x = x, .act = NN_ACT_SILU }, "time_embed", "0");
  /* Every block applies SiLU to the embedding before its own projection: done once here.
   */
  if (label == NULL)
    x = sd_build_linear (&b, (NnLinear){ .x = x, .act = NN_ACT_SILU }, "time_embed", "2");
  else
    {
      NnLinear first = { .x = nn_load (b.graph, label), .act = NN_ACT_SILU };
      x = sd_build_linear (&b, (NnLinear){ .x = x }, "time_embed", "2");
      NnTensor *y = sd_build_linear (&b, first, "label_emb.0.0", NULL);
      x = sd_build_linear (&b, (NnLinear){ .x = y, .residual = x }, "label_emb.0.2",
                           NULL);
      if (b.fault == NULL)
        x = nn_act (b.graph, x, NN_ACT_SILU, "time and label");
    }
  for (guint i = 0; i < unet->embs->len; i++)
    {
      const SdUnetEmb *emb = &g_array_index (unet->embs, SdUnetEmb, i);
      NnTensor *y = sd_build_linear (&b, (NnLinear){ .x = x }, emb->name, NULL);
      if (b.fault == NULL)
        nn_store (b.graph, y, embs[i]);
    }
  return sd_builder_finish (&b, profile, error);
}

NnProgram *
sd_unet_build_context (
    SdUnet *unet, NnState *context, NnState *const *kvs, gboolean profile, GError **error)
{
  static const char *const names[] = { "to_k", "to_v", NULL };
  SdBuilder b;
  sd_builder_init (&b, unet->weights, UNET, "context");
  NnTensor *x = nn_load (b.graph, context);
  for (guint i = 0; i < unet->crosses->len; i++)
    {
      const SdUnetCross *cross = &g_array_index (unet->crosses, SdUnetCross, i);
      NnTensor *y = sd_build_stacked (&b, x, cross->name, names);
      if (b.fault == NULL)
        nn_store (b.graph, y, kvs[i]);
    }
  return sd_builder_finish (&b, profile, error);
}

/* ---- the pass ---- */

typedef struct
{
  SdBuilder b;
  const SdUnet *unet;
  NnTensor *emb;
  NnState *const *kvs;
  GPtrArray *skips;
} Pass;

/* GroupNorm–SiLU–conv twice, the time added between; the concat with a skip is never
 * stored: both of its readers take two sources. He et al. 2016. */
static NnTensor *
build_res (Pass *pass, const SdUnetPart *part, NnTensor *x, NnTensor *skip)
{
  SdBuilder *b = &pass->b;
  const SdUnetEmb *emb = &g_array_index (pass->unet->embs, SdUnetEmb, part->emb);
  g_autofree char *projection
      = g_strconcat (UNET, part->name, ".skip_connection.weight", NULL);

  NnTensor *h = sd_build_group_norm (b, x, skip, 1e-5f, TRUE, part->name, "in_layers.0");
  h = sd_build_conv3 (
      b, (NnConv3){ .x = h, .channel_add = pass->emb, .channel_add_offset = emb->offset },
      part->name, "in_layers.2");
  h = sd_build_group_norm (b, h, NULL, 1e-5f, TRUE, part->name, "out_layers.0");
  NnTensor *shortcut = x;
  if (skip != NULL || sd_weights_has (pass->unet->weights, projection, NULL))
    shortcut = sd_build_linear (b, (NnLinear){ .x = x, .x2 = skip }, part->name,
                                "skip_connection");
  return sd_build_conv3 (b, (NnConv3){ .x = h, .residual = shortcut }, part->name,
                         "out_layers.3");
}

/* Self attention, cross attention, gated feed-forward. Vaswani et al. 2017; Shazeer 2020
 */
static NnTensor *
build_transformer_block (
    Pass *pass, const SdUnetPart *part, guint index, NnTensor *x, const char *name)
{
  static const char *const qkv[] = { "attn1.to_q", "attn1.to_k", "attn1.to_v", NULL };
  SdBuilder *b = &pass->b;
  const SdUnetCross *cross
      = &g_array_index (pass->unet->crosses, SdUnetCross, part->cross + index);
  guint width = cross->width;
  NnAttention attention = { .heads = part->heads, .head_dim = width / part->heads };

  NnTensor *h = sd_build_layer_norm (b, x, name, "norm1");
  h = sd_build_stacked (b, h, name, qkv);
  if (b->fault != NULL)
    return x;
  attention.q = attention.k = attention.v = h;
  attention.k_offset = width;
  attention.v_offset = 2 * width;
  g_autofree char *self_label = g_strconcat (name, ".attn1", NULL);
  h = nn_attention (b->graph, &attention, self_label);
  x = sd_build_linear (b, (NnLinear){ .x = h, .residual = x }, name, "attn1.to_out.0");

  h = sd_build_layer_norm (b, x, name, "norm2");
  h = sd_build_linear (b, (NnLinear){ .x = h }, name, "attn2.to_q");
  if (b->fault != NULL)
    return x;
  attention.q = h;
  attention.k = attention.v = nn_load (b->graph, pass->kvs[part->cross + index]);
  attention.k_offset = 0;
  attention.v_offset = width;
  h = nn_attention (b->graph, &attention, cross->name);
  x = sd_build_linear (b, (NnLinear){ .x = h, .residual = x }, name, "attn2.to_out.0");

  h = sd_build_layer_norm (b, x, name, "norm3");
  h = sd_build_linear (b, (NnLinear){ .x = h, .act = NN_ACT_GEGLU }, name,
                       "ff.net.0.proj");
  return sd_build_linear (b, (NnLinear){ .x = h, .residual = x }, name, "ff.net.2");
}

static NnTensor *
build_transformer (Pass *pass, const SdUnetPart *part, NnTensor *x)
{
  SdBuilder *b = &pass->b;
  NnTensor *h = sd_build_group_norm (b, x, NULL, 1e-6f, FALSE, part->name, "norm");
  h = sd_build_linear (b, (NnLinear){ .x = h }, part->name, "proj_in");
  for (guint i = 0; i < part->depth; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s.transformer_blocks.%u", part->name, i);
      h = build_transformer_block (pass, part, i, h, name);
    }
  return sd_build_linear (b, (NnLinear){ .x = h, .residual = x }, part->name, "proj_out");
}

/* To the size of the skip that comes next: twice, or one less at an odd size. */
static NnTensor *
build_up (Pass *pass, const SdUnetPart *part, NnTensor *x)
{
  guint h = 2 * nn_tensor_h (x), w = 2 * nn_tensor_w (x);
  if (pass->skips->len > 0)
    {
      NnTensor *next = pass->skips->pdata[pass->skips->len - 1];
      h = nn_tensor_h (next);
      w = nn_tensor_w (next);
    }
  return sd_build_conv3 (&pass->b, (NnConv3){ .x = x, .up_h = h, .up_w = w }, part->name,
                         "conv");
}

static NnTensor *
build_part (Pass *pass, const SdUnetPart *part, NnTensor *x, NnTensor **skip)
{
  NnTensor *second = g_steal_pointer (skip);
  switch (part->kind)
    {
    case SD_UNET_CONV_IN:
      return sd_build_conv3 (&pass->b, (NnConv3){ .x = x }, part->name, NULL);
    case SD_UNET_RES:
      return build_res (pass, part, x, second);
    case SD_UNET_TRANSFORMER:
      return build_transformer (pass, part, x);
    case SD_UNET_DOWN:
      return sd_build_conv3 (&pass->b, (NnConv3){ .x = x, .stride = 2 }, part->name,
                             NULL);
    case SD_UNET_UP:
      return build_up (pass, part, x);
    case SD_UNET_PUSH:
      g_ptr_array_add (pass->skips, x);
      return x;
    case SD_UNET_POP:
      *skip = g_ptr_array_steal_index (pass->skips, pass->skips->len - 1);
      return x;
    }
  return x;
}

NnProgram *
sd_unet_build (SdUnet *unet,
               NnState *x,
               NnState *emb,
               NnState *const *kvs,
               NnState *out,
               gboolean profile,
               GError **error)
{
  g_autoptr (GPtrArray) skips = g_ptr_array_new ();
  Pass pass = { .unet = unet, .kvs = kvs, .skips = skips };
  SdBuilder *b = &pass.b;
  NnTensor *skip = NULL;

  sd_builder_init (b, unet->weights, UNET, "unet");
  pass.emb = nn_load (b->graph, emb);
  NnTensor *h = nn_load (b->graph, x);
  for (guint i = 0; i < unet->parts->len && b->fault == NULL; i++)
    h = build_part (&pass, &g_array_index (unet->parts, SdUnetPart, i), h, &skip);
  h = sd_build_group_norm (b, h, NULL, 1e-5f, TRUE, "out", "0");
  h = sd_build_conv3 (b, (NnConv3){ .x = h }, "out", "2");
  if (b->fault == NULL)
    nn_store (b->graph, h, out);
  return sd_builder_finish (b, profile, error);
}
