/* sd-names-inverse.c: from a single file's names of a UNet's modules to diffusers'
 *
 * The inverse of sd-names-diffusers.c, for files that name a model's modules and are not
 * the model. Which level a block is of is read from where the samplers stand:
 *
 *     input_blocks.N.0.op       ends a level: down_blocks.I.downsamplers.0.conv
 *     output_blocks.N.1.conv    (or 2) likewise: up_blocks.I.upsamplers.0.conv
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-names-private.h"

#include <string.h>

#define MAX_BLOCKS 256

/* One side: of each block its level and its number there. */
typedef struct
{
  guint n;
  guint8 level[MAX_BLOCKS], number[MAX_BLOCKS];
} Side;

struct _SdNamesDiffusersOf
{
  Side in, out;
};

static const SdRename plain[] = {
  { "input_blocks.0.0", "conv_in" },
  { "out.0", "conv_norm_out" },
  { "out.2", "conv_out" },
  { "time_embed.0", "time_embedding.linear_1" },
  { "time_embed.2", "time_embedding.linear_2" },
  { "label_emb.0.0", "add_embedding.linear_1" },
  { "label_emb.0.2", "add_embedding.linear_2" },
  { NULL, NULL },
};

static const SdRename resnet[] = {
  { "in_layers.0", "norm1" },
  { "in_layers.2", "conv1" },
  { "emb_layers.1", "time_emb_proj" },
  { "out_layers.0", "norm2" },
  { "out_layers.3", "conv2" },
  { "skip_connection", "conv_shortcut" },
  { NULL, NULL },
};

static gboolean G_GNUC_PRINTF (2, 3) has (SdNames *names, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *module = g_strdup_vprintf (format, args);
  va_end (args);
  g_autofree char *name = g_strconcat (SD_NAMES_UNET, module, ".weight", NULL);
  return sd_names_has (names, name);
}

static void
add_block (Side *side, guint *level, guint *number, gboolean last)
{
  side->level[side->n] = (guint8) *level;
  side->number[side->n++] = (guint8) *number;
  *level += last ? 1 : 0;
  *number = last ? 0 : *number + 1;
}

SdNamesDiffusersOf *
sd_names_diffusers_of_new (SdNames *names)
{
  SdNamesDiffusersOf *map = g_new0 (SdNamesDiffusersOf, 1);
  guint level = 0, number = 0;

  map->in.n = 1; /* the first is conv_in */
  for (guint i = 1; i < MAX_BLOCKS; i++)
    {
      gboolean sampler = has (names, "input_blocks.%u.0.op", i);
      if (!sampler && !has (names, "input_blocks.%u.0.in_layers.0", i))
        break;
      add_block (&map->in, &level, &number, sampler);
    }
  level = number = 0;
  for (guint i = 0; i < MAX_BLOCKS; i++)
    {
      if (!has (names, "output_blocks.%u.0.in_layers.0", i))
        break;
      add_block (&map->out, &level, &number,
                 has (names, "output_blocks.%u.1.conv", i)
                     || has (names, "output_blocks.%u.2.conv", i));
    }
  return map;
}

void
sd_names_diffusers_of_free (SdNamesDiffusersOf *map)
{
  g_free (map);
}

/* "N.K.rest" */
static gboolean
parse_block (const char *name, guint *block, guint *part, const char **rest)
{
  g_auto (GStrv) parts = g_strsplit (name, ".", 3);
  guint64 n, k;

  if (g_strv_length (parts) != 3
      || !g_ascii_string_to_unsigned (parts[0], 10, 0, MAX_BLOCKS - 1, &n, NULL)
      || !g_ascii_string_to_unsigned (parts[1], 10, 0, 9, &k, NULL))
    return FALSE;
  *block = (guint) n;
  *part = (guint) k;
  *rest = name + strlen (parts[0]) + strlen (parts[1]) + 2;
  return TRUE;
}

static char *
block_name (const Side *side,
            const char *blocks,
            const char *sampler,
            const char *samplers,
            const char *name)
{
  guint block, part;
  const char *leaf;

  if (!parse_block (name, &block, &part, &leaf) || block >= side->n)
    return NULL;
  guint level = side->level[block], number = side->number[block];
  if (strcmp (leaf, sampler) == 0)
    return g_strdup_printf ("%s.%u.%s.0.conv", blocks, level, samplers);
  g_autofree char *inner = sd_names_rename_start (leaf, resnet);
  if (part == 0)
    return inner == NULL
               ? NULL
               : g_strdup_printf ("%s.%u.resnets.%u.%s", blocks, level, number, inner);
  return g_strdup_printf ("%s.%u.attentions.%u.%s", blocks, level, number, leaf);
}

static char *
middle_name (const char *name)
{
  const char *dot = strchr (name, '.');
  g_autofree char *digits
      = dot != NULL ? g_strndup (name, (gsize) (dot - name)) : g_strdup ("");
  guint64 n;

  if (!g_ascii_string_to_unsigned (digits, 10, 0, MAX_BLOCKS - 1, &n, NULL))
    return NULL;
  if (n % 2 == 1)
    return g_strdup_printf ("mid_block.attentions.%u.%s", (guint) (n / 2), dot + 1);
  g_autofree char *inner = sd_names_rename_start (dot + 1, resnet);
  return inner != NULL
             ? g_strdup_printf ("mid_block.resnets.%u.%s", (guint) (n / 2), inner)
             : NULL;
}

char *
sd_names_diffusers_of (const SdNamesDiffusersOf *map, const char *module)
{
  static const char in[] = "input_blocks.", out[] = "output_blocks.",
                    middle[] = "middle_block.";
  char *name = sd_names_rename_start (module, plain);

  if (name != NULL)
    return name;
  if (g_str_has_prefix (module, in))
    return block_name (&map->in, "down_blocks", "op", "downsamplers",
                       module + strlen (in));
  if (g_str_has_prefix (module, out))
    return block_name (&map->out, "up_blocks", "conv", "upsamplers",
                       module + strlen (out));
  return g_str_has_prefix (module, middle) ? middle_name (module + strlen (middle))
                                           : NULL;
}
