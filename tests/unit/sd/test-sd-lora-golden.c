/* test-sd-lora-golden.c: whole runs with LoRAs against what PEFT and diffusers computed
 *
 * test-sd-lora-golden NAME MODEL DEVICE: tests/golden/NAME.safetensors and .json, LoRAs
 * in tests/golden/lora; MODEL "" is the bundled one; DEVICE as in sd_engine_new. Every
 * run uses the same engine, so that each also shows that nothing is left of the one
 * before; the last is without LoRA and must give the bits of the first.
 *
 * The bound is on ‖a − b‖₂ / ‖b‖₂ after 20 steps: 1e-3, as without LoRA.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#define RUN_BOUND 1e-3

static SdEngine *engine;
static StModel *golden;
static JsonObject *about;
static float *base; /* what the engine gave without LoRA, to the bit */

static float *
values (const char *name, gsize *n)
{
  g_autoptr (GError) error = NULL;
  const StModelTensor *t = st_model_find (golden, name);
  g_assert_nonnull (t);
  g_assert_cmpint (t->tensor->dtype, ==, ST_DTYPE_F32);
  float *out = g_new (float, t->tensor->count);
  st_file_read (t->file, t->tensor->begin, t->tensor->end - t->tensor->begin, out,
                &error);
  g_assert_no_error (error);
  *n = t->tensor->count;
  return out;
}

static double
distance (const float *a, const float *b, gsize n)
{
  double error = 0, norm = 0;
  for (gsize i = 0; i < n; i++)
    {
      error += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
      norm += (double) b[i] * b[i];
    }
  g_assert_cmpfloat (norm, >, 0);
  return sqrt (error / norm);
}

static GPtrArray *
loras_of (JsonObject *how)
{
  JsonArray *list = json_object_get_array_member (how, "loras");
  GPtrArray *loras = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_lora_free);

  for (guint i = 0; i < json_array_get_length (list); i++)
    {
      JsonObject *told = json_array_get_object_element (list, i);
      SdLora *lora = g_new0 (SdLora, 1);
      const char *name = json_object_get_string_member (told, "file");
      g_autofree char *file = g_strconcat (name, ".safetensors", NULL);

      lora->name = g_strdup (name);
      lora->path = g_test_build_filename (G_TEST_DIST, "golden", "lora", file, NULL);
      lora->model = json_object_get_double_member (told, "model");
      lora->text = json_object_get_double_member (told, "text");
      g_ptr_array_add (loras, lora);
    }
  return loras;
}

static SdParams *
params_of (JsonObject *how, const StTensor *shape)
{
  SdParams *params = sd_params_new_for (engine->info);

  g_free (params->prompt);
  g_free (params->negative);
  params->prompt = g_strdup (json_object_get_string_member (how, "prompt"));
  params->negative = g_strdup (json_object_get_string_member (how, "negative"));
  params->height = 8 * shape->shape[2];
  params->width = 8 * shape->shape[3];
  params->steps = json_object_get_int_member (how, "steps");
  params->cfg = json_object_get_double_member (how, "cfg");
  params->sampler = SAMPLER_EULER;
  params->schedule = SAMPLER_KARRAS;
  params->loras = loras_of (how);
  return params;
}

/* (transfer full) */
static float *
run (SdParams *params, gsize expected_n)
{
  g_autoptr (GError) error = NULL;
  gsize n;
  g_autofree float *noise = values ("run.noise", &n);
  g_autoptr (SdRun) made = sd_run_new (engine, params, noise, NULL, &error);

  g_assert_no_error (error);
  g_assert_null (sd_run_warnings (made));
  while (error == NULL && sd_run_step_index (made) < sd_run_n_steps (made))
    sd_run_step (made, NULL, &error);
  g_assert_no_error (error);
  const float *latents = sd_run_latents (made, &n);
  g_assert_cmpuint (n, ==, expected_n);
  return g_memdup2 (latents, n * sizeof *latents);
}

static void
test_run (gconstpointer data)
{
  const char *name = data;
  JsonObject *how = json_object_get_object_member (
      json_object_get_object_member (about, "tensors"), name);
  g_autoptr (SdParams) params = params_of (how, st_model_find (golden, name)->tensor);
  gsize n;
  g_autofree float *expected = values (name, &n);
  g_autofree float *latents = run (params, n);
  double error = distance (latents, expected, n);

  g_test_message ("%s: relative error %.2e", name, error);
  g_assert_cmpfloat (error, <=, RUN_BOUND);
  if (params->loras->len == 0)
    {
      base = g_steal_pointer (&latents);
      return;
    }
  /* it is not that nothing was done */
  g_assert_cmpfloat (distance (latents, base, n), >,
                     0.5 * json_object_get_double_member (how, "change"));
}

static void
test_restored (void)
{
  static const char name[] = "run.base.latents";
  JsonObject *how = json_object_get_object_member (
      json_object_get_object_member (about, "tensors"), name);
  const StTensor *shape = st_model_find (golden, name)->tensor;
  g_autoptr (SdParams) params = params_of (how, shape);
  g_autofree float *latents = run (params, shape->count);

  g_assert_cmpmem (latents, shape->count * sizeof (float), base,
                   shape->count * sizeof (float));
}

static void
load (const char *name, const char *model_path, int device)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *tensors = g_strconcat (name, ".safetensors", NULL);
  g_autofree char *json = g_strconcat (name, ".json", NULL);
  g_autofree char *golden_path
      = g_test_build_filename (G_TEST_DIST, "golden", tensors, NULL);
  g_autofree char *json_path = g_test_build_filename (G_TEST_DIST, "golden", json, NULL);
  g_autofree char *path
      = *model_path != '\0' ? g_strdup (model_path) : sd_bundled_model_path ();
  g_autoptr (JsonParser) parser = json_parser_new ();

  golden = st_model_open (golden_path, NULL, &error);
  g_assert_no_error (error);
  json_parser_load_from_file (parser, json_path, &error);
  g_assert_no_error (error);
  about = json_object_ref (json_node_get_object (json_parser_get_root (parser)));
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  engine = sd_engine_new (model, device, SD_PRECISION_FP32, NULL, &error);
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  gpu_prepare_process ();
  g_test_init (&argc, &argv, NULL);
  if (argc != 4)
    g_error ("usage: %s GOLDEN MODEL DEVICE", argv[0]);
  load (argv[1], argv[2], (int) g_ascii_strtoll (argv[3], NULL, 10));
  g_autoptr (GList) names
      = json_object_get_members (json_object_get_object_member (about, "tensors"));
  for (GList *at = names; at != NULL; at = at->next) /* the base first, as written */
    if (g_str_has_prefix (at->data, "run.") && g_str_has_suffix (at->data, ".latents"))
      {
        g_autofree char *path = g_strdup_printf ("/sd/lora/golden/%s", (char *) at->data);
        g_test_add_data_func (path, at->data, test_run);
      }
  g_test_add_func ("/sd/lora/golden/restored", test_restored);
  int status = g_test_run ();
  sd_engine_free (engine);
  st_model_unref (golden);
  json_object_unref (about);
  g_free (base);
  return status;
}
