/* fuzz-lora.c: names of LoRAs' keys from anywhere, one a line: what each is, which weight
 * of the bundled model it means, and whole files of them
 *
 * A line may have a shape behind a space: "NAME 4x320"; values are zeros.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "fuzz.h"
#include "sd/sd-lora-private.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define MOST_LINES 64
#define MOST_VALUES 4096

static SdNames *names;
static SdLoraTargets *targets;

static void
open_model (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = sd_bundled_model_path ();
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);

  g_assert_no_error (error);
  names = sd_names_new (model);
  targets = sd_lora_targets_new (names);
}

static void
check_name (const char *name)
{
  SdLoraRole role = SD_LORA_N_ROLES;
  gsize length = 0;
  const char *kind = NULL;

  if (sd_lora_name_parse (name, &role, &length, &kind))
    {
      g_assert_null (kind);
      g_assert_cmpint (role, <, SD_LORA_N_ROLES);
      g_assert_cmpuint (length, >, 0);
      g_assert_cmpuint (length, <, strlen (name));
      const SdLoraTarget *target = sd_lora_targets_find (targets, name, length);
      if (target != NULL)
        g_assert_true (sd_names_has (names, target->weight));
    }
  sd_lora_targets_find (targets, name, strlen (name));
}

/* "4x320" */
static void
read_shape (const char *text, StWriteTensor *tensor, guint64 shape[4])
{
  gsize count = 1;

  tensor->shape = shape;
  for (; *text != '\0' && tensor->rank < 4; tensor->rank++)
    {
      char *end;
      guint64 side = g_ascii_strtoull (text, &end, 10);
      if (end == text)
        break;
      shape[tensor->rank] = MIN (side, MOST_VALUES);
      count *= shape[tensor->rank];
      if (count > MOST_VALUES)
        count = shape[tensor->rank] = 0;
      text = *end == 'x' ? end + 1 : end;
    }
}

static void
check_file (StWriteTensor *tensors, guint n)
{
  g_autofree char *path = g_strdup_printf ("%s/fuzz-lora-%d.safetensors",
                                           g_get_tmp_dir (), (int) getpid ());
  g_autoptr (SdLoraFile) file = NULL;
  g_autoptr (GArray) matches = NULL;
  g_autoptr (SdLoraReport) report = NULL;

  if (!st_write (path, tensors, n, NULL, NULL))
    return;
  file = sd_lora_file_new (path, TRUE, NULL, NULL);
  if (file != NULL
      && sd_lora_match (file, targets, SD_FAMILY_SD1, &matches, &report, NULL))
    {
      g_assert_cmpuint (report->n_matched + report->n_unmatched + report->n_unsupported,
                        ==, report->n_keys);
      for (guint i = 0; i < matches->len; i++)
        {
          const SdLoraMatch *match = &g_array_index (matches, SdLoraMatch, i);
          const SdLoraTarget *target = match->target;
          for (guint bias = 0; bias < 2; bias++)
            {
              gsize all = target->out * (bias ? 1 : target->in * target->taps);
              g_autofree float *values = g_new0 (float, all);
              if (sd_lora_touches (match, bias))
                sd_lora_change (match, 0.5, bias, values, NULL);
            }
        }
    }
  g_unlink (path);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static const float zeros[MOST_VALUES];
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_auto (GStrv) lines = g_strsplit (valid, "\n", MOST_LINES);
  StWriteTensor tensors[MOST_LINES] = { 0 };
  guint64 shapes[MOST_LINES][4] = { 0 };
  guint n = 0;

  if (names == NULL)
    open_model ();
  for (; lines[n] != NULL; n++)
    {
      char *space = strrchr (lines[n], ' ');
      if (space != NULL)
        {
          *space = '\0';
          read_shape (space + 1, &tensors[n], shapes[n]);
        }
      tensors[n].shape = shapes[n];
      tensors[n].name = lines[n];
      tensors[n].dtype = ST_DTYPE_F32;
      tensors[n].data = zeros;
      check_name (lines[n]);
    }
  check_file (tensors, n);
  return 0;
}

GBytes *
fuzz_seed (guint i)
{
#define BLOCK "lora_unet_down_blocks_1_attentions_0_"
  static const char *const seeds[] = {
    BLOCK "proj_in.lora_down.weight 4x128\n" BLOCK "proj_in.lora_up.weight 128x4\n" BLOCK
          "proj_in.alpha\n" BLOCK "proj_in.dora_scale 128x1",
    "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora."
    "down.weight 2x128\nunet.down_blocks.1.attentions.0.transformer_blocks.0.attn1."
    "processor.to_out_lora.up.weight 128x2\nbase_model.model.mid_block.resnets.0.conv1."
    "lora_A.default.weight 1x192x3x3\nbase_model.model.mid_block.resnets.0.conv1.lora_B."
    "default.weight 192x1x1x1",
    "lora_te_text_model_encoder_layers_0_mlp_fc1.hada_w1_a 256x1\nlora_te_text_model_"
    "encoder_layers_0_mlp_fc1.hada_w1_b 1x64\nlora_te_text_model_encoder_layers_0_mlp_"
    "fc1.hada_w2_a 256x1\nlora_te_text_model_encoder_layers_0_mlp_fc1.hada_w2_b 1x64",
    "lora_te_text_model_encoder_layers_0_mlp_fc2.lokr_w1 2x4\nlora_te_text_model_encoder_"
    "layers_0_mlp_fc2.lokr_w2_a 32x2\nlora_te_text_model_encoder_layers_0_mlp_fc2.lokr_"
    "w2_b 2x64",
    BLOCK "norm.w_norm 128\n" BLOCK "norm.b_norm 128\n" BLOCK
          "transformer_blocks_0_attn1_to_k.weight 128\n" BLOCK
          "transformer_blocks_0_attn1_to_k.on_input 1",
    BLOCK "proj_in.lora_down.weight 4x128x1x1\n" BLOCK
          "proj_in.lora_mid.weight 4x4x1x1\n" BLOCK
          "proj_in.lora_up.weight 128x4x1x1\nlora_unet_a.oft_blocks 1\nhello 3",
  };

  return i < G_N_ELEMENTS (seeds) ? g_bytes_new_static (seeds[i], strlen (seeds[i]))
                                  : NULL;
}
