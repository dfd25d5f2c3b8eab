/* test-sd-lora-names.c: which weight a key of a LoRA means, in every spelling
 *
 * test-sd-lora-names WHICH MODEL …: lists of tests/golden/sd-names.json, whose pairs are
 * those of diffusers' own converter, each with a model that has these names; MODEL "" is
 * the bundled one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-lora-private.h"

#include <json-glib/json-glib.h>
#include <string.h>

typedef struct
{
  const char *which, *path;
} Case;

static char *
flat (const char *name)
{
  return g_strdelimit (g_strdup (name), ".", '_');
}

static const char *
find (SdLoraTargets *targets, const char *start, const char *module)
{
  g_autofree char *name = g_strconcat (start, module, NULL);
  const SdLoraTarget *target = sd_lora_targets_find (targets, name, strlen (name));
  return target != NULL ? target->weight : NULL;
}

/* @ldm and @diffusers: without ".weight" and their parts' beginnings */
static void
check_unet (SdLoraTargets *targets,
            const char *weight,
            const char *ldm,
            const char *diffusers)
{
  g_autofree char *flat_ldm = flat (ldm), *flat_diffusers = flat (diffusers);

  g_assert_cmpstr (find (targets, "lora_unet_", flat_diffusers), ==, weight);
  g_assert_cmpstr (find (targets, "lora_unet_", flat_ldm), ==, weight);
  g_assert_cmpstr (find (targets, "lycoris_", flat_diffusers), ==, weight);
  g_assert_cmpstr (find (targets, "unet.", diffusers), ==, weight);
  g_assert_cmpstr (find (targets, "", diffusers), ==, weight);
  g_assert_cmpstr (find (targets, "diffusion_model.", ldm), ==, weight);
  g_assert_cmpstr (find (targets, "base_model.model.", diffusers), ==, weight);
  g_assert_cmpstr (find (targets, "unet.base_model.model.", diffusers), ==, weight);
  g_assert_null (find (targets, "lora_te_", flat_diffusers));
}

static void
check_text (SdLoraTargets *targets,
            const char *weight,
            const char *module,
            gboolean first)
{
  g_autofree char *underscores = flat (module);

  g_assert_cmpstr (find (targets, first ? "lora_te_" : "lora_te2_", underscores), ==,
                   weight);
  g_assert_cmpstr (find (targets, first ? "lora_te1_" : "lora_te2_", underscores), ==,
                   weight);
  g_assert_cmpstr (find (targets, first ? "text_encoder." : "text_encoder_2.", module),
                   ==, weight);
  g_assert_null (find (targets, "lora_unet_", underscores));
}

static char *
without (const char *name, const char *start)
{
  return g_strndup (name + strlen (start),
                    strlen (name) - strlen (start) - strlen (".weight"));
}

static void
test_names (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *json
      = g_test_build_filename (G_TEST_DIST, "golden", "sd-names.json", NULL);
  g_autofree char *path
      = *c->path != '\0' ? g_strdup (c->path) : sd_bundled_model_path ();
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  json_parser_load_from_file (parser, json, &error);
  g_assert_no_error (error);
  JsonArray *pairs = json_object_get_array_member (
      json_node_get_object (json_parser_get_root (parser)), c->which);
  g_autoptr (SdNames) names = sd_names_new (model);
  g_autoptr (SdLoraTargets) targets = sd_lora_targets_new (names);
  guint n_unet = 0, n_text = 0;

  for (guint i = 0; i < json_array_get_length (pairs); i++)
    {
      JsonArray *pair = json_array_get_array_element (pairs, i);
      const char *ldm = json_array_get_string_element (pair, 0);
      const char *there = json_array_get_string_element (pair, 1);

      if (!g_str_has_suffix (ldm, ".weight") || !g_str_has_suffix (there, ".weight")
          || strstr (there, "embedding.weight") != NULL)
        continue;
      if (g_str_has_prefix (there, "unet/"))
        {
          g_autofree char *own = without (ldm, SD_NAMES_UNET);
          g_autofree char *other = without (there, "unet/");
          check_unet (targets, ldm, own, other);
          n_unet++;
        }
      else if (g_str_has_prefix (there, "text_encoder/"))
        {
          g_autofree char *other = without (there, "text_encoder/");
          check_text (targets, ldm, other, TRUE);
          n_text++;
        }
    }
  g_test_message ("%u of the UNet, %u of the text encoder", n_unet, n_text);
  g_assert_cmpuint (n_unet, >, 150);
}

/* OpenCLIP's stacked matrix: each of the three has its rows. */
static void
test_stacked (gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model = st_model_open (data, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (SdNames) names = sd_names_new (model);
  g_autoptr (SdLoraTargets) targets = sd_lora_targets_new (names);
  static const char *const parts[] = { "q_proj", "k_proj", "v_proj" };

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *name = g_strdup_printf (
          "lora_te2_text_model_encoder_layers_1_self_attn_%s", parts[i]);
      const SdLoraTarget *target = sd_lora_targets_find (targets, name, strlen (name));
      g_assert_nonnull (target);
      g_assert_cmpstr (target->weight, ==,
                       SD_NAMES_TEXT_2 "encoder.layers.1.self_attn.in_proj.weight");
      g_assert_cmpstr (target->bias, ==,
                       SD_NAMES_TEXT_2 "encoder.layers.1.self_attn.in_proj.bias");
      g_assert_cmpuint (target->out, ==, 128);
      g_assert_cmpuint (target->first, ==, 128 * i);
      g_assert_true (target->text);
    }
}

/* Ends of keys, and of older spellings the whole. */
static void
test_ends (void)
{
  static const struct
  {
    const char *key, *module;
    SdLoraRole role;
  } known[] = {
    { "lora_unet_a_b.lora_down.weight", "lora_unet_a_b", SD_LORA_DOWN },
    { "lora_unet_a_b.lora_up.weight", "lora_unet_a_b", SD_LORA_UP },
    { "lora_unet_a_b.lora_mid.weight", "lora_unet_a_b", SD_LORA_MID },
    { "lora_unet_a_b.alpha", "lora_unet_a_b", SD_LORA_ALPHA },
    { "lora_unet_a_b.dora_scale", "lora_unet_a_b", SD_LORA_DORA },
    { "unet.a.b.lora_A.weight", "unet.a.b", SD_LORA_DOWN },
    { "unet.a.b.lora_B.default.weight", "unet.a.b", SD_LORA_UP },
    { "unet.a.b.lora.down.weight", "unet.a.b", SD_LORA_DOWN },
    { "a.b.lora_linear_layer.up.weight", "a.b", SD_LORA_UP },
    { "a.processor.to_q_lora.down.weight", "a.processor.to_q", SD_LORA_DOWN },
    { "a.b.lora_magnitude_vector", "a.b", SD_LORA_MAGNITUDE },
    { "lycoris_a.hada_w1_a", "lycoris_a", SD_LORA_HADA_W1_A },
    { "lycoris_a.lokr_w2_b", "lycoris_a", SD_LORA_KRON_W2_B },
    { "lora_unet_a.diff_b", "lora_unet_a", SD_LORA_DIFF_B },
    { "lora_unet_a.w_norm", "lora_unet_a", SD_LORA_DIFF },
    { "lora_unet_a.on_input", "lora_unet_a", SD_LORA_ON_INPUT },
  };
  static const char *const other[] = { "a.oft_blocks", "a.b1.weight", "a.set_weight" };
  static const char *const nothing[]
      = { "", ".alpha", "a", "alpha", "a.bias", "a.lora_down.bias", ".lora_A.weight" };
  SdLoraRole role;
  gsize length;
  const char *kind;

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    {
      g_assert_true (sd_lora_name_parse (known[i].key, &role, &length, &kind));
      g_assert_cmpint (role, ==, known[i].role);
      g_assert_cmpuint (length, ==, strlen (known[i].module));
      g_assert_null (kind);
    }
  for (guint i = 0; i < G_N_ELEMENTS (other); i++)
    {
      g_assert_false (sd_lora_name_parse (other[i], &role, &length, &kind));
      g_assert_nonnull (kind);
    }
  for (guint i = 0; i < G_N_ELEMENTS (nothing); i++)
    {
      g_assert_false (sd_lora_name_parse (nothing[i], &role, &length, &kind));
      g_assert_null (kind);
    }
}

static void
test_older (void)
{
  static const char *const same[][2] = {
    { "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.processor.to_q",
      SD_NAMES_UNET "input_blocks.3.1.transformer_blocks.0.attn1.to_q.weight" },
    { "down_blocks.1.attentions.0.transformer_blocks.0.attn2.processor.to_out",
      SD_NAMES_UNET "input_blocks.3.1.transformer_blocks.0.attn2.to_out.0.weight" },
    { "text_encoder.text_model.encoder.layers.0.self_attn.to_q",
      SD_NAMES_TEXT "encoder.layers.0.self_attn.q_proj.weight" },
    { "text_encoder.text_model.encoder.layers.1.self_attn.to_out",
      SD_NAMES_TEXT "encoder.layers.1.self_attn.out_proj.weight" },
    { "text_encoder.encoder.layers.1.mlp.fc1",
      SD_NAMES_TEXT "encoder.layers.1.mlp.fc1.weight" },
    { "base_model.model.text_model.encoder.layers.1.mlp.fc1",
      SD_NAMES_TEXT "encoder.layers.1.mlp.fc1.weight" },
  };
  static const char *const none[] = { "lora_te2_text_model_encoder_layers_0_mlp_fc1",
                                      "unet.",
                                      "",
                                      "unet",
                                      "lora_unet_double_blocks_0_img_attn_proj",
                                      "lora_te_text_model_embeddings_token",
                                      "base_model.model.base_model.model.unet.unet." };
  g_autoptr (GError) error = NULL;
  g_autofree char *path = sd_bundled_model_path ();
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (SdNames) names = sd_names_new (model);
  g_autoptr (SdLoraTargets) targets = sd_lora_targets_new (names);

  for (guint i = 0; i < G_N_ELEMENTS (same); i++)
    g_assert_cmpstr (find (targets, "", same[i][0]), ==, same[i][1]);
  for (guint i = 0; i < G_N_ELEMENTS (none); i++)
    g_assert_null (find (targets, "", none[i]));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (argc % 2 != 0 || argc < 4)
    g_error ("usage: %s XL WHICH MODEL …", argv[0]);
  g_autofree Case *cases = g_new0 (Case, argc);
  for (int i = 2; i + 1 < argc; i += 2)
    {
      g_autofree char *name = g_strdup_printf ("/sd/lora/names/%s", argv[i]);
      cases[i] = (Case){ argv[i], argv[i + 1] };
      g_test_add_data_func (name, &cases[i], test_names);
    }
  g_test_add_data_func ("/sd/lora/names/stacked", argv[1], test_stacked);
  g_test_add_func ("/sd/lora/names/ends", test_ends);
  g_test_add_func ("/sd/lora/names/older", test_older);
  return g_test_run ();
}
