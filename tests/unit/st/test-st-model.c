/* test-st-model.c: shard indexes and folders as one model
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "scratch.h"

#include "st/st-verdict.h"

#include <glib/gstdio.h>
#include <string.h>

/* Each test works in a folder of its own. */
static char *folder;

static char *
path_of (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

static void
put_text (const char *name, const char *text)
{
  g_autofree char *path = path_of (name);
  g_autofree char *dir = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (dir, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* A file of one tensor, whose single byte is @value. */
static void
put_tensor (const char *name, const char *tensor_name, guint8 value)
{
  const StWriteTensor tensor = { tensor_name, ST_DTYPE_U8, 0, NULL, &value };
  g_autofree char *path = path_of (name);
  g_autofree char *dir = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (dir, 0700), ==, 0);
  g_assert_true (st_write (path, &tensor, 1, NULL, NULL));
}

static StModel *
open_good (const char *name)
{
  g_autofree char *path = path_of (name);
  g_autoptr (GError) error = NULL;
  StModel *model = st_model_open (path, NULL, &error);

  g_assert_no_error (error);
  return model;
}

static void
assert_refused (const char *name, int code, const char *part)
{
  g_autofree char *path = path_of (name);
  g_autoptr (GError) error = NULL;

  g_assert_null (st_model_open (path, NULL, &error));
  g_assert_error (error, ST_ERROR, code);
  if (strstr (error->message, part) == NULL)
    g_error ("“%s” lacks “%s”", error->message, part);
}

static guint8
value_of (StModel *model, const char *name)
{
  const StModelTensor *tensor = st_model_find (model, name);
  guint8 value = 0;

  g_assert_nonnull (tensor);
  g_assert_true (st_file_read (tensor->file, tensor->tensor->begin, 1, &value, NULL));
  return value;
}

#define INDEX "m.safetensors.index.json"

static void
test_shards (void)
{
  g_autoptr (StModel) model = NULL;
  g_autofree char *title = NULL;

  put_tensor ("m-00001-of-00002.safetensors", "a", 1);
  put_tensor ("m-00002-of-00002.safetensors", "b.c", 2);
  put_text (INDEX, "{\"metadata\":{\"total_size\":2},\"weight_map\":{"
                   "\"b.c\":\"m-00002-of-00002.safetensors\","
                   "\"a\":\"m-00001-of-00002.safetensors\"}}\n");
  model = open_good (INDEX);
  title = st_model_title (model);
  g_assert_cmpstr (title, ==, "m");
  g_assert_cmpuint (st_model_n_files (model), ==, 2);
  g_assert_cmpuint (st_model_n_tensors (model), ==, 2);
  g_assert_cmpuint (value_of (model, "a"), ==, 1);
  g_assert_cmpuint (value_of (model, "b.c"), ==, 2);
  g_assert_null (st_model_find (model, "c"));
  g_assert_false (st_model_is_folder (model));
  g_assert_null (st_model_warnings (model)[0]);
}

static void
test_index_entries_absent (void)
{
  g_autoptr (StModel) model = NULL;
  const char *const *warnings;

  put_tensor ("x.safetensors", "a", 1);
  put_text (INDEX, "{\"weight_map\":{\"a\":\"x.safetensors\",\"gone\":\"x.safetensors\","
                   "\"too\":\"x.safetensors\"}}");
  model = open_good (INDEX);
  warnings = st_model_warnings (model);
  g_assert_nonnull (strstr (warnings[0], "2 tensors"));
  g_assert_nonnull (strstr (warnings[0], "“gone”"));
  g_assert_null (warnings[1]);
}

static void
test_shard_missing (void)
{
  put_tensor ("x.safetensors", "a", 1);
  put_text (INDEX, "{\"weight_map\":{\"a\":\"x.safetensors\",\"b\":\"y.safetensors\"}}");
  assert_refused (INDEX, ST_ERROR_INDEX, "1 of the 2 files");
  assert_refused (INDEX, ST_ERROR_INDEX, "“y.safetensors”");
}

static void
test_shard_broken (void)
{
  put_tensor ("x.safetensors", "a", 1);
  put_text ("y.safetensors", "version https://git-lfs.github.com/spec/v1\n");
  put_text (INDEX, "{\"weight_map\":{\"a\":\"x.safetensors\",\"b\":\"y.safetensors\"}}");
  assert_refused (INDEX, ST_ERROR_HEADER_TOO_LARGE, "“y.safetensors”: this is a Git LFS");
}

static gboolean
warns (StModel *model, const char *part)
{
  for (const char *const *w = st_model_warnings (model); *w != NULL; w++)
    if (strstr (*w, part) != NULL)
      return TRUE;
  return FALSE;
}

/* What lies there against what the index tells. */
static void
test_index_against_files (void)
{
  g_autoptr (StModel) model = NULL, old = NULL;

  put_tensor ("m-00001-of-00002.safetensors", "a", 1);
  put_tensor ("m-00002-of-00002.safetensors", "b", 2);
  put_tensor ("m-00003-of-00003.safetensors", "c", 3);
  put_tensor ("other-00003-of-00003.safetensors", "c", 3);
  put_text (INDEX, "{\"metadata\":{\"x\":{},\"total_size\": 7 },\"weight_map\":{"
                   "\"a\":\"m-00001-of-00002.safetensors\","
                   "\"z\":\"m-00002-of-00002.safetensors\"}}\n");
  model = open_good (INDEX);
  g_assert_true (
      warns (model, "tells of 7 bytes in all (total_size), the tensors have 2"));
  g_assert_true (warns (model, "does not name 1 tensor that"));
  g_assert_true (warns (model, "“m-00003-of-00003.safetensors” lies beside “" INDEX "”"));
  g_assert_false (warns (model, "other-"));
  /* Totals of another form are nobody's fault. */
  put_text (INDEX, "{\"metadata\":{\"total_size\":\"2\"},\"weight_map\":{"
                   "\"a\":\"m-00001-of-00002.safetensors\","
                   "\"b\":\"m-00002-of-00002.safetensors\"}}\n");
  old = open_good (INDEX);
  g_assert_false (warns (old, "total_size"));
}

#define HUB "models--own--na--me"

static void
test_hub (void)
{
  g_autoptr (StModel) model = NULL, only = NULL, file = NULL, other = NULL;
  g_autoptr (StVerdict) verdict = NULL, plain = NULL, of_folder = NULL;

  put_tensor (HUB "/snapshots/one/model.safetensors", "a", 1);
  only = open_good (HUB);
  g_assert_cmpuint (value_of (only, "a"), ==, 1);
  put_tensor (HUB "/snapshots/two/model.safetensors", "a", 2);
  assert_refused (HUB, ST_ERROR_INDEX, "no model");
  put_text (HUB "/refs/main", "two");
  model = open_good (HUB);
  g_assert_cmpuint (value_of (model, "a"), ==, 2);
  /* No way out of the folder. */
  put_text (HUB "/refs/main", "../../..");
  assert_refused (HUB, ST_ERROR_INDEX, "no model");
  file = open_good (HUB "/snapshots/one/model.safetensors");
  verdict = st_verdict_new (file);
  of_folder = st_verdict_new (model);
  g_assert_cmpstr (of_folder->hub_revision, ==, "two");
  g_assert_cmpstr (verdict->hub_repository, ==, "own/na--me");
  g_assert_cmpstr (verdict->hub_revision, ==, "one");
  put_tensor ("models--x/model.safetensors", "a", 1);
  other = open_good ("models--x/model.safetensors");
  plain = st_verdict_new (other);
  g_assert_null (plain->hub_repository);
}

/* A name of two files is the first one's, and said. */
static void
test_twice (void)
{
  g_autoptr (StModel) model = NULL;

  put_tensor ("x.safetensors", "a", 1);
  put_tensor ("y.safetensors", "a", 2);
  put_text (INDEX, "{\"weight_map\":{\"a\":\"x.safetensors\",\"b\":\"y.safetensors\"}}");
  model = open_good (INDEX);
  g_assert_cmpuint (value_of (model, "a"), ==, 1);
  g_assert_nonnull (strstr (st_model_warnings (model)[0], "1 tensors that an earlier"));
  g_assert_nonnull (strstr (st_model_warnings (model)[1], "“b”"));
}

static void
test_index_refused (void)
{
  static const struct
  {
    const char *text, *part;
  } bad[] = {
    { "", "byte 0" },
    { "[]", "'{'" },
    { "{}", "weight_map" },
    { "{\"weight_map\":{}}", "no file" },
    { "{\"weight_map\":[]}", "'{'" },
    { "{\"weight_map\":{\"a\":1}}", "a string" },
    { "{\"weight_map\":{\"a\":\"../x.safetensors\"}}", "“../x.safetensors”" },
    { "{\"weight_map\":{\"a\":\"/etc/x.safetensors\"}}", "plain name" },
    { "{\"weight_map\":{\"a\":\"d/x.safetensors\"}}", "plain name" },
    { "{\"weight_map\":{\"a\":\"c:\\\\x.safetensors\"}}", "plain name" },
    { "{\"weight_map\":{\"a\":\"..\"}}", "plain name" },
    { "{\"weight_map\":{\"a\":\"\"}}", "plain name" },
    { "{\"weight_map\":{\"a\":\"x\\u0000.safetensors\"}}", "plain name" },
    { "{\"weight_map\":{\"a\":\"x.bin\"}}", "“x.bin”" },
    { "{\"weight_map\":{\"a\":\"x.safetensors\"}", "ends" },
    { "{\"weight_map\":{\"a\":\"x.safetensors\"},\"weight_map\":{}}", "twice" },
    { "{\"weight_map\":{\"a\":\"x.safetensors\"}}}", "end of the text" },
    { "{\"a\":\"\xff\"}", "UTF-8" },
  };

  put_tensor ("x.safetensors", "a", 1);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      put_text (INDEX, bad[i].text);
      assert_refused (INDEX, ST_ERROR_INDEX, bad[i].part);
    }
}

static void
test_diffusers_folder (void)
{
  g_autoptr (StModel) model = NULL;
  g_autoptr (StModel) by_file = NULL;
  g_autoptr (StTree) tree = NULL;
  g_autofree char *text = NULL;
  gsize length;

  put_text (
      "d/model_index.json",
      "{\"_class_name\":\"StableDiffusionPipeline\",\"requires_safety_checker\":[true],"
      "\"scheduler\":[\"diffusers\",\"PNDMScheduler\"],\"safety_checker\":[null,null],"
      "\"text_encoder\":[\"transformers\",\"CLIPTextModel\"],"
      "\"tokenizer\":[\"transformers\",\"CLIPTokenizer\"],"
      "\"unet\":[\"diffusers\",\"UNet2DConditionModel\"],"
      "\"vae\":[\"diffusers\",\"AutoencoderKL\"],\"../e\":[\"a\",\"b\"]}");
  put_text ("d/unet/config.json", "{\"in_channels\":4}");
  /* Full weights are preferred to half ones; half ones alone will do; shards inside. */
  put_tensor ("d/text_encoder/model.safetensors", "t", 1);
  put_tensor ("d/text_encoder/model.fp16.safetensors", "t", 2);
  put_tensor ("d/vae/diffusion_pytorch_model.fp16.safetensors", "v.x", 3);
  put_text ("d/unet/diffusion_pytorch_model.safetensors.index.json",
            "{\"weight_map\":{\"p.a\":\"u1.safetensors\",\"q\":\"u2.safetensors\"}}");
  put_tensor ("d/unet/u1.safetensors", "p.a", 4);
  put_tensor ("d/unet/u2.safetensors", "q", 5);
  model = open_good ("d");
  g_assert_true (st_model_is_folder (model));
  g_assert_cmpuint (st_model_n_files (model), ==, 4);
  g_assert_cmpuint (value_of (model, "text_encoder/t"), ==, 1);
  g_assert_cmpuint (value_of (model, "vae/v.x"), ==, 3);
  g_assert_cmpuint (value_of (model, "unet/p.a"), ==, 4);
  g_assert_cmpuint (value_of (model, "unet/q"), ==, 5);
  g_assert_null (st_model_warnings (model)[0]);
  text = st_model_read_json (model, "unet/config.json", &length);
  g_assert_cmpstr (text, ==, "{\"in_channels\":4}");
  g_assert_cmpuint (length, ==, strlen (text));
  g_assert_null (st_model_read_json (model, "vae/config.json", NULL));
  tree = st_tree_new (model, NULL, NULL);
  g_assert_cmpstr (st_tree_root (tree)->label, ==, "d");
  g_assert_cmpuint (st_tree_root (tree)->n_children, ==, 3);
  g_assert_cmpstr (st_tree_root (tree)->children[1]->label, ==, "unet");
  g_assert_cmpstr (st_tree_root (tree)->children[1]->children[0]->path, ==, "unet/p");
  by_file = open_good ("d/model_index.json");
  g_assert_cmpuint (st_model_n_tensors (by_file), ==, 4);
}

static void
test_folder_without_weights (void)
{
  g_autoptr (StModel) model = NULL;

  put_text ("d/model_index.json", "{\"unet\":[\"a\",\"b\"],\"vae\":[\"a\",\"b\"]}");
  put_text ("d/unet/diffusion_pytorch_model.bin", "PK");
  assert_refused ("d", ST_ERROR_INDEX, "none of the 2 parts");
  put_tensor ("d/vae/diffusion_pytorch_model.safetensors", "v", 1);
  model = open_good ("d");
  g_assert_nonnull (strstr (st_model_warnings (model)[0], "“unet”"));
}

static void
test_plain_folder (void)
{
  g_autoptr (StModel) model = NULL;
  g_autofree char *text = NULL;

  put_text ("e/config.json", "{}");
  assert_refused ("e", ST_ERROR_INDEX, "no model");
  put_tensor ("e/something.safetensors", "a", 7);
  model = open_good ("e");
  g_assert_false (st_model_is_folder (model));
  g_assert_cmpuint (value_of (model, "a"), ==, 7);
  text = st_model_read_json (model, "config.json", NULL);
  g_assert_cmpstr (text, ==, "{}");
  put_tensor ("e/another.safetensors", "b", 7);
  assert_refused ("e", ST_ERROR_INDEX, "nor one");
}

static void
run (gconstpointer test)
{
  folder = g_dir_make_tmp ("st-model-XXXXXX", NULL);
  ((void (*) (void)) test) ();
  scratch_remove (folder);
  g_clear_pointer (&folder, g_free);
}

#define ADD(name, test)                                                                  \
  g_test_add_data_func ("/st/model/" name, (gconstpointer) test, run)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("shards", test_shards);
  ADD ("index-entries-absent", test_index_entries_absent);
  ADD ("shard-missing", test_shard_missing);
  ADD ("shard-broken", test_shard_broken);
  ADD ("twice", test_twice);
  ADD ("index-against-files", test_index_against_files);
  ADD ("hub", test_hub);
  ADD ("index-refused", test_index_refused);
  ADD ("diffusers-folder", test_diffusers_folder);
  ADD ("folder-without-weights", test_folder_without_weights);
  ADD ("plain-folder", test_plain_folder);
  return g_test_run ();
}
