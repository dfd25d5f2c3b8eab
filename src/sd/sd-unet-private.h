/* sd-unet-private.h: a UNet as the list of its parts
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd-net-private.h"

typedef enum
{
  SD_UNET_CONV_IN,
  SD_UNET_RES,
  SD_UNET_TRANSFORMER,
  SD_UNET_DOWN,
  SD_UNET_UP,
  SD_UNET_PUSH, /* keeps the current tensor as a skip */
  SD_UNET_POP,  /* takes the latest skip as the next part's second source */
} SdUnetKind;

/* One part, in the order of execution. */
typedef struct
{
  SdUnetKind kind;
  char *name;  /* without the root; NULL for push and pop */
  guint emb;   /* residual blocks: index of the time embedding */
  guint cross; /* transformers: index of the first cross attention */
  guint depth; /* transformers: blocks */
  guint heads; /* transformers */
} SdUnetPart;

typedef struct
{
  char *name; /* of the block's `emb_layers.1`, without the root */
  guint width, offset;
} SdUnetEmb;

typedef struct
{
  char *name; /* of the `attn2`, without the root */
  guint width;
} SdUnetCross;

struct _SdUnet
{
  SdWeights *weights; /* not owned */
  GArray *parts;      /* SdUnetPart */
  GArray *embs;       /* SdUnetEmb */
  GArray *crosses;    /* SdUnetCross */
  guint in_channels;
  guint channels; /* of the first level: width of the time embedding's sinusoid */
  guint emb_total, context_width, label_width;
};
