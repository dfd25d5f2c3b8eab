/* sd-net-private.h: the networks of Stable Diffusion as graphs: weights by name, and
 * three builders
 *
 * A network is discovered once from the names and shapes of the file (sd_*_new) and then
 * built for any size (sd_*_build). Nothing here runs anything: sd-engine.c does.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"
#include "sd/sd-lora-private.h"
#include "sd/sd-names.h"

#define SD_TEXT_TOKENS 77

/* ---- weights by name ---- */

/* Every weight that a graph asked for, made once per context. Names are those of an LDM
 * single file, whatever the model's own are. */
typedef struct _SdWeights SdWeights;

SdWeights *sd_weights_new (NnContext *context, SdNames *names);
void sd_weights_free (SdWeights *weights);
/** sd_weights_set_context: forgets what the former context has; no program of it may be
 * left */
void sd_weights_set_context (SdWeights *weights, NnContext *context);
/** sd_weights_set_loras: what makes others of weights when they are read */
void sd_weights_set_loras (SdWeights *weights, SdLoras *loras);
/** sd_weights_change: weights of which a name is in @changed are to be read again */
void sd_weights_change (SdWeights *weights, GHashTable *changed);
/** sd_weights_remove: forgets those whose names begin with @root; no program may use them
 */
void sd_weights_remove (SdWeights *weights, const char *root);
/** sd_weights_find: (nullable): the tensor @prefix.@name (@name NULL: @prefix alone) */
const StTensor *
sd_weights_find (SdWeights *weights, const char *prefix, const char *name);
gboolean sd_weights_has (SdWeights *weights, const char *prefix, const char *name);
/** sd_weights_read_row: a row of a matrix as floats, for tables that stay in the file */
gboolean sd_weights_read_row (
    SdWeights *weights, const char *name, guint64 row, float *dst, GError **error);

/* ---- building ---- */

/* A graph being built. The first missing or misshapen weight is kept in @fault and every
 * later call gives back its input, so that builders read as the network's formula. */
typedef struct
{
  NnGraph *graph;
  SdWeights *weights;
  const char *root; /* in front of every name, with its dot; not in labels */
  GError *fault;
} SdBuilder;

void sd_builder_init (SdBuilder *builder,
                      SdWeights *weights,
                      const char *root,
                      const char *graph_name);
/** sd_builder_finish: the program; clears the builder */
NnProgram *sd_builder_finish (SdBuilder *builder, gboolean profile, GError **error);

/* Names are @prefix.@name + ".weight" and ".bias" (where there is one); @name may be
 * NULL. */
NnTensor *
sd_build_linear (SdBuilder *builder, NnLinear p, const char *prefix, const char *name);
/** sd_build_stacked: up to three matrices over the same input, stacked along their
 * outputs */
NnTensor *sd_build_stacked (SdBuilder *builder,
                            NnTensor *x,
                            const char *prefix,
                            const char *const *names);
NnTensor *
sd_build_conv3 (SdBuilder *builder, NnConv3 p, const char *prefix, const char *name);
NnTensor *sd_build_group_norm (SdBuilder *builder,
                               NnTensor *x,
                               NnTensor *x2,
                               float eps,
                               gboolean silu,
                               const char *prefix,
                               const char *name);
NnTensor *sd_build_layer_norm (SdBuilder *builder,
                               NnTensor *x,
                               const char *prefix,
                               const char *name);

/* ---- text encoders ---- */

typedef struct _SdText SdText;

typedef enum
{
  SD_TEXT_1,
  SD_TEXT_2,
  SD_TEXT_XL_FIRST,
  SD_TEXT_XL_SECOND
} SdTextKind;

#define SD_TOKEN_BEGIN 49406

/* The 77 places of one pass of a text encoder. */
typedef struct
{
  guint ids[SD_TEXT_TOKENS];
  const float *vectors[SD_TEXT_TOKENS]; /* (nullable): [width], instead of the token's */
} SdTextRow;

/** sd_text_new: @in_folder: spelled as in a diffusers folder */
SdText *
sd_text_new (SdWeights *weights, SdTextKind kind, gboolean in_folder, GError **error);
void sd_text_free (SdText *text);
guint sd_text_width (const SdText *text);
/** sd_text_projected: width of the vector for the whole text; 0: the kind has none */
guint sd_text_projected (const SdText *text);
/** sd_text_fill: begin, up to 75 of @tokens, end, and what this encoder is filled up with
 * → 77 @ids */
void sd_text_fill (const SdText *text, const guint *tokens, guint n, guint *ids);
/** sd_text_end: the place of the end in 77 @ids */
guint sd_text_end (const guint *ids);
/** sd_text_embed: token + position rows of 77 places → [77][width] */
gboolean sd_text_embed (SdText *text, const SdTextRow *row, float *dst, GError **error);
/**
 * sd_text_layers: how many layers are run before the vectors are taken
 * @clip_skip: counted from the last layer, which is 1; 0: as the model wishes. In A1111's
 * grammar only encoders of 1.x heed it, as there; in ComfyUI's all do
 *
 * Returns: 0 where there are not so many layers
 */
guint sd_text_layers (const SdText *text, guint clip_skip, SdGrammar grammar);
/** sd_text_project: @state: [n][width], last states at the end → @dst: [n][projected] */
gboolean
sd_text_project (SdText *text, const float *state, guint n, float *dst, GError **error);
/** sd_text_build: @layers: of sd_text_layers; @in and @out: [n][1][77][width]; @last:
 * (nullable): likewise: the last block's, normed */
NnProgram *sd_text_build (SdText *text,
                          guint layers,
                          NnState *in,
                          NnState *out,
                          NnState *last,
                          gboolean profile,
                          GError **error);

/* ---- UNet ---- */

typedef struct _SdUnet SdUnet;

/** sd_unet_new: @config: (nullable): text of unet/config.json */
SdUnet *sd_unet_new (SdWeights *weights, const char *config, GError **error);
void sd_unet_free (SdUnet *unet);
/** sd_unet_in_channels: 4; 9: in-painting; 8: instructions */
guint sd_unet_in_channels (const SdUnet *unet);
guint sd_unet_context_width (const SdUnet *unet);
guint sd_unet_n_cross (const SdUnet *unet);
guint sd_unet_cross_width (const SdUnet *unet, guint index);
guint sd_unet_n_emb (const SdUnet *unet);
/** sd_unet_emb_width: channels of the residual block's time embedding */
guint sd_unet_emb_width (const SdUnet *unet, guint index);
guint sd_unet_emb_offset (const SdUnet *unet,
                          guint index); /* in the row of all of them */
guint sd_unet_emb_total (const SdUnet *unet);
/** sd_unet_label_width: of what is told beside the time (XL); 0: nothing */
guint sd_unet_label_width (const SdUnet *unet);
/** sd_unet_build_time: @t: [n][1][1][1]; @label: (nullable): [n][1][1][label_width];
 * @embs[i]: [n][1][1][emb_width (i)] */
NnProgram *sd_unet_build_time (SdUnet *unet,
                               NnState *t,
                               NnState *label,
                               NnState *const *embs,
                               gboolean profile,
                               GError **error);
/** sd_unet_build_context: @context: [n][1][77][C]; @kvs[i]: [n][1][77][2·cross_width
 * (i)], keys first */
NnProgram *sd_unet_build_context (SdUnet *unet,
                                  NnState *context,
                                  NnState *const *kvs,
                                  gboolean profile,
                                  GError **error);
/** sd_unet_build: @x: [n][h][w][in_channels]; @out: [n][h][w][4]; @emb: [1 or
 * n][1][1][emb_total] */
NnProgram *sd_unet_build (SdUnet *unet,
                          NnState *x,
                          NnState *emb,
                          NnState *const *kvs,
                          NnState *out,
                          gboolean profile,
                          GError **error);

/* ---- VAE ---- */

typedef struct _SdVae SdVae;

SdVae *sd_vae_new (SdWeights *weights, GError **error);
void sd_vae_free (SdVae *vae);
gboolean sd_vae_has_encoder (const SdVae *vae);
/** sd_vae_set_exact: for programs made from now on: activations in 32 bits, whatever the
 * context's are */
void sd_vae_set_exact (SdVae *vae, gboolean exact);
/** sd_vae_build_decoder: @z: [1][h][w][4], divided by the latent scale; @rgb:
 * [1][8h][8w][3] */
NnProgram *sd_vae_build_decoder (
    SdVae *vae, NnState *z, NnState *rgb, gboolean profile, GError **error);
/** sd_vae_build_encoder: @rgb: [1][8h][8w][3] in [-1, 1]; @moments: [1][h][w][8], mean
 * then log variance */
NnProgram *sd_vae_build_encoder (
    SdVae *vae, NnState *rgb, NnState *moments, gboolean profile, GError **error);

/* ---- TAESD ---- */

/** sd_taesd_is_there: whether a tiny decoder was given or found */
gboolean sd_taesd_is_there (SdWeights *weights);
/** sd_taesd_build: @z: [1][h][w][4], after 3·tanh (x / 3); @rgb: [1][8h][8w][3] in [0, 1]
 */
NnProgram *sd_taesd_build (
    SdWeights *weights, NnState *z, NnState *rgb, gboolean profile, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdWeights, sd_weights_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdText, sd_text_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdUnet, sd_unet_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdVae, sd_vae_free)
