/* sd-unet.c: what a UNet is made of, read from the names and shapes of its tensors
 *
 * Rombach et al. 2022, the layout of the CompVis code: `input_blocks`, `middle_block`,
 * `output_blocks`. No table of known models: a part is there when its tensors are. The
 * result is a flat list of parts from which sd-unet-build.c makes graphs of any size.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-unet-private.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>

#define UNET SD_NAMES_UNET

/* Discovery goes through the blocks in order; `level` counts the halvings so far. */
typedef struct
{
  SdUnet *unet;
  GArray *config_heads; /* (nullable): guint, by level; a single value is for all */
  guint level;
} Walk;

static const StTensor *
find (SdUnet *unet, const char *block, const char *name)
{
  g_autofree char *full = g_strconcat (UNET, block, NULL);
  return sd_weights_find (unet->weights, full, name);
}

static gboolean
has (SdUnet *unet, const char *block, const char *name)
{
  return find (unet, block, name) != NULL;
}

static SdUnetPart *
add_part (SdUnet *unet, SdUnetKind kind, const char *name)
{
  SdUnetPart part = { .kind = kind, .name = g_strdup (name) };
  g_array_append_val (unet->parts, part);
  return &g_array_index (unet->parts, SdUnetPart, unet->parts->len - 1);
}

static gboolean
add_res (Walk *walk, const char *name, GError **error)
{
  SdUnet *unet = walk->unet;
  const StTensor *conv = find (unet, name, "in_layers.2.weight");
  const StTensor *emb = find (unet, name, "emb_layers.1.weight");

  if (conv == NULL || emb == NULL)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_MISSING_PART,
                   _ ("The UNet's block “%s%s” has no %s"), UNET, name,
                   conv == NULL ? "in_layers.2.weight" : "emb_layers.1.weight");
      return FALSE;
    }
  if (emb->rank != 2 || conv->rank != 4 || emb->shape[0] != conv->shape[0]
      || emb->shape[0] > 1u << 16)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                   _ ("The UNet's block “%s%s” takes %u "
                      "values of time for %u channels; they must be equal"),
                   UNET, name, emb->rank > 0 ? (guint) emb->shape[0] : 0,
                   conv->rank > 0 ? (guint) conv->shape[0] : 0);
      return FALSE;
    }
  SdUnetEmb entry
      = { g_strconcat (name, ".emb_layers.1", NULL), emb->shape[0], unet->emb_total };
  add_part (unet, SD_UNET_RES, name)->emb = unet->embs->len;
  g_array_append_val (unet->embs, entry);
  unet->emb_total += (entry.width + 3) & ~3u; /* where channel_add may begin */
  return TRUE;
}

/* 8 heads at every level where `proj_in` is a convolution (SD 1.x), heads of 64 channels
 * where it is a linear layer (SD 2.x and XL), unless config.json says otherwise. */
static guint
heads_for (Walk *walk, const StTensor *proj_in, guint width)
{
  if (walk->config_heads != NULL)
    {
      guint level = MIN (walk->level, walk->config_heads->len - 1);
      return g_array_index (walk->config_heads, guint, level);
    }
  return proj_in->rank == 4 ? 8 : MAX (1, width / 64);
}

static gboolean
add_cross (SdUnet *unet, const char *name, guint block, GError **error)
{
  g_autofree char *attn = g_strdup_printf ("%s.transformer_blocks.%u.attn2", name, block);
  const StTensor *key = find (unet, attn, "to_k.weight");

  if (key == NULL || key->rank != 2 || key->shape[0] > 1u << 16
      || key->shape[1] > 1u << 16)
    {
      g_set_error (
          error, SD_ERROR, SD_ERROR_MISSING_PART,
          _ ("The UNet's cross attention “%s%s.to_k.weight” is missing or not a matrix"),
          UNET, attn);
      return FALSE;
    }
  if (unet->context_width != 0 && unet->context_width != key->shape[1])
    {
      g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                   _ ("“%s%s.to_k.weight” takes a context of %u "
                      "values, the blocks before it one of %u"),
                   UNET, attn, (guint) key->shape[1], unet->context_width);
      return FALSE;
    }
  unet->context_width = key->shape[1];
  SdUnetCross cross = { g_steal_pointer (&attn), key->shape[0] };
  g_array_append_val (unet->crosses, cross);
  return TRUE;
}

static gboolean
add_transformer (Walk *walk, const char *name, GError **error)
{
  SdUnet *unet = walk->unet;
  const StTensor *proj_in = find (unet, name, "proj_in.weight");
  guint first = unet->crosses->len, depth = 0;

  for (;; depth++)
    {
      g_autofree char *probe
          = g_strdup_printf ("transformer_blocks.%u.attn1.to_q.weight", depth);
      if (!has (unet, name, probe))
        break;
      if (!add_cross (unet, name, depth, error))
        return FALSE;
    }
  if (depth == 0 || proj_in->rank < 2)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_MISSING_PART,
                   _ ("The UNet's transformer “%s%s” has no blocks"), UNET, name);
      return FALSE;
    }
  guint width = g_array_index (unet->crosses, SdUnetCross, first).width;
  guint heads = heads_for (walk, proj_in, width);
  if (heads == 0 || width % heads != 0)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                   _ ("The UNet's transformer “%s%s” has %u channels, which %u heads do "
                      "not divide"),
                   UNET, name, width, heads);
      return FALSE;
    }
  SdUnetPart *part = add_part (unet, SD_UNET_TRANSFORMER, name);
  part->cross = first;
  part->depth = depth;
  part->heads = heads;
  return TRUE;
}

/* Residual block, then a transformer and an upsampling where they are. */
static gboolean
add_block (Walk *walk, const char *block, GError **error)
{
  SdUnet *unet = walk->unet;
  g_autofree char *res = g_strconcat (block, ".0", NULL);

  if (!add_res (walk, res, error))
    return FALSE;
  for (guint i = 1; i <= 2; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s.%u", block, i);
      if (has (unet, name, "proj_in.weight"))
        {
          if (!add_transformer (walk, name, error))
            return FALSE;
        }
      else if (has (unet, name, "conv.weight"))
        {
          add_part (unet, SD_UNET_UP, name);
          walk->level -= walk->level > 0;
        }
      else if (has (unet, name, "in_layers.2.weight") && !add_res (walk, name, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
walk_inputs (Walk *walk, GError **error)
{
  SdUnet *unet = walk->unet;
  const StTensor *conv_in = find (unet, "input_blocks.0.0", "weight");

  if (conv_in == NULL || conv_in->rank != 4 || conv_in->shape[0] > 1u << 16)
    {
      g_set_error (
          error, SD_ERROR, SD_ERROR_MISSING_PART,
          _ ("The UNet is not in the file: “%sinput_blocks.0.0.weight” is missing"),
          UNET);
      return FALSE;
    }
  if (conv_in->shape[1] != SD_LATENT_CHANNELS && conv_in->shape[1] != SD_INPAINT_CHANNELS
      && conv_in->shape[1] != SD_INSTRUCT_CHANNELS)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                   _ ("The UNet takes %u channels; only UNets of 4, of 9 (in-painting) "
                      "and of 8 (instructions) can be used"),
                   (guint) MIN (conv_in->shape[1], G_MAXUINT));
      return FALSE;
    }
  unet->in_channels = (guint) conv_in->shape[1];
  unet->channels = conv_in->shape[0];
  const StTensor *label = find (unet, "label_emb.0.0", "weight");
  unet->label_width
      = label != NULL && label->rank == 2 ? (guint) MIN (label->shape[1], G_MAXINT32) : 0;
  add_part (unet, SD_UNET_CONV_IN, "input_blocks.0.0");
  add_part (unet, SD_UNET_PUSH, NULL);
  for (guint i = 1;; i++)
    {
      g_autofree char *block = g_strdup_printf ("input_blocks.%u", i);
      g_autofree char *down = g_strconcat (block, ".0.op", NULL);
      g_autofree char *res = g_strconcat (block, ".0", NULL);
      if (has (unet, down, "weight"))
        {
          add_part (unet, SD_UNET_DOWN, down);
          walk->level++;
        }
      else if (!has (unet, res, "in_layers.0.weight"))
        return TRUE;
      else if (!add_block (walk, block, error))
        return FALSE;
      add_part (unet, SD_UNET_PUSH, NULL);
    }
}

/* The middle: residual, transformer, residual, each where it is (distilled models leave
 * them out). */
static gboolean
walk_middle (Walk *walk, GError **error)
{
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *name = g_strdup_printf ("middle_block.%u", i);
      if (has (walk->unet, name, "in_layers.0.weight"))
        {
          if (!add_res (walk, name, error))
            return FALSE;
        }
      else if (has (walk->unet, name, "proj_in.weight"))
        {
          if (!add_transformer (walk, name, error))
            return FALSE;
        }
    }
  return TRUE;
}

static gboolean
walk_outputs (Walk *walk, GError **error)
{
  SdUnet *unet = walk->unet;
  guint skips = 0, blocks = 0;

  for (guint i = 0; i < unet->parts->len; i++)
    skips += g_array_index (unet->parts, SdUnetPart, i).kind == SD_UNET_PUSH;
  for (;; blocks++)
    {
      g_autofree char *block = g_strdup_printf ("output_blocks.%u", blocks);
      if (!has (unet, block, "0.in_layers.0.weight"))
        break;
      add_part (unet, SD_UNET_POP, NULL);
      if (!add_block (walk, block, error))
        return FALSE;
    }
  if (blocks == skips && unet->crosses->len > 0)
    return TRUE;
  if (blocks != skips)
    g_set_error (
        error, SD_ERROR, SD_ERROR_MISSING_PART,
        _ ("The UNet has %u input blocks and %u output blocks; they must be as many"),
        skips, blocks);
  else
    g_set_error (error, SD_ERROR, SD_ERROR_UNSUPPORTED,
                 _ ("The UNet has no cross attention: it cannot follow a prompt"));
  return FALSE;
}

/* The heads that a diffusers config.json states: its `attention_head_dim` are, for the
 * UNets of this family, numbers of heads; `num_attention_heads` where given goes first.
 */
static GArray *
config_heads (const char *config)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  if (config == NULL || !json_parser_load_from_data (parser, config, -1, NULL))
    return NULL;
  JsonNode *root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return NULL;
  JsonObject *object = json_node_get_object (root);
  JsonNode *node = json_object_get_member (object, "num_attention_heads");
  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    node = json_object_get_member (object, "attention_head_dim");
  if (node == NULL)
    return NULL;

  GArray *heads = g_array_new (FALSE, FALSE, sizeof (guint));
  JsonArray *array = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  guint n = array != NULL ? json_array_get_length (array) : 1;
  for (guint i = 0; i < n; i++)
    {
      JsonNode *item = array != NULL ? json_array_get_element (array, i) : node;
      gint64 value = JSON_NODE_HOLDS_VALUE (item) ? json_node_get_int (item) : 0;
      guint count = value > 0 && value < 1024 ? value : 0;
      if (count > 0)
        g_array_append_val (heads, count);
    }
  if (heads->len == 0)
    g_clear_pointer (&heads, g_array_unref);
  return heads;
}

static void
part_clear (gpointer part)
{
  g_free (((SdUnetPart *) part)->name);
}

static void
emb_clear (gpointer emb)
{
  g_free (((SdUnetEmb *) emb)->name);
}

static void
cross_clear (gpointer cross)
{
  g_free (((SdUnetCross *) cross)->name);
}

SdUnet *
sd_unet_new (SdWeights *weights, const char *config, GError **error)
{
  g_autoptr (SdUnet) unet = g_new0 (SdUnet, 1);
  unet->weights = weights;
  unet->parts = g_array_new (FALSE, TRUE, sizeof (SdUnetPart));
  unet->embs = g_array_new (FALSE, TRUE, sizeof (SdUnetEmb));
  unet->crosses = g_array_new (FALSE, TRUE, sizeof (SdUnetCross));
  g_array_set_clear_func (unet->parts, part_clear);
  g_array_set_clear_func (unet->embs, emb_clear);
  g_array_set_clear_func (unet->crosses, cross_clear);

  g_autoptr (GArray) heads = config_heads (config);
  Walk walk = { .unet = unet, .config_heads = heads };
  if (!walk_inputs (&walk, error) || !walk_middle (&walk, error)
      || !walk_outputs (&walk, error))
    return NULL;
  return g_steal_pointer (&unet);
}

void
sd_unet_free (SdUnet *unet)
{
  if (unet == NULL)
    return;
  g_array_unref (unet->parts);
  g_array_unref (unet->embs);
  g_array_unref (unet->crosses);
  g_free (unet);
}

guint
sd_unet_in_channels (const SdUnet *unet)
{
  return unet->in_channels;
}

guint
sd_unet_context_width (const SdUnet *unet)
{
  return unet->context_width;
}

guint
sd_unet_label_width (const SdUnet *unet)
{
  return unet->label_width;
}

guint
sd_unet_n_cross (const SdUnet *unet)
{
  return unet->crosses->len;
}

guint
sd_unet_cross_width (const SdUnet *unet, guint index)
{
  return g_array_index (unet->crosses, SdUnetCross, index).width;
}

guint
sd_unet_n_emb (const SdUnet *unet)
{
  return unet->embs->len;
}

guint
sd_unet_emb_width (const SdUnet *unet, guint index)
{
  return g_array_index (unet->embs, SdUnetEmb, index).width;
}

guint
sd_unet_emb_offset (const SdUnet *unet, guint index)
{
  return g_array_index (unet->embs, SdUnetEmb, index).offset;
}

guint
sd_unet_emb_total (const SdUnet *unet)
{
  return unet->emb_total;
}
