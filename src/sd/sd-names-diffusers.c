/* sd-names-diffusers.c: from the names of a diffusers folder to those of a single file
 *
 * diffusers counts blocks within a level; a single file counts them through all levels.
 * How many a level has is read from the names themselves, so that any depth fits:
 *
 *     unet/down_blocks.I.resnets.J       input_blocks.(1 + blocks before + J).0
 *     unet/up_blocks.I.attentions.J      output_blocks.(blocks before + J).1
 *     vae/decoder.up_blocks.I.resnets.J  decoder.up.(levels - 1 - I).block.J
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-names-private.h"

#include <string.h>

#define MAX_LEVELS 16
#define MAX_BLOCKS 64

/* One side of a network, down or up: what each level has. */
typedef struct
{
  guint n_levels;
  guint blocks[MAX_LEVELS];
  gboolean attention[MAX_LEVELS], resampler[MAX_LEVELS];
} Side;

struct _SdNamesDiffusers
{
  const char *unet, *vae; /* in front of the part's names; NULL: not there */
  Side unet_down, unet_up, vae_up;
};

static const SdRename unet_plain[] = {
  { "conv_in.", "input_blocks.0.0." },
  { "conv_norm_out.", "out.0." },
  { "conv_out.", "out.2." },
  { "time_embedding.linear_1.", "time_embed.0." },
  { "time_embedding.linear_2.", "time_embed.2." },
  { "add_embedding.linear_1.", "label_emb.0.0." },
  { "add_embedding.linear_2.", "label_emb.0.2." },
  { NULL, NULL },
};

static const SdRename unet_resnet[] = {
  { "norm1.", "in_layers.0." },
  { "conv1.", "in_layers.2." },
  { "time_emb_proj.", "emb_layers.1." },
  { "norm2.", "out_layers.0." },
  { "conv2.", "out_layers.3." },
  { "conv_shortcut.", "skip_connection." },
  { NULL, NULL },
};

static const SdRename vae_resnet[] = {
  { "conv_shortcut.", "nin_shortcut." },
  { NULL, NULL },
};

/* Two generations of diffusers' spelling. */
static const SdRename vae_attention[] = {
  { "group_norm.", "norm." },
  { "to_q.", "q." },
  { "to_k.", "k." },
  { "to_v.", "v." },
  { "to_out.0.", "proj_out." },
  { "query.", "q." },
  { "key.", "k." },
  { "value.", "v." },
  { "proj_attn.", "proj_out." },
  { NULL, NULL },
};

static char *
rename_start (const char *name, const SdRename *table)
{
  char *renamed = sd_names_rename_start (name, table);

  return renamed != NULL ? renamed : g_strdup (name);
}

/* "down_blocks.1.resnets.0.norm1.weight" in its parts. */
typedef struct
{
  const char *side; /* "down_blocks" … */
  guint level;
  const char *kind; /* "resnets" … */
  guint block;
  const char *leaf; /* "norm1.weight" */
} Place;

static gboolean
parse_number (const char *text, guint limit, guint *number)
{
  guint64 value;
  if (!g_ascii_string_to_unsigned (text, 10, 0, limit - 1, &value, NULL))
    return FALSE;
  *number = (guint) value;
  return TRUE;
}

/* @parts: split at dots into at most five */
static gboolean
parse_place (char **parts, Place *place)
{
  if (g_strv_length (parts) != 5)
    return FALSE;
  *place = (Place){ .side = parts[0], .kind = parts[2], .leaf = parts[4] };
  return parse_number (parts[1], MAX_LEVELS, &place->level)
         && parse_number (parts[3], MAX_BLOCKS, &place->block);
}

static void
count_place (Side *side, const Place *place)
{
  side->n_levels = MAX (side->n_levels, place->level + 1);
  if (strcmp (place->kind, "resnets") == 0)
    side->blocks[place->level] = MAX (side->blocks[place->level], place->block + 1);
  else if (strcmp (place->kind, "attentions") == 0)
    side->attention[place->level] = TRUE;
  else
    side->resampler[place->level] = TRUE;
}

/* (nullable): @name without @prefix */
static const char *
after (const char *name, const char *prefix)
{
  if (prefix == NULL || !g_str_has_prefix (name, prefix))
    return NULL;
  return name + strlen (prefix);
}

SdNamesDiffusers *
sd_names_diffusers_new (StModel *model, const char *unet, const char *vae)
{
  SdNamesDiffusers *map = g_new0 (SdNamesDiffusers, 1);
  map->unet = unet;
  map->vae = vae;
  g_autofree char *decoder = vae != NULL ? g_strconcat (vae, "decoder.", NULL) : NULL;
  for (guint i = 0; i < st_model_n_tensors (model); i++)
    {
      const char *full = st_model_tensor (model, i)->name;
      const char *in_vae = after (full, decoder), *in_unet = after (full, unet);
      const char *name = in_vae != NULL ? in_vae : in_unet;
      if (name == NULL)
        continue;
      g_auto (GStrv) parts = g_strsplit (name, ".", 5);
      Place place;
      if (!parse_place (parts, &place))
        continue;
      if (strcmp (place.side, "down_blocks") == 0 && in_vae == NULL)
        count_place (&map->unet_down, &place);
      else if (strcmp (place.side, "up_blocks") == 0)
        count_place (in_vae != NULL ? &map->vae_up : &map->unet_up, &place);
    }
  return map;
}

void
sd_names_diffusers_free (SdNamesDiffusers *map)
{
  g_free (map);
}

/* input_blocks: 0 is conv_in, and each level's downsampler is a block of its own. */
static char *
unet_down_name (const Side *side, const Place *place, const char *leaf)
{
  guint first = 1;
  for (guint i = 0; i < place->level; i++)
    first += side->blocks[i] + (side->resampler[i] ? 1 : 0);
  if (strcmp (place->kind, "downsamplers") == 0)
    return g_strdup_printf ("input_blocks.%u.0.op.%s", first + side->blocks[place->level],
                            leaf + strlen ("conv."));
  return g_strdup_printf ("input_blocks.%u.%u.%s", first + place->block,
                          strcmp (place->kind, "attentions") == 0 ? 1 : 0, leaf);
}

/* output_blocks: an upsampler is the last part of the level's last block. */
static char *
unet_up_name (const Side *side, const Place *place, const char *leaf)
{
  guint first = 0;
  for (guint i = 0; i < place->level; i++)
    first += side->blocks[i];
  if (strcmp (place->kind, "upsamplers") == 0)
    return g_strdup_printf ("output_blocks.%u.%u.%s",
                            first + side->blocks[place->level] - 1,
                            side->attention[place->level] ? 2 : 1, leaf);
  return g_strdup_printf ("output_blocks.%u.%u.%s", first + place->block,
                          strcmp (place->kind, "attentions") == 0 ? 1 : 0, leaf);
}

static gboolean
known_kind (const char *kind, const char *leaf)
{
  if (strcmp (kind, "downsamplers") == 0 || strcmp (kind, "upsamplers") == 0)
    return g_str_has_prefix (leaf, "conv.");
  return strcmp (kind, "resnets") == 0 || strcmp (kind, "attentions") == 0;
}

static char *
unet_name (const SdNamesDiffusers *map, const char *name)
{
  g_auto (GStrv) middle = g_strsplit (name, ".", 4);
  guint n;
  if (g_strv_length (middle) == 4 && strcmp (middle[0], "mid_block") == 0
      && parse_number (middle[2], MAX_BLOCKS, &n))
    {
      gboolean resnet = strcmp (middle[1], "resnets") == 0;
      g_autofree char *leaf
          = resnet ? rename_start (middle[3], unet_resnet) : g_strdup (middle[3]);
      return g_strdup_printf ("middle_block.%u.%s", 2 * n + (resnet ? 0 : 1), leaf);
    }
  g_auto (GStrv) parts = g_strsplit (name, ".", 5);
  Place place;
  if (!parse_place (parts, &place) || !known_kind (place.kind, place.leaf))
    return rename_start (name, unet_plain);
  gboolean resnet = strcmp (place.kind, "resnets") == 0;
  g_autofree char *leaf
      = resnet ? rename_start (place.leaf, unet_resnet) : g_strdup (place.leaf);
  if (strcmp (place.side, "down_blocks") == 0)
    return unet_down_name (&map->unet_down, &place, leaf);
  if (strcmp (place.side, "up_blocks") == 0)
    return unet_up_name (&map->unet_up, &place, leaf);
  return g_strdup (name);
}

/* @name: without "encoder." or "decoder." */
static char *
vae_half_name (const SdNamesDiffusers *map, const char *name)
{
  g_auto (GStrv) middle = g_strsplit (name, ".", 4);
  guint n;
  if (g_strv_length (middle) == 4 && strcmp (middle[0], "mid_block") == 0
      && parse_number (middle[2], MAX_BLOCKS, &n))
    {
      gboolean resnet = strcmp (middle[1], "resnets") == 0;
      g_autofree char *leaf
          = rename_start (middle[3], resnet ? vae_resnet : vae_attention);
      return g_strdup_printf ("mid.%s_%u.%s", resnet ? "block" : "attn", n + 1, leaf);
    }
  g_auto (GStrv) parts = g_strsplit (name, ".", 5);
  Place place;
  if (g_str_has_prefix (name, "conv_norm_out."))
    return g_strconcat ("norm_out.", name + strlen ("conv_norm_out."), NULL);
  if (!parse_place (parts, &place) || !known_kind (place.kind, place.leaf))
    return g_strdup (name);
  gboolean up = strcmp (place.side, "up_blocks") == 0;
  guint level = up ? map->vae_up.n_levels - 1 - place.level : place.level;
  if (strcmp (place.kind, "resnets") == 0)
    {
      g_autofree char *leaf = rename_start (place.leaf, vae_resnet);
      return g_strdup_printf ("%s.%u.block.%u.%s", up ? "up" : "down", level, place.block,
                              leaf);
    }
  return g_strdup_printf ("%s.%u.%s.%s", up ? "up" : "down", level,
                          up ? "upsample" : "downsample", place.leaf);
}

static char *
vae_name (const SdNamesDiffusers *map, const char *name)
{
  static const char *const halves[] = { "encoder.", "decoder." };
  for (guint i = 0; i < G_N_ELEMENTS (halves); i++)
    if (g_str_has_prefix (name, halves[i]))
      {
        g_autofree char *rest = vae_half_name (map, name + strlen (halves[i]));
        return g_strconcat (halves[i], rest, NULL);
      }
  return g_strdup (name);
}

char *
sd_names_diffusers_translate (const SdNamesDiffusers *map, const char *name)
{
  const char *in_unet = after (name, map->unet), *in_vae = after (name, map->vae);
  if (in_unet != NULL)
    {
      g_autofree char *rest = unet_name (map, in_unet);
      return g_strconcat (SD_NAMES_UNET, rest, NULL);
    }
  if (in_vae != NULL)
    {
      g_autofree char *rest = vae_name (map, in_vae);
      return g_strconcat (SD_NAMES_VAE, rest, NULL);
    }
  return NULL;
}
