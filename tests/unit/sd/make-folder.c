/* make-folder.c: a diffusers folder from a single file of the formula
 *
 *     make-folder SINGLE NAMES.json WHICH FOLDER [VARIANT]
 *
 * WHICH: "v2" or "ssd1b", a list of sd-names.json with the UNet's names; the VAE's are
 * those of its list "narrow"; those of text encoders are transformers', whose matrices of
 * query, key and value are three where OpenCLIP has one. VARIANT stands before the suffix
 * (“.fp16”). The text encoder of 2.x leaves its last layer out.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

static StModel *single;
static const char *folder, *variant = "";

typedef struct
{
  GArray *tensors;   /* StWriteTensor */
  GPtrArray *memory; /* names, values, shapes */
} Part;

static void
part_init (Part *part)
{
  part->tensors = g_array_new (FALSE, FALSE, sizeof (StWriteTensor));
  part->memory = g_ptr_array_new_with_free_func (g_free);
}

static gboolean
part_write (Part *part, const char *name, const char *file, GError **error)
{
  g_autofree char *inner = g_build_filename (folder, name, NULL);
  g_autofree char *leaf = g_strconcat (file, variant, ".safetensors", NULL);
  g_autofree char *path = g_build_filename (inner, leaf, NULL);
  g_mkdir_with_parents (inner, 0777);
  gboolean good = st_write (path, (StWriteTensor *) part->tensors->data,
                            part->tensors->len, NULL, error);
  g_array_unref (part->tensors);
  g_ptr_array_unref (part->memory);
  return good;
}

/* Rows [first, first + n) of @t; n 0: all of it. */
static void
part_add (Part *part, const StModelTensor *t, char *name, guint64 first, guint64 n)
{
  guint64 bytes = t->tensor->end - t->tensor->begin;
  guint64 row = n > 0 ? bytes / t->tensor->shape[0] : 0;
  guint64 *shape = g_memdup2 (t->tensor->shape, t->tensor->rank * sizeof *shape);
  gpointer data = g_malloc (n > 0 ? n * row : bytes);
  if (n > 0)
    shape[0] = n;
  g_assert_true (st_file_read (t->file, t->tensor->begin + first * row,
                               n > 0 ? n * row : bytes, data, NULL));
  const StWriteTensor out = { name, t->tensor->dtype, t->tensor->rank, shape, data };
  g_array_append_val (part->tensors, out);
  g_ptr_array_add (part->memory, name);
  g_ptr_array_add (part->memory, shape);
  g_ptr_array_add (part->memory, data);
}

static gboolean
write_pairs (JsonObject *names, const char *which, const char *part_name, GError **error)
{
  JsonArray *pairs = json_object_get_array_member (names, which);
  g_autofree char *prefix = g_strconcat (part_name, "/", NULL);
  Part part;
  part_init (&part);
  for (guint i = 0; i < json_array_get_length (pairs); i++)
    {
      JsonArray *pair = json_array_get_array_element (pairs, i);
      const char *there = json_array_get_string_element (pair, 1);
      const StModelTensor *t
          = st_model_find (single, json_array_get_string_element (pair, 0));
      if (!g_str_has_prefix (there, prefix))
        continue;
      if (t == NULL)
        g_error ("%s is not in the file", json_array_get_string_element (pair, 0));
      part_add (&part, t, g_strdup (there + strlen (prefix)), 0, 0);
    }
  return part_write (&part, part_name, "diffusion_pytorch_model", error);
}

/* ---- text encoders ---- */

static void
add_layer_tensor (Part *part, const StModelTensor *t, const char *layer, const char *leaf)
{
  static const char *const third[] = { "q", "k", "v" };
  static const char *const leaves[][2] = {
    { "ln_1.", "layer_norm1." },
    { "ln_2.", "layer_norm2." },
    { "mlp.c_fc.", "mlp.fc1." },
    { "mlp.c_proj.", "mlp.fc2." },
    { "attn.out_proj.", "self_attn.out_proj." },
  };
  guint64 n = t->tensor->shape[0] / 3;
  for (guint i = 0; g_str_has_prefix (leaf, "attn.in_proj_") && i < 3; i++)
    part_add (part, t,
              g_strdup_printf ("text_model.encoder.layers.%s.self_attn.%s_proj.%s", layer,
                               third[i], leaf + strlen ("attn.in_proj_")),
              i * n, n);
  for (guint i = 0; i < G_N_ELEMENTS (leaves); i++)
    if (g_str_has_prefix (leaf, leaves[i][0]))
      part_add (part, t,
                g_strdup_printf ("text_model.encoder.layers.%s.%s%s", layer, leaves[i][1],
                                 leaf + strlen (leaves[i][0])),
                0, 0);
}

/* [in][out] as [out][in] */
static void
add_transposed (Part *part, const StModelTensor *t, const char *name)
{
  guint64 in = t->tensor->shape[0], out = t->tensor->shape[1];
  g_autofree guint16 *from = g_new (guint16, in * out);
  guint16 *to = g_new (guint16, in * out);
  guint64 *shape = g_new (guint64, 2);
  g_assert_true (st_file_read (t->file, t->tensor->begin, in * out * 2, from, NULL));
  for (guint64 i = 0; i < in; i++)
    for (guint64 o = 0; o < out; o++)
      to[o * in + i] = from[i * out + o];
  shape[0] = out;
  shape[1] = in;
  const StWriteTensor made = { name, t->tensor->dtype, 2, shape, to };
  g_array_append_val (part->tensors, made);
  g_ptr_array_add (part->memory, shape);
  g_ptr_array_add (part->memory, to);
}

static void
add_open (Part *part, const StModelTensor *t, const char *name, const char *left_out)
{
  static const char blocks[] = "transformer.resblocks.";
  static const char *const leaves[][2] = {
    { "token_embedding.", "text_model.embeddings.token_embedding." },
    { "positional_embedding", "text_model.embeddings.position_embedding.weight" },
    { "ln_final.", "text_model.final_layer_norm." },
  };
  if (strcmp (name, "text_projection") == 0)
    add_transposed (part, t, "text_projection.weight");
  for (guint i = 0; i < G_N_ELEMENTS (leaves); i++)
    if (g_str_has_prefix (name, leaves[i][0]))
      part_add (part, t, g_strconcat (leaves[i][1], name + strlen (leaves[i][0]), NULL),
                0, 0);
  if (!g_str_has_prefix (name, blocks))
    return;
  name += strlen (blocks);
  g_autofree char *layer = g_strndup (name, strcspn (name, "."));
  if (g_strcmp0 (layer, left_out) != 0)
    add_layer_tensor (part, t, layer, name + strlen (layer) + 1);
}

static gboolean
write_text (const char *name, const char *root, const char *left_out, GError **error)
{
  static const char inner[] = "text_model.";
  Part part;
  part_init (&part);
  for (guint i = 0; i < st_model_n_tensors (single); i++)
    {
      const StModelTensor *t = st_model_tensor (single, i);
      if (!g_str_has_prefix (t->name, root) || g_str_has_suffix (t->name, "position_ids"))
        continue;
      if (g_str_has_suffix (root, inner))
        part_add (&part, t, g_strconcat (inner, t->name + strlen (root), NULL), 0, 0);
      else
        add_open (&part, t, t->name + strlen (root), left_out);
    }
  return part_write (&part, name, "model", error);
}

static gboolean
write_text_file (const char *relative, const char *text, GError **error)
{
  g_autofree char *path = g_build_filename (folder, relative, NULL);
  g_autofree char *above = g_path_get_dirname (path);
  g_mkdir_with_parents (above, 0777);
  return g_file_set_contents (path, text, -1, error);
}

#define INDEX(more)                                                                      \
  "{\"_class_name\": \"StableDiffusionPipeline\", "                                      \
  "\"unet\": [\"diffusers\", \"UNet2DConditionModel\"], "                                \
  "\"vae\": [\"diffusers\", \"AutoencoderKL\"], " more                                   \
  "\"text_encoder\": [\"transformers\", \"CLIPTextModel\"]}"

static gboolean
write_v2 (GError **error)
{
  return write_text ("text_encoder", "cond_stage_model.model.", "2", error)
         && write_text_file ("scheduler/scheduler_config.json",
                             "{\"prediction_type\": \"v_prediction\"}", error)
         && write_text_file ("unet/config.json", "{\"attention_head_dim\": [1, 2, 4, 4]}",
                             error)
         && write_text_file ("model_index.json", INDEX (""), error);
}

static gboolean
write_xl (GError **error)
{
  return write_text ("text_encoder", "conditioner.embedders.0.transformer.text_model.",
                     NULL, error)
         && write_text ("text_encoder_2", "conditioner.embedders.1.model.", NULL, error)
         && write_text_file ("scheduler/scheduler_config.json",
                             "{\"prediction_type\": \"epsilon\"}", error)
         && write_text_file ("vae/config.json", "{\"scaling_factor\": 0.13025}", error)
         && write_text_file ("unet/config.json", "{\"attention_head_dim\": [1, 2, 4]}",
                             error)
         && write_text_file ("model_index.json",
                             INDEX ("\"text_encoder_2\": [\"transformers\", "
                                    "\"CLIPTextModelWithProjection\"], "),
                             error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  if (argc != 5 && argc != 6)
    g_error ("usage: %s SINGLE NAMES.json v2|ssd1b FOLDER [VARIANT]", argv[0]);
  const char *which = argv[3];
  folder = argv[4];
  variant = argc == 6 ? argv[5] : "";
  single = st_model_open (argv[1], NULL, &error);
  if (single == NULL || !json_parser_load_from_file (parser, argv[2], &error))
    g_error ("%s", error->message);
  JsonObject *names = json_node_get_object (json_parser_get_root (parser));
  if (!write_pairs (names, which, "unet", &error)
      || !write_pairs (names, "narrow", "vae", &error)
      || !(strcmp (which, "v2") == 0 ? write_v2 (&error) : write_xl (&error)))
    g_error ("%s", error->message);
  st_model_unref (single);
  return 0;
}
