/* test-sd-names.c: the formula's checkpoint has the bytes of its twin; a diffusers folder
 * made of it, and of the bundled model, gives the same tensors by the same names
 *
 * CALOTYPE_MAKE_CHECKPOINT is the built tool. The pairs of names in
 * tests/golden/sd-names.json are those of diffusers' own converter.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd.h"
#include "sd/sd-engine-private.h"
#include "sd/sd-names.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

static const char index_json[]
    = "{\"_class_name\": \"StableDiffusionPipeline\", "
      "\"unet\": [\"diffusers\", \"UNet2DConditionModel\"], "
      "\"vae\": [\"diffusers\", \"AutoencoderKL\"], "
      "\"text_encoder\": [\"transformers\", \"CLIPTextModel\"]}";

static char *folder; /* of this run */
static char *narrow; /* the formula's narrow model */

static JsonObject *
read_golden (JsonParser *parser, const char *name)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "golden", name, NULL);
  g_autoptr (GError) error = NULL;
  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);
  return json_node_get_object (json_parser_get_root (parser));
}

static void
test_checkpoint_bytes (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *golden = read_golden (parser, "sd-narrow.json");
  g_autoptr (GError) error = NULL;
  g_autofree char *bytes = NULL;
  gsize n;
  g_file_get_contents (narrow, &bytes, &n, &error);
  g_assert_no_error (error);
  g_autofree char *hash
      = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) bytes, n);
  g_assert_cmpstr (hash, ==, json_object_get_string_member (golden, "model_sha256"));
}

static gpointer
read_tensor (const StModelTensor *t, guint64 *n)
{
  g_autoptr (GError) error = NULL;
  *n = t->tensor->end - t->tensor->begin;
  gpointer bytes = g_malloc (MAX (*n, 1));
  st_file_read (t->file, t->tensor->begin, *n, bytes, &error);
  g_assert_no_error (error);
  return bytes;
}

/* One part of a diffusers folder; its VAE keeps 1×1 convolutions of attention as
 * matrices. */
static void
write_part (StModel *model, JsonArray *pairs, const char *part, const char *target)
{
  g_autofree char *prefix = g_strconcat (part, "/", NULL);
  g_autofree StWriteTensor *tensors
      = g_new0 (StWriteTensor, json_array_get_length (pairs));
  g_autoptr (GPtrArray) data = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  guint n = 0;
  for (guint i = 0; i < json_array_get_length (pairs); i++)
    {
      JsonArray *pair = json_array_get_array_element (pairs, i);
      const char *there = json_array_get_string_element (pair, 1);
      if (!g_str_has_prefix (there, prefix))
        continue;
      const StModelTensor *t
          = st_model_find (model, json_array_get_string_element (pair, 0));
      g_assert_nonnull (t);
      guint64 size;
      gboolean matrix = g_str_has_prefix (there, "vae/")
                        && strstr (there, ".attentions.") != NULL && t->tensor->rank == 4;
      g_ptr_array_add (data, read_tensor (t, &size));
      tensors[n++] = (StWriteTensor){ there + strlen (prefix), t->tensor->dtype,
                                      matrix ? 2 : t->tensor->rank, t->tensor->shape,
                                      g_ptr_array_index (data, data->len - 1) };
    }
  g_autofree char *inner = g_build_filename (target, part, NULL);
  g_autofree char *path = g_build_filename (inner,
                                            strcmp (part, "text_encoder") == 0
                                                ? "model.safetensors"
                                                : "diffusion_pytorch_model.safetensors",
                                            NULL);
  g_assert_cmpint (g_mkdir_with_parents (inner, 0700), ==, 0);
  st_write (path, tensors, n, NULL, &error);
  g_assert_no_error (error);
}

static void
assert_same_tensor (const StModelTensor *one, const StModelTensor *other)
{
  guint64 n, m;
  g_autofree guint8 *a = read_tensor (one, &n), *b = read_tensor (other, &m);
  g_assert_cmpmem (a, n, b, m);
  g_assert_cmpint (one->tensor->dtype, ==, other->tensor->dtype);
  g_assert_cmpuint (one->tensor->count, ==, other->tensor->count);
  guint rows[2], cols[2];
  if (sd_names_matrix (one->tensor, &rows[0], &cols[0]))
    {
      g_assert_true (sd_names_matrix (other->tensor, &rows[1], &cols[1]));
      g_assert_cmpuint (rows[0], ==, rows[1]);
      g_assert_cmpuint (cols[0], ==, cols[1]);
    }
}

/* One pass of the UNet on the plain C reference; @config: of the folder's UNet. */
static void
run_pass (const char *path, const char *config, float out[4 * 64])
{
  g_autoptr (GError) error = NULL;
  float x[4 * 64];
  double t = 321;
  guint ids[SD_TEXT_TOKENS] = { 0 };

  if (config != NULL)
    {
      g_autofree char *file = g_build_filename (path, "unet", "config.json", NULL);
      g_file_set_contents (file, config, -1, &error);
      g_assert_no_error (error);
    }
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (SdEngine) engine
      = sd_engine_new (model, -2, SD_PRECISION_AUTO, NULL, &error);
  g_assert_no_error (error);
  g_autofree float *context
      = g_new (float, (gsize) SD_TEXT_TOKENS *sd_engine_context_width (engine));
  g_autofree float *row = g_new (float, sd_unet_emb_total (engine->unet));
  g_autoptr (BaseRandom) random = base_random_new (BASE_RANDOM_CPU, 7);
  base_random_normal (random, G_N_ELEMENTS (x), x);
  sd_engine_encode_tokens (engine, ids, 1, context, NULL, NULL, &error);
  g_assert_no_error (error);
  sd_engine_embed_times (engine, &t, NULL, 1, row, NULL, &error);
  g_assert_no_error (error);
  sd_engine_set_context (engine, context, 1, NULL, &error);
  g_assert_no_error (error);
  sd_engine_pass (engine, &(SdInput){ x, 8, 8, NULL }, 1, row, out, NULL, &error);
  g_assert_no_error (error);
}

/* The folder computes what the single file does, and its config.json is listened to: of
 * the UNet, "attention_head_dim" is the number of heads. */
static void
check_pass (const char *single, const char *folder_path)
{
  float one[4 * 64], other[4 * 64];

  run_pass (single, NULL, one);
  run_pass (folder_path, "{\"attention_head_dim\": 8}", other);
  g_assert_cmpmem (one, sizeof one, other, sizeof other);
  run_pass (folder_path, "{\"attention_head_dim\": [4, 4, 8, 8]}", other);
  g_assert_cmpint (memcmp (one, other, sizeof one), !=, 0);
}

static void
check_folder (const char *which, const char *path)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonArray *pairs
      = json_object_get_array_member (read_golden (parser, "sd-names.json"), which);
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) single = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  g_autofree char *target = g_build_filename (folder, which, NULL);
  write_part (single, pairs, "unet", target);
  write_part (single, pairs, "vae", target);
  write_part (single, pairs, "text_encoder", target);
  g_autofree char *index = g_build_filename (target, "model_index.json", NULL);
  g_file_set_contents (index, index_json, -1, &error);
  g_assert_no_error (error);

  g_autoptr (StModel) model = st_model_open (target, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (st_model_is_folder (model));
  g_autoptr (SdNames) names = sd_names_new (model), own = sd_names_new (single);
  guint n = json_array_get_length (pairs);
  g_assert_cmpuint (n, ==, st_model_n_tensors (model));
  for (guint i = 0; i < n; i++)
    {
      JsonArray *pair = json_array_get_array_element (pairs, i);
      const char *ldm = json_array_get_string_element (pair, 0);
      const StModelTensor *found = sd_names_find (names, ldm);
      if (found == NULL)
        g_error ("%s: no %s", which, ldm);
      g_assert_cmpstr (found->name, ==, json_array_get_string_element (pair, 1));
      assert_same_tensor (sd_names_find (own, ldm), found);
    }
  g_assert_false (sd_names_has (names, "model.diffusion_model.nonesuch"));

  g_autoptr (SdInfo) info = sd_info_new (model);
  g_assert_cmpstr (info->why_not, ==, NULL);
  g_assert_true (info->can_generate);
  g_assert_true (info->diffusers_names);
  g_assert_cmpint (info->family, ==, SD_FAMILY_SD1);
  check_pass (path, target);
}

static void
test_folder_narrow (void)
{
  check_folder ("narrow", narrow);
}

static void
test_folder_bundled (void)
{
  g_autofree char *path = sd_bundled_model_path ();
  check_folder ("sample", path);
}

/* Older folders call the VAE's attention query, key, value and proj_attn. */
static void
test_older_vae_names (void)
{
  static const char *const names[][2] = {
    { "decoder.mid_block.attentions.0.query.weight", "decoder.mid.attn_1.q.weight" },
    { "decoder.mid_block.attentions.0.key.bias", "decoder.mid.attn_1.k.bias" },
    { "encoder.mid_block.attentions.0.value.bias", "encoder.mid.attn_1.v.bias" },
    { "encoder.mid_block.attentions.0.proj_attn.weight",
      "encoder.mid.attn_1.proj_out.weight" },
  };
  g_autofree char *target = g_build_filename (folder, "older", NULL);
  g_autofree char *inner = g_build_filename (target, "vae", NULL);
  g_autofree char *path
      = g_build_filename (inner, "diffusion_pytorch_model.safetensors", NULL);
  g_autofree char *index = g_build_filename (target, "model_index.json", NULL);
  g_autoptr (GError) error = NULL;
  StWriteTensor tensors[G_N_ELEMENTS (names)];
  const guint64 side = 1;
  const float zero = 0;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    tensors[i] = (StWriteTensor){ names[i][0], ST_DTYPE_F32, 1, &side, &zero };
  g_assert_cmpint (g_mkdir_with_parents (inner, 0700), ==, 0);
  st_write (path, tensors, G_N_ELEMENTS (names), NULL, &error);
  g_assert_no_error (error);
  g_file_set_contents (index, "{\"vae\": [\"diffusers\", \"AutoencoderKL\"]}", -1,
                       &error);
  g_assert_no_error (error);
  g_autoptr (StModel) model = st_model_open (target, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (SdNames) map = sd_names_new (model);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *ldm = g_strconcat (SD_NAMES_VAE, names[i][1], NULL);
      g_assert_true (sd_names_has (map, ldm));
    }
}

static void
make_narrow (void)
{
  const char *tool = g_getenv ("CALOTYPE_MAKE_CHECKPOINT");
  g_autoptr (GError) error = NULL;
  if (tool == NULL)
    g_error ("CALOTYPE_MAKE_CHECKPOINT is not set");
  folder = g_dir_make_tmp ("calotype-names-XXXXXX", &error);
  g_assert_no_error (error);
  narrow = g_build_filename (folder, "narrow.safetensors", NULL);
  const char *argv[] = { tool, "--narrow", narrow, NULL };
  int status = 0;
  g_spawn_sync (NULL, (char **) argv, NULL, 0, NULL, NULL, NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, &error));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  make_narrow ();
  g_test_add_func ("/sd/checkpoint/bytes", test_checkpoint_bytes);
  g_test_add_func ("/sd/names/folder-narrow", test_folder_narrow);
  g_test_add_func ("/sd/names/folder-bundled", test_folder_bundled);
  g_test_add_func ("/sd/names/older-vae-names", test_older_vae_names);
  int status = g_test_run ();
  const char *remove[] = { "rm", "-r", "--", folder, NULL };
  g_spawn_sync (NULL, (char **) remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                NULL, NULL);
  g_free (folder);
  g_free (narrow);
  return status;
}
