/* test-sd-library-folders.c: where models lie: other programs' folders and settings
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "library-tree.h"

/* ---- YAML ---- */

static GPtrArray *
parse (const char *text, char ***messages)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  GPtrArray *entries = sd_library_parse_yaml (text, "paths.yaml", builder);

  *messages = g_strv_builder_end (builder);
  return entries;
}

static void
assert_entry (GPtrArray *entries,
              guint index,
              const char *section,
              const char *key,
              const char *values)
{
  g_assert_cmpuint (index, <, entries->len);
  SdYamlEntry *entry = entries->pdata[index];
  g_autoptr (GPtrArray) list = g_ptr_array_new ();
  for (guint i = 0; i < entry->values->len; i++)
    g_ptr_array_add (list, entry->values->pdata[i]);
  g_ptr_array_add (list, NULL);
  g_autofree char *joined = g_strjoinv ("|", (char **) list->pdata);
  g_assert_cmpstr (entry->section, ==, section);
  g_assert_cmpstr (entry->key, ==, key);
  g_assert_cmpstr (joined, ==, values);
}

static void
test_yaml (void)
{
  g_auto (GStrv) messages = NULL;
  g_autoptr (GPtrArray) entries = parse ("\357\273\277# Rename this file\r\n"
                                         "---\r\n"
                                         "a111:\r\n"
                                         "    base_path: ~/webui/  # where it is\r\n"
                                         "\r\n"
                                         "    checkpoints: models/Stable-diffusion\r\n"
                                         "    loras: |\r\n"
                                         "         models/Lora\r\n"
                                         "         # not this\r\n"
                                         "         models/LyCORIS\r\n"
                                         "    vae: 'it''s: here#1'\r\n"
                                         "    embeddings: \"a \\\"b\\\"\"\r\n"
                                         "#comfyui:\r\n"
                                         "\"other\":   # of the second disk\r\n"
                                         "  is_default: true\r\n"
                                         "  controlnet:\r\n"
                                         "  - one\r\n"
                                         "  - 'two, three'\r\n"
                                         "  upscale_models: [ESRGAN, \"Swin IR\"]\r\n",
                                         &messages);
  g_assert_cmpuint (g_strv_length (messages), ==, 0);
  g_assert_cmpuint (entries->len, ==, 8);
  assert_entry (entries, 0, "a111", "base_path", "~/webui/");
  assert_entry (entries, 1, "a111", "checkpoints", "models/Stable-diffusion");
  assert_entry (entries, 2, "a111", "loras", "models/Lora|models/LyCORIS");
  assert_entry (entries, 3, "a111", "vae", "it's: here#1");
  assert_entry (entries, 4, "a111", "embeddings", "a \"b\"");
  assert_entry (entries, 5, "other", "is_default", "true");
  assert_entry (entries, 6, "other", "controlnet", "one|two, three");
  assert_entry (entries, 7, "other", "upscale_models", "ESRGAN|Swin IR");
}

static void
test_yaml_faults (void)
{
  g_auto (GStrv) messages = NULL;
  g_autoptr (GPtrArray) entries = parse ("checkpoints: /alone\n"
                                         "one:\n"
                                         "\tloras: /tab\n"
                                         "  nothing here\n"
                                         "  vae: &anchor /x\n"
                                         "  loras:\n"
                                         "    deeper: /x\n"
                                         "  clip: \"open\n"
                                         "  unet: [a, b\n"
                                         "  embeddings: /good\n",
                                         &messages);
  const char *const lines[]
      = { "line 1:", "line 3:", "line 4:", "line 5:", "line 7:", "line 8:", "line 9:" };

  g_assert_cmpuint (g_strv_length (messages), ==, G_N_ELEMENTS (lines));
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_assert_true (g_str_has_prefix (messages[i], "paths.yaml, "));
      g_assert_nonnull (strstr (messages[i], lines[i]));
    }
  assert_entry (entries, entries->len - 1, "one", "embeddings", "/good");
}

/* No text makes it read beyond its end, or never return. */
static void
test_yaml_any (void)
{
  static const char letters[] = "a:|-'\"[]# \t\n&\\\357";
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);

  for (guint i = 0; i < 3000; i++)
    {
      char text[64] = { 0 };
      for (guint k = 0; k < (guint) g_rand_int_range (rand, 0, 60); k++)
        text[k] = letters[g_rand_int_range (rand, 0, sizeof letters - 1)];
      g_auto (GStrv) messages = NULL;
      g_autoptr (GPtrArray) entries = parse (text, &messages);
      g_assert_nonnull (entries);
    }
}

/* ---- programs ---- */

static SdLibrary *
library_of_home (void)
{
  return sd_library_new (NULL, NULL);
}

/* (nullable) */
static const SdFolder *
find_folder (SdListing *listing, const char *program)
{
  for (guint i = 0; i < listing->folders->len; i++)
    {
      const SdFolder *folder = listing->folders->pdata[i];
      if (g_strcmp0 (folder->program, program) == 0)
        return folder;
    }
  return NULL;
}

static void
assert_kind (SdListing *listing, const char *end, SdFileKind kind, const char *name)
{
  const SdItem *item = tree_find (listing, end);

  g_assert_nonnull (item);
  g_assert_cmpstr (sd_file_kind_name (item->kind), ==, sd_file_kind_name (kind));
  g_assert_cmpstr (item->name, ==, name);
}

static void
test_webui (void)
{
  g_autoptr (SdLibrary) library = library_of_home ();
  g_autoptr (SdListing) listing = NULL;

  tree_model ("my webui/models/Stable-diffusion/sets/first.safetensors", -1);
  tree_lora ("my webui/models/Lora/style/ink.safetensors", "ink-v3");
  tree_text ("my webui/models/ESRGAN/4x.pth", "x");
  tree_text ("my webui/models/deepbooru/model.pt", "x");
  tree_text ("my webui/models/Codeformer/face.safetensors", "x");
  tree_tensor ("my webui/embeddings/word.safetensors", "emb_params", 2, 768, NULL, NULL);
  tree_text ("my webui/webui-user.sh",
             "#!/bin/bash\n#export COMMANDLINE_ARGS=\"--ckpt-dir /nowhere\"\n"
             "export COMMANDLINE_ARGS=\"--xformers --lora-dir '../my loras' "
             "--ckpt-dir=$HOME/big\"\n");
  g_setenv ("HOME", g_get_home_dir (), TRUE);
  tree_lora ("my loras/two.safetensors", NULL);
  tree_model ("big/huge.safetensors", -1);
  listing = tree_scan (library);
  g_assert_cmpuint (listing->items->len, ==, 6);
  assert_kind (listing, "/first.safetensors", SD_FILE_CHECKPOINT, "sets/first");
  assert_kind (listing, "/ink.safetensors", SD_FILE_LORA, "style/ink");
  assert_kind (listing, "/4x.pth", SD_FILE_UPSCALER, "4x");
  assert_kind (listing, "/word.safetensors", SD_FILE_EMBEDDING, "word");
  assert_kind (listing, "/two.safetensors", SD_FILE_LORA, "two");
  assert_kind (listing, "/huge.safetensors", SD_FILE_CHECKPOINT, "huge");
  g_assert_cmpuint (find_folder (listing, "Stable Diffusion WebUI")->n_items, ==, 6);
  g_assert_cmpint (tree_find (listing, "/word.safetensors")->family, ==, SD_FAMILY_SD1);
  g_assert_cmpint (tree_find (listing, "/ink.safetensors")->family, ==, SD_FAMILY_SD1);
  g_assert_nonnull (tree_find (listing, "/4x.pth")->why_not);
  g_assert_cmpstr (tree_find (listing, "/ink.safetensors")->where, ==,
                   "Stable Diffusion WebUI › style");
  g_assert_cmpstr (tree_find (listing, "/two.safetensors")->where, ==,
                   "Stable Diffusion WebUI");
}

static void
test_comfyui (void)
{
  g_autoptr (SdLibrary) library = library_of_home ();
  g_autoptr (SdListing) listing = NULL;

  tree_model ("git/ComfyUI/models/checkpoints/one.safetensors", -1);
  tree_folder ("git/ComfyUI/models/loras");
  tree_lora ("disk/models/Lora/far.safetensors", NULL);
  tree_lora ("disk/other/farther.safetensors", NULL);
  tree_text ("git/ComfyUI/extra_model_paths.yaml",
             "a111:\n    base_path: ~/disk\n    loras: |\n        models/Lora\n"
             "        other\n    checkpoints: missing\n"
             "gone:\n    base_path: /nonexistent/place\n    vae: vae\n");
  listing = tree_scan (library);
  g_assert_cmpuint (listing->items->len, ==, 3);
  assert_kind (listing, "/far.safetensors", SD_FILE_LORA, "far");
  assert_kind (listing, "/farther.safetensors", SD_FILE_LORA, "farther");
  g_assert_cmpuint (find_folder (listing, "ComfyUI")->n_items, ==, 3);
  g_assert_cmpuint (g_strv_length (listing->messages), ==, 1);
  g_assert_nonnull (strstr (listing->messages[0], "line 8"));
  g_assert_nonnull (strstr (listing->messages[0], "/nonexistent/place"));
}

static void
test_fooocus (void)
{
  g_autoptr (SdLibrary) library = library_of_home ();
  g_autoptr (SdListing) listing = NULL;

  tree_folder ("Fooocus/models/checkpoints");
  tree_text ("Fooocus/fooocus_version.py", "");
  tree_lora ("elsewhere/fine.safetensors", NULL);
  tree_text ("Fooocus/config.txt",
             "{\"path_checkpoints\": [\"../big\"], \"path_loras\": \"~/elsewhere\", "
             "\"path_outputs\": 3, \"path_vae\": null, \"path_embeddings\": [[1], {}]}");
  tree_model ("big/huge.safetensors", -1);
  listing = tree_scan (library);
  g_assert_cmpuint (listing->items->len, ==, 2);
  assert_kind (listing, "/fine.safetensors", SD_FILE_LORA, "fine");
  g_assert_cmpuint (find_folder (listing, "Fooocus")->n_items, ==, 2);
}

static void
test_hub (void)
{
  g_autoptr (SdLibrary) library = library_of_home ();
  g_autofree char *hub = tree_path ("cache/hub");
  g_autoptr (SdListing) listing = NULL;

  tree_model ("cache/hub/models--an--artist/blobs/1234", -1);
  tree_link ("cache/hub/models--an--artist/snapshots/aaaa/old.safetensors",
             "../../blobs/1234");
  tree_link ("cache/hub/models--an--artist/snapshots/bbbb/new.safetensors",
             "../../blobs/1234");
  tree_link ("cache/hub/models--an--artist/snapshots/bbbb/gone.safetensors",
             "../../blobs/5678");
  tree_text ("cache/hub/models--an--artist/refs/main", "bbbb\n");
  /* A language model of two shards, and a folder as diffusers has it, without weights. */
  tree_tensor ("cache/hub/models--big--llm/snapshots/c/model-00001-of-00002.safetensors",
               "model.layers.0.self_attn.q_proj.weight", 4, 4, NULL, NULL);
  tree_tensor ("cache/hub/models--big--llm/snapshots/c/small.safetensors",
               "model.layers.0.self_attn.q_proj.weight", 4, 4, NULL, NULL);
  tree_text ("cache/hub/models--half--done/snapshots/d/model_index.json",
             "{\"_class_name\": \"StableDiffusionPipeline\", \"unet\": [\"diffusers\", "
             "\"UNet2DConditionModel\"]}");
  g_setenv ("HF_HUB_CACHE", hub, TRUE);
  listing = tree_scan (library);
  g_assert_cmpuint (find_folder (listing, "Hugging Face")->n_items, ==,
                    listing->items->len);
  assert_kind (listing, "/new.safetensors", SD_FILE_CHECKPOINT, "an/artist/new");
  g_assert_null (tree_find (listing, "/old.safetensors"));
  g_assert_null (tree_find (listing, "/gone.safetensors"));
  g_assert_null (tree_find (listing, "/small.safetensors"));
  g_assert_cmpint (tree_find (listing, "/new.safetensors")->bytes, >, 1000000);
  g_unsetenv ("HF_HUB_CACHE");
  g_clear_pointer (&listing, sd_listing_unref);
  /* by the folder of all its caches */
  g_autofree char *home = tree_path ("cache");
  g_setenv ("HF_HOME", home, TRUE);
  listing = tree_scan (library);
  g_assert_nonnull (tree_find (listing, "/new.safetensors"));
  g_unsetenv ("HF_HOME");
}

static void
test_hidden_and_added (void)
{
  g_autofree char *webui = tree_path ("webui");
  g_autofree char *added = tree_path ("pictures/of mine");
  g_autofree char *missing = tree_path ("not/there");
  const char *const hidden[] = { webui, NULL };
  const char *const mine[] = { added, missing, NULL };
  g_autoptr (SdLibrary) library = sd_library_new (mine, hidden);
  g_autoptr (SdListing) listing = NULL;

  tree_model ("webui/models/Stable-diffusion/a.safetensors", -1);
  tree_model ("pictures/of mine/deep/er/b.safetensors", -1);
  listing = tree_scan (library);
  g_assert_cmpuint (listing->items->len, ==, 1);
  assert_kind (listing, "/b.safetensors", SD_FILE_CHECKPOINT, "deep/er/b");
  g_assert_cmpuint (listing->folders->len, ==, 3);
  g_assert_cmpint (((SdFolder *) listing->folders->pdata[0])->origin, ==, SD_FOLDER_OWN);
  g_assert_null (((SdFolder *) listing->folders->pdata[1])->fault);
  g_assert_nonnull (((SdFolder *) listing->folders->pdata[2])->fault);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_unsetenv ("HF_HOME");
  g_unsetenv ("HF_HUB_CACHE");
  g_test_add_func ("/library/yaml", test_yaml);
  g_test_add_func ("/library/yaml-faults", test_yaml_faults);
  g_test_add_func ("/library/yaml-any", test_yaml_any);
  g_test_add_func ("/library/webui", test_webui);
  g_test_add_func ("/library/comfyui", test_comfyui);
  g_test_add_func ("/library/fooocus", test_fooocus);
  g_test_add_func ("/library/hub", test_hub);
  g_test_add_func ("/library/hidden-and-added", test_hidden_and_added);
  return g_test_run ();
}
