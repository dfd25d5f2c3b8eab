/* make-checkpoint.c: a checkpoint with Stable Diffusion 1.5's names and shapes, weights
 * from a formula
 *
 *     make-checkpoint [--narrow] [--part unet|vae|text] OUT.safetensors
 *
 * For tests and measurements: networks of true size without a large file in the tree, and
 * golden values that another program computed from the same weights. The formula and its
 * reasons are in tools/reference/formula.py, which writes the same bytes. 2.1 GB take
 * some seconds and as much memory; --narrow is 85 MB with the same structure.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-half.h"
#include "st/st.h"

#include <math.h>
#include <string.h>

#define UNET "model.diffusion_model."
#define VAE "first_stage_model."
#define TEXT "cond_stage_model.transformer.text_model."
#define LEVELS 4
#define CHUNK (1u << 20) /* values filled by a thread at a time */

typedef struct
{
  guint unet, text, text_layers, vae; /* widths of the first level; layers */
} Config;

static const Config full = { 320, 768, 12, 128 };
static const Config narrow = { 64, 64, 2, 32 };

static const guint multiples[LEVELS] = { 1, 2, 4, 4 }; /* of UNet and VAE alike */
static const gboolean attention[LEVELS] = { TRUE, TRUE, TRUE, FALSE };
static const guint blocks = 2, vocabulary = 49408, positions = 77;

typedef struct
{
  char *name;
  guint rank;
  guint64 shape[4];
  guint64 n;
  gpointer data;
} Item;

static void
item_clear (gpointer data)
{
  Item *item = data;
  g_free (item->name);
  g_free (item->data);
}

/* ---- names and shapes ---- */

/* Unused sides are 0. */
static void
add (GArray *items, const char *name, guint a, guint b, guint c, guint d)
{
  const guint sides[4] = { a, b, c, d };
  Item item = { .name = g_strdup (name), .n = 1 };
  for (; item.rank < 4 && sides[item.rank] != 0; item.rank++)
    {
      item.shape[item.rank] = sides[item.rank];
      item.n *= sides[item.rank];
    }
  g_array_append_val (items, item);
}

static void
add_weight (GArray *items, const char *base, const char *part, guint a, guint b)
{
  g_autofree char *name = g_strdup_printf ("%s%s.weight", base, part);
  add (items, name, a, b, 0, 0);
}

/* A convolution (side 3 or 1), a matrix (side 0) or a norm (inputs 0), with its bias. */
static void
add_both (GArray *items,
          const char *base,
          const char *part,
          guint outputs,
          guint inputs,
          guint side)
{
  g_autofree char *weight = g_strdup_printf ("%s%s.weight", base, part);
  g_autofree char *bias = g_strdup_printf ("%s%s.bias", base, part);
  add (items, weight, outputs, inputs, side, side);
  add (items, bias, outputs, 0, 0, 0);
}

static void
add_norm (GArray *items, const char *base, const char *part, guint width)
{
  add_both (items, base, part, width, 0, 0);
}

static void
add_resnet (GArray *items, const char *name, guint from, guint to, guint embedding)
{
  add_norm (items, name, ".in_layers.0", from);
  add_both (items, name, ".in_layers.2", to, from, 3);
  add_both (items, name, ".emb_layers.1", to, embedding, 0);
  add_norm (items, name, ".out_layers.0", to);
  add_both (items, name, ".out_layers.3", to, to, 3);
  if (from != to)
    add_both (items, name, ".skip_connection", to, from, 1);
}

static void
add_transformer (GArray *items, const char *name, guint width, guint context)
{
  g_autofree char *block = g_strconcat (name, ".transformer_blocks.0", NULL);
  add_norm (items, name, ".norm", width);
  add_both (items, name, ".proj_in", width, width, 1);
  add_weight (items, block, ".attn1.to_q", width, width);
  add_weight (items, block, ".attn1.to_k", width, width);
  add_weight (items, block, ".attn1.to_v", width, width);
  add_both (items, block, ".attn1.to_out.0", width, width, 0);
  add_weight (items, block, ".attn2.to_q", width, width);
  add_weight (items, block, ".attn2.to_k", width, context);
  add_weight (items, block, ".attn2.to_v", width, context);
  add_both (items, block, ".attn2.to_out.0", width, width, 0);
  add_both (items, block, ".ff.net.0.proj", width * 8, width, 0);
  add_both (items, block, ".ff.net.2", width, width * 4, 0);
  add_norm (items, block, ".norm1", width);
  add_norm (items, block, ".norm2", width);
  add_norm (items, block, ".norm3", width);
  add_both (items, name, ".proj_out", width, width, 1);
}

/* One block of the UNet: a ResBlock and, where the level has it, a transformer. */
static void
add_unet_block (GArray *items, const Config *c, const char *name, guint level, guint from)
{
  guint width = c->unet * multiples[level];
  g_autofree char *resnet = g_strconcat (name, ".0", NULL);
  g_autofree char *transformer = g_strconcat (name, ".1", NULL);
  add_resnet (items, resnet, from, width, c->unet * 4);
  if (attention[level])
    add_transformer (items, transformer, width, c->text);
}

static void
add_unet (GArray *items, const Config *c)
{
  guint widths[LEVELS * 3], n = 0, width = c->unet; /* of the skips, in order */
  add_both (items, UNET, "time_embed.0", c->unet * 4, c->unet, 0);
  add_both (items, UNET, "time_embed.2", c->unet * 4, c->unet * 4, 0);
  add_both (items, UNET, "input_blocks.0.0", c->unet, 4, 3);
  widths[n++] = width;
  for (guint level = 0; level < LEVELS; level++)
    {
      for (guint block = 0; block < blocks; block++)
        {
          g_autofree char *name = g_strdup_printf (UNET "input_blocks.%u", n);
          add_unet_block (items, c, name, level, width);
          widths[n++] = width = c->unet * multiples[level];
        }
      if (level + 1 == LEVELS)
        break;
      g_autofree char *name = g_strdup_printf (UNET "input_blocks.%u", n);
      add_both (items, name, ".0.op", width, width, 3);
      widths[n++] = width;
    }
  add_resnet (items, UNET "middle_block.0", width, width, c->unet * 4);
  add_transformer (items, UNET "middle_block.1", width, c->text);
  add_resnet (items, UNET "middle_block.2", width, width, c->unet * 4);
  for (guint i = 0; n > 0; i++)
    {
      guint level = LEVELS - 1 - i / (blocks + 1);
      g_autofree char *name = g_strdup_printf (UNET "output_blocks.%u", i);
      add_unet_block (items, c, name, level, width + widths[--n]);
      width = c->unet * multiples[level];
      if (level > 0 && i % (blocks + 1) == blocks)
        add_both (items, name, attention[level] ? ".2.conv" : ".1.conv", width, width, 3);
    }
  add_norm (items, UNET, "out.0", width);
  add_both (items, UNET, "out.2", 4, width, 3);
}

static void
add_vae_resnet (GArray *items, const char *base, const char *part, guint from, guint to)
{
  g_autofree char *name = g_strconcat (base, part, NULL);
  add_norm (items, name, ".norm1", from);
  add_both (items, name, ".conv1", to, from, 3);
  add_norm (items, name, ".norm2", to);
  add_both (items, name, ".conv2", to, to, 3);
  if (from != to)
    add_both (items, name, ".nin_shortcut", to, from, 1);
}

static void
add_vae_middle (GArray *items, const char *name, guint width)
{
  add_vae_resnet (items, name, ".block_1", width, width);
  add_norm (items, name, ".attn_1.norm", width);
  add_both (items, name, ".attn_1.q", width, width, 1);
  add_both (items, name, ".attn_1.k", width, width, 1);
  add_both (items, name, ".attn_1.v", width, width, 1);
  add_both (items, name, ".attn_1.proj_out", width, width, 1);
  add_vae_resnet (items, name, ".block_2", width, width);
}

/* Returns: the width in the middle */
static guint
add_encoder (GArray *items, const Config *c)
{
  guint width = c->vae;
  add_both (items, VAE, "encoder.conv_in", width, 3, 3);
  for (guint level = 0; level < LEVELS; level++)
    {
      g_autofree char *name = g_strdup_printf (VAE "encoder.down.%u", level);
      for (guint block = 0; block < blocks; block++)
        {
          g_autofree char *part = g_strdup_printf (".block.%u", block);
          add_vae_resnet (items, name, part, width, c->vae * multiples[level]);
          width = c->vae * multiples[level];
        }
      if (level + 1 < LEVELS)
        add_both (items, name, ".downsample.conv", width, width, 3);
    }
  add_vae_middle (items, VAE "encoder.mid", width);
  add_norm (items, VAE, "encoder.norm_out", width);
  add_both (items, VAE, "encoder.conv_out", 8, width, 3);
  return width;
}

static void
add_vae (GArray *items, const Config *c)
{
  guint width = add_encoder (items, c);
  add_both (items, VAE, "quant_conv", 8, 8, 1);
  add_both (items, VAE, "post_quant_conv", 4, 4, 1);
  add_both (items, VAE, "decoder.conv_in", width, 4, 3);
  add_vae_middle (items, VAE "decoder.mid", width);
  for (guint level = LEVELS; level-- > 0;)
    {
      g_autofree char *name = g_strdup_printf (VAE "decoder.up.%u", level);
      for (guint block = 0; block < blocks + 1; block++)
        {
          g_autofree char *part = g_strdup_printf (".block.%u", block);
          add_vae_resnet (items, name, part, width, c->vae * multiples[level]);
          width = c->vae * multiples[level];
        }
      if (level > 0)
        add_both (items, name, ".upsample.conv", width, width, 3);
    }
  add_norm (items, VAE, "decoder.norm_out", width);
  add_both (items, VAE, "decoder.conv_out", 3, width, 3);
}

static void
add_text (GArray *items, const Config *c)
{
  static const char *const projections[] = { "q_proj", "k_proj", "v_proj", "out_proj" };
  add (items, TEXT "embeddings.position_ids", 1, positions, 0, 0);
  add (items, TEXT "embeddings.token_embedding.weight", vocabulary, c->text, 0, 0);
  add (items, TEXT "embeddings.position_embedding.weight", positions, c->text, 0, 0);
  for (guint layer = 0; layer < c->text_layers; layer++)
    {
      g_autofree char *name = g_strdup_printf (TEXT "encoder.layers.%u.", layer);
      for (guint i = 0; i < G_N_ELEMENTS (projections); i++)
        {
          g_autofree char *part = g_strconcat ("self_attn.", projections[i], NULL);
          add_both (items, name, part, c->text, c->text, 0);
        }
      add_norm (items, name, "layer_norm1", c->text);
      add_norm (items, name, "layer_norm2", c->text);
      add_both (items, name, "mlp.fc1", c->text * 4, c->text, 0);
      add_both (items, name, "mlp.fc2", c->text, c->text * 4, 0);
    }
  add_norm (items, TEXT, "final_layer_norm", c->text);
}

/* ---- values ---- */

static gboolean
is_position_ids (const Item *item)
{
  return g_str_has_suffix (item->name, "position_ids");
}

static float
uniform (guint32 i, guint32 hash)
{
  guint32 x = i * 0x9E3779B9u + hash;
  x ^= x >> 16;
  x *= 0x85EBCA6Bu;
  x ^= x >> 13;
  x *= 0xC2B2AE35u;
  x ^= x >> 16;
  return (float) (x >> 8) * 0x1p-23f - 1.0f;
}

static void
fill (const Item *item, guint64 first, guint64 n)
{
  guint32 hash = 0x811C9DC5u;
  for (const char *p = item->name; *p != '\0'; p++)
    hash = (hash ^ (guint8) *p) * 0x01000193u;
  gboolean bias = g_str_has_suffix (item->name, ".bias");
  float scale = item->rank > 1 ? (float) sqrt (3.0 / (double) (item->n / item->shape[0]))
                               : (bias ? 1.0f / 16.0f : 1.0f / 8.0f);
  float shift = item->rank == 1 && !bias ? 1.0f : 0.0f;
  guint16 *halves = item->data;
  for (guint64 i = first; i < first + n; i++)
    halves[i] = GUINT16_TO_LE (
        base_half_from_float (uniform ((guint32) i, hash) * scale + shift));
}

typedef struct
{
  const Item *item;
  guint64 first;
} Chunk;

static void
fill_chunk (gpointer data, gpointer user_data)
{
  Chunk *chunk = data;
  fill (chunk->item, chunk->first, MIN (CHUNK, chunk->item->n - chunk->first));
  g_free (chunk);
}

static gboolean
fill_all (GArray *items, GError **error)
{
  GThreadPool *pool
      = g_thread_pool_new (fill_chunk, NULL, (int) g_get_num_processors (), TRUE, error);
  if (pool == NULL)
    return FALSE;
  for (guint i = 0; i < items->len; i++)
    {
      Item *item = &g_array_index (items, Item, i);
      gsize size = is_position_ids (item) ? sizeof (guint64) : sizeof (guint16);
      item->data = g_malloc_n (item->n, size);
      if (is_position_ids (item))
        for (guint64 k = 0; k < item->n; k++)
          ((guint64 *) item->data)[k] = GUINT64_TO_LE (k);
      else
        for (guint64 first = 0; first < item->n; first += CHUNK)
          {
            Chunk chunk = { item, first };
            g_thread_pool_push (pool, g_memdup2 (&chunk, sizeof chunk), NULL);
          }
    }
  g_thread_pool_free (pool, FALSE, TRUE);
  return TRUE;
}

static gboolean
write_items (const char *path, GArray *items, GError **error)
{
  static const char *const metadata[] = { "calotype.formula", "1", NULL };
  g_autofree StWriteTensor *tensors = g_new0 (StWriteTensor, items->len);
  for (guint i = 0; i < items->len; i++)
    {
      const Item *item = &g_array_index (items, Item, i);
      tensors[i] = (StWriteTensor){ item->name,
                                    is_position_ids (item) ? ST_DTYPE_I64 : ST_DTYPE_F16,
                                    item->rank, item->shape, item->data };
    }
  return st_write (path, tensors, items->len, metadata, error);
}

int
main (int argc, char **argv)
{
  gboolean is_narrow = FALSE;
  g_autofree char *part = NULL;
  const GOptionEntry entries[] = {
    { "narrow", 0, 0, G_OPTION_ARG_NONE, &is_narrow, "a tenth of the width", NULL },
    { "part", 0, 0, G_OPTION_ARG_STRING, &part, "unet, vae or text alone", "PART" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("OUT.safetensors");
  g_autoptr (GError) error = NULL;
  g_option_context_add_main_entries (context, entries, NULL);
  gboolean good = g_option_context_parse (context, &argc, &argv, &error);
  gboolean known = part == NULL || strcmp (part, "unet") == 0 || strcmp (part, "vae") == 0
                   || strcmp (part, "text") == 0;
  if (!good || argc != 2 || !known)
    {
      g_printerr ("make-checkpoint: %s\n",
                  error != NULL ? error->message
                                : "[--narrow] [--part unet|vae|text] OUT.safetensors");
      return 2;
    }
  const Config *config = is_narrow ? &narrow : &full;
  g_autoptr (GArray) items = g_array_new (FALSE, FALSE, sizeof (Item));
  g_array_set_clear_func (items, item_clear);
  if (part == NULL || strcmp (part, "unet") == 0)
    add_unet (items, config);
  if (part == NULL || strcmp (part, "vae") == 0)
    add_vae (items, config);
  if (part == NULL || strcmp (part, "text") == 0)
    add_text (items, config);
  if (fill_all (items, &error) && write_items (argv[1], items, &error))
    return 0;
  g_printerr ("make-checkpoint: %s\n", error->message);
  return 1;
}
