/* make-checkpoint.c: a checkpoint with Stable Diffusion's names and shapes, weights from
 * a formula
 *
 *     make-checkpoint [--family sd1|sd2|sdxl|ssd1b] [--narrow] [--channels 4|8|9]
 *         [--part unet|vae|text|taesd] OUT.safetensors
 *
 * For tests and measurements: networks of true size without a large file in the tree, and
 * golden values that another program computed from the same weights. The formula and its
 * reasons are in tools/reference/formula.py, which writes the same bytes. The 2.1 GB of
 * 1.5 take some seconds and as much memory, the 6.9 GB of XL three times that; --narrow
 * is 85 to 380 MB with the same structure.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "base/base-half.h"
#include "st/st.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define UNET "model.diffusion_model."
#define VAE "first_stage_model."
#define TEXT "cond_stage_model.transformer.text_model."
#define OPEN "cond_stage_model.model."
#define FIRST "conditioner.embedders.0.transformer.text_model."
#define SECOND "conditioner.embedders.1.model."
#define SIZES (6 * 256) /* of the label: six numbers as sinusoids */
#define LEVELS 4
#define CHUNK (1u << 20) /* values filled by a thread at a time */

typedef struct
{
  const char *root;
  guint width, layers;
  gboolean open; /* OpenCLIP's names */
  guint output;  /* of the projection; 0: none */
} Text;

/* Transformer blocks of each block of each level: down, in the middle, up (from the
 * deepest). */
typedef struct
{
  guint levels, down[LEVELS][2], middle, up[LEVELS][3];
} Depths;

typedef struct
{
  const char *family;
  gboolean narrow;
  guint unet, vae; /* widths of the first level */
  const Depths *depths;
  gboolean linear; /* projections of transformers are matrices, not 1×1 convolutions */
  guint label;     /* what is told beside the time */
  Text texts[2];
  const char *metadata[3];
} Config;

static const Depths plain = {
  4,
  { { 1, 1 }, { 1, 1 }, { 1, 1 } },
  1,
  { { 0 }, { 1, 1, 1 }, { 1, 1, 1 }, { 1, 1, 1 } },
};
static const Depths deep
    = { 3, { { 0 }, { 2, 2 }, { 10, 10 } }, 10, { { 10, 10, 10 }, { 2, 2, 2 } } };
static const Depths less
    = { 3, { { 0 }, { 2, 2 }, { 4, 4 } }, 4, { { 4, 4, 4 }, { 2, 2, 2 } } };
static const Depths cut
    = { 3, { { 0 }, { 2, 2 }, { 4, 4 } }, 0, { { 4, 4, 5 }, { 2, 1, 1 } } };

#define V                                                                                \
  {                                                                                      \
    "modelspec.prediction_type", "v"                                                     \
  }
#define XL                                                                               \
  {                                                                                      \
    "modelspec.architecture", "stable-diffusion-xl-v1-base"                              \
  }
#define NARROW_TEXTS                                                                     \
  {                                                                                      \
    { FIRST, 64, 3 },                                                                    \
    {                                                                                    \
      SECOND, 128, 3, TRUE, 128                                                          \
    }                                                                                    \
  }
static const Config configs[] = {
  { "sd1", FALSE, 320, 128, &plain, FALSE, 0, { { TEXT, 768, 12 } } },
  { "sd2", FALSE, 320, 128, &plain, TRUE, 0, { { OPEN, 1024, 24, TRUE } }, V },
  { "sdxl",
    FALSE,
    320,
    128,
    &deep,
    TRUE,
    1280 + SIZES,
    { { FIRST, 768, 12 }, { SECOND, 1280, 32, TRUE, 1280 } },
    XL },
  { "sd1", TRUE, 64, 32, &plain, FALSE, 0, { { TEXT, 64, 2 } } },
  { "sd2", TRUE, 64, 32, &plain, TRUE, 0, { { OPEN, 128, 3, TRUE } }, V },
  { "sdxl", TRUE, 128, 32, &less, TRUE, 128 + SIZES, NARROW_TEXTS, XL },
  { "ssd1b", TRUE, 64, 32, &cut, TRUE, 128 + SIZES, NARROW_TEXTS, XL },
};

static const guint multiples[LEVELS] = { 1, 2, 4, 4 }; /* of UNet and VAE alike */
static int channels = 4; /* that the UNet takes: 9: in-painting, 8: instructions */
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
add_transformer_block (GArray *items, const char *block, guint width, guint context)
{
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
}

static void
add_transformer (
    GArray *items, const Config *c, const char *name, guint width, guint depth)
{
  guint side = c->linear ? 0 : 1;
  add_norm (items, name, ".norm", width);
  add_both (items, name, ".proj_in", width, width, side);
  for (guint i = 0; i < depth; i++)
    {
      g_autofree char *block = g_strdup_printf ("%s.transformer_blocks.%u", name, i);
      add_transformer_block (items, block, width, c->texts[0].width + c->texts[1].width);
    }
  add_both (items, name, ".proj_out", width, width, side);
}

/* One block of the UNet: a ResBlock and, where it has one, a transformer. */
static void
add_unet_block (GArray *items,
                const Config *c,
                const char *name,
                guint level,
                guint from,
                guint depth)
{
  guint width = c->unet * multiples[level];
  g_autofree char *resnet = g_strconcat (name, ".0", NULL);
  g_autofree char *transformer = g_strconcat (name, ".1", NULL);
  add_resnet (items, resnet, from, width, c->unet * 4);
  if (depth > 0)
    add_transformer (items, c, transformer, width, depth);
}

static void
add_middle (GArray *items, const Config *c, guint width)
{
  add_resnet (items, UNET "middle_block.0", width, width, c->unet * 4);
  if (c->depths->middle == 0)
    return;
  add_transformer (items, c, UNET "middle_block.1", width, c->depths->middle);
  add_resnet (items, UNET "middle_block.2", width, width, c->unet * 4);
}

static void
add_embeddings (GArray *items, const Config *c)
{
  guint width = c->unet * 4;
  add_both (items, UNET, "time_embed.0", width, c->unet, 0);
  add_both (items, UNET, "time_embed.2", width, width, 0);
  if (c->label == 0)
    return;
  add_both (items, UNET, "label_emb.0.0", width, c->label, 0);
  add_both (items, UNET, "label_emb.0.2", width, width, 0);
}

static void
add_unet (GArray *items, const Config *c)
{
  guint levels = c->depths->levels;
  guint widths[LEVELS * 3], n = 0, width = c->unet; /* of the skips, in order */
  add_embeddings (items, c);
  add_both (items, UNET, "input_blocks.0.0", c->unet, (guint) channels, 3);
  widths[n++] = width;
  for (guint level = 0; level < levels; level++)
    {
      for (guint block = 0; block < blocks; block++)
        {
          g_autofree char *name = g_strdup_printf (UNET "input_blocks.%u", n);
          add_unet_block (items, c, name, level, width, c->depths->down[level][block]);
          widths[n++] = width = c->unet * multiples[level];
        }
      if (level + 1 == levels)
        break;
      g_autofree char *name = g_strdup_printf (UNET "input_blocks.%u", n);
      add_both (items, name, ".0.op", width, width, 3);
      widths[n++] = width;
    }
  add_middle (items, c, width);
  for (guint i = 0; n > 0; i++)
    {
      guint up = i / (blocks + 1), level = levels - 1 - up;
      guint depth = c->depths->up[up][i % (blocks + 1)];
      g_autofree char *name = g_strdup_printf (UNET "output_blocks.%u", i);
      add_unet_block (items, c, name, level, width + widths[--n], depth);
      width = c->unet * multiples[level];
      if (level > 0 && i % (blocks + 1) == blocks)
        add_both (items, name, depth > 0 ? ".2.conv" : ".1.conv", width, width, 3);
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
add_clip (GArray *items, const Text *t)
{
  static const char *const projections[] = { "q_proj", "k_proj", "v_proj", "out_proj" };
  g_autofree char *ids = g_strconcat (t->root, "embeddings.position_ids", NULL);
  add (items, ids, 1, positions, 0, 0);
  add_weight (items, t->root, "embeddings.token_embedding", vocabulary, t->width);
  add_weight (items, t->root, "embeddings.position_embedding", positions, t->width);
  for (guint layer = 0; layer < t->layers; layer++)
    {
      g_autofree char *name = g_strdup_printf ("%sencoder.layers.%u.", t->root, layer);
      for (guint i = 0; i < G_N_ELEMENTS (projections); i++)
        {
          g_autofree char *part = g_strconcat ("self_attn.", projections[i], NULL);
          add_both (items, name, part, t->width, t->width, 0);
        }
      add_norm (items, name, "layer_norm1", t->width);
      add_norm (items, name, "layer_norm2", t->width);
      add_both (items, name, "mlp.fc1", t->width * 4, t->width, 0);
      add_both (items, name, "mlp.fc2", t->width, t->width * 4, 0);
    }
  add_norm (items, t->root, "final_layer_norm", t->width);
}

static void
add_open_clip (GArray *items, const Text *t)
{
  g_autofree char *position = g_strconcat (t->root, "positional_embedding", NULL);
  g_autofree char *projection = g_strconcat (t->root, "text_projection", NULL);
  add_weight (items, t->root, "token_embedding", vocabulary, t->width);
  add (items, position, positions, t->width, 0, 0);
  for (guint layer = 0; layer < t->layers; layer++)
    {
      g_autofree char *name
          = g_strdup_printf ("%stransformer.resblocks.%u.", t->root, layer);
      g_autofree char *matrix = g_strconcat (name, "attn.in_proj_weight", NULL);
      g_autofree char *bias = g_strconcat (name, "attn.in_proj_bias", NULL);
      add_norm (items, name, "ln_1", t->width);
      add (items, matrix, 3 * t->width, t->width, 0, 0);
      add (items, bias, 3 * t->width, 0, 0, 0);
      add_both (items, name, "attn.out_proj", t->width, t->width, 0);
      add_norm (items, name, "ln_2", t->width);
      add_both (items, name, "mlp.c_fc", t->width * 4, t->width, 0);
      add_both (items, name, "mlp.c_proj", t->width, t->width * 4, 0);
    }
  add_norm (items, t->root, "ln_final", t->width);
  if (t->output > 0)
    add (items, projection, t->width, t->output, 0, 0);
}

static void
add_text (GArray *items, const Config *c)
{
  for (guint i = 0; i < G_N_ELEMENTS (c->texts) && c->texts[i].root != NULL; i++)
    if (c->texts[i].open)
      add_open_clip (items, &c->texts[i]);
    else
      add_clip (items, &c->texts[i]);
}

/* The decoder of TAESD has bare numbers: convolutions, and blocks of three. */
static void
add_taesd (GArray *items)
{
  static const guint doubled[] = { 7, 12, 17 };
  static const guint three[] = { 3, 4, 5, 8, 9, 10, 13, 14, 15, 18 };
  add_both (items, "1", "", 64, 4, 3);
  add_both (items, "19", "", 3, 64, 3);
  for (guint i = 0; i < G_N_ELEMENTS (doubled); i++)
    {
      g_autofree char *name = g_strdup_printf ("%u.weight", doubled[i]);
      add (items, name, 64, 64, 3, 3);
    }
  for (guint i = 0; i < G_N_ELEMENTS (three); i++)
    for (guint conv = 0; conv <= 4; conv += 2)
      {
        g_autofree char *name = g_strdup_printf ("%u.conv.%u", three[i], conv);
        add_both (items, name, "", 64, 64, 3);
      }
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
  gboolean bias = g_str_has_suffix (item->name, "bias");
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
write_items (const char *path, const Config *c, GArray *items, GError **error)
{
  const char *const metadata[]
      = { "calotype.formula", "1", c->metadata[0], c->metadata[1], NULL };
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

/* --hollow: names and shapes over a hole as long as the values would be: for plans, which
 * read no values, of models too large to be written in a test. */
static gboolean
write_hollow (const char *path, const Config *c, GArray *items, GError **error)
{
  GString *header = g_string_new ("{\"__metadata__\":{");
  guint64 at = 0;

  g_string_append_printf (header, "\"calotype.formula\":\"1\"");
  if (c->metadata[0] != NULL)
    g_string_append_printf (header, ",\"%s\":\"%s\"", c->metadata[0], c->metadata[1]);
  g_string_append_c (header, '}');
  for (guint i = 0; i < items->len; i++)
    {
      const Item *item = &g_array_index (items, Item, i);
      guint64 bytes = item->n * (is_position_ids (item) ? 8 : 2);

      g_string_append_printf (header, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", item->name,
                              is_position_ids (item) ? "I64" : "F16");
      for (guint d = 0; d < item->rank; d++)
        g_string_append_printf (
            header, d > 0 ? ",%" G_GUINT64_FORMAT : "%" G_GUINT64_FORMAT, item->shape[d]);
      g_string_append_printf (
          header, "],\"data_offsets\":[%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]}", at,
          at + bytes);
      at += bytes;
    }
  g_string_append_c (header, '}');
  while (header->len % 8 != 0)
    g_string_append_c (header, ' ');
  guint64 length = GUINT64_TO_LE ((guint64) header->len);
  g_string_prepend_len (header, (const char *) &length, sizeof length);
  gboolean good = g_file_set_contents (path, header->str, (gssize) header->len, error);
  if (good && truncate (path, (off_t) (header->len + at)) != 0)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", path,
                   g_strerror (errno));
      good = FALSE;
    }
  g_string_free (header, TRUE);
  return good;
}

static const Config *
find_config (const char *family, gboolean is_narrow)
{
  for (guint i = 0; i < G_N_ELEMENTS (configs); i++)
    if (strcmp (configs[i].family, family) == 0 && configs[i].narrow == is_narrow)
      return &configs[i];
  return NULL;
}

#define USAGE                                                                            \
  "[--family sd1|sd2|sdxl] [--narrow] [--channels N] [--hollow] [--part "                \
  "unet|vae|text|taesd] "                                                                \
  "OUT.safetensors, or "                                                                 \
  "--family ssd1b --narrow"

int
main (int argc, char **argv)
{
  gboolean is_narrow = FALSE, hollow = FALSE;
  g_autofree char *part = NULL, *family = NULL;
  const GOptionEntry entries[] = {
    { "family", 0, 0, G_OPTION_ARG_STRING, &family, "sd1 (default) ...", "FAMILY" },
    { "narrow", 0, 0, G_OPTION_ARG_NONE, &is_narrow, "a tenth of the width", NULL },
    { "channels", 0, 0, G_OPTION_ARG_INT, &channels, "of the UNet: 4, 8 or 9", "N" },
    { "part", 0, 0, G_OPTION_ARG_STRING, &part, "unet, vae, text or taesd alone",
      "PART" },
    { "hollow", 0, 0, G_OPTION_ARG_NONE, &hollow, "a hole instead of values", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("OUT.safetensors");
  g_autoptr (GError) error = NULL;
  g_option_context_add_main_entries (context, entries, NULL);
  gboolean good = g_option_context_parse (context, &argc, &argv, &error);
  gboolean known = part == NULL || strcmp (part, "unet") == 0 || strcmp (part, "vae") == 0
                   || strcmp (part, "text") == 0 || strcmp (part, "taesd") == 0;
  const Config *config = find_config (family != NULL ? family : "sd1", is_narrow);
  if (!good || argc != 2 || !known || config == NULL || channels < 1 || channels > 16)
    {
      g_printerr ("make-checkpoint: %s\n", error != NULL ? error->message : USAGE);
      return 2;
    }
  g_autoptr (GArray) items = g_array_new (FALSE, FALSE, sizeof (Item));
  g_array_set_clear_func (items, item_clear);
  if (part == NULL || strcmp (part, "unet") == 0)
    add_unet (items, config);
  if (part == NULL || strcmp (part, "vae") == 0)
    add_vae (items, config);
  if (part == NULL || strcmp (part, "text") == 0)
    add_text (items, config);
  if (part != NULL && strcmp (part, "taesd") == 0)
    add_taesd (items);
  if (hollow ? write_hollow (argv[1], config, items, &error)
             : fill_all (items, &error) && write_items (argv[1], config, items, &error))
    return 0;
  g_printerr ("make-checkpoint: %s\n", error->message);
  return 1;
}
