/* test-sd-lora.c: LoRAs come and go without a trace, and bad ones are refused in words
 *
 * On the plain C reference, with the bundled model and the LoRAs of tests/golden/lora.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "sd-test-model.h"
#include "sd/sd-engine-private.h"

#define DOWN                                                                             \
  "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight"
#define UP                                                                               \
  "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.lora_up.weight"
#define ALPHA "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.alpha"
#define CROSS                                                                            \
  "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"
#define CROSS_UP                                                                         \
  "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight"

static char *folder;

/* ---- helpers ---- */

static char *
golden_lora (const char *name)
{
  return g_test_build_filename (G_TEST_DIST, "golden", "lora", name, NULL);
}

static void
add_lora (SdParams *params, const char *path, double model, double text)
{
  SdLora *lora = g_new0 (SdLora, 1);

  lora->name = g_path_get_basename (path != NULL ? path : "absent");
  lora->path = g_strdup (path);
  lora->model = model;
  lora->text = text;
  if (params->loras == NULL)
    params->loras = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_lora_free);
  g_ptr_array_add (params->loras, lora);
}

/* (transfer full): the latents after all steps */
static float *
run_on (SdEngine *engine, const SdParams *params, gsize *n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  sd_test_finish (run);
  const float *latents = sd_run_latents (run, n);
  return g_memdup2 (latents, *n * sizeof *latents);
}

static void
assert_same (const float *a, const float *b, gsize n, gboolean same)
{
  g_assert_true ((memcmp (a, b, n * sizeof *a) == 0) == same);
}

static char *
copy_to_folder (const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *from = golden_lora (name);
  g_autofree char *bytes = NULL;
  gsize n;
  char *to = g_build_filename (folder, name, NULL);

  g_file_get_contents (from, &bytes, &n, &error);
  g_assert_no_error (error);
  g_file_set_contents (to, bytes, (gssize) n, &error);
  g_assert_no_error (error);
  return to;
}

/* A file of F32 tensors, all values @value. */
typedef struct
{
  const char *name;
  guint rank;
  guint64 shape[4];
  float value;
} Entry;

static char *
write_lora (const Entry *entries, guint n)
{
  g_autoptr (GError) error = NULL;
  g_autofree StWriteTensor *tensors = g_new0 (StWriteTensor, n);
  g_autoptr (GPtrArray) data = g_ptr_array_new_with_free_func (g_free);
  char *path = g_build_filename (folder, "made.safetensors", NULL);

  for (guint i = 0; i < n; i++)
    {
      gsize count = 1;
      for (guint d = 0; d < entries[i].rank; d++)
        count *= entries[i].shape[d];
      float *values = g_new (float, MAX (count, 1));
      for (gsize k = 0; k < count; k++)
        values[k] = entries[i].value;
      g_ptr_array_add (data, values);
      tensors[i] = (StWriteTensor){ entries[i].name, ST_DTYPE_F32, entries[i].rank,
                                    entries[i].shape, values };
    }
  st_write (path, tensors, n, NULL, &error);
  g_assert_no_error (error);
  return path;
}

/* ---- coming and going ---- */

/* Other strengths and none give the bits of an engine that never had another; the file
 * may be gone by then: nothing of it is read again. */
static void
test_strengths (void)
{
  g_autoptr (SdEngine) engine = sd_test_engine (), fresh = sd_test_engine ();
  g_autofree char *path = copy_to_folder ("sample-linear.safetensors");
  g_autoptr (SdParams) plain = sd_test_params (engine, SAMPLER_EULER, 2);
  g_autoptr (SdParams) half = sd_params_copy (plain), whole = sd_params_copy (plain),
                       none = sd_params_copy (plain);
  gsize n;

  add_lora (half, path, 0.5, 0.5);
  add_lora (whole, path, 1, 1);
  add_lora (none, path, 0, 0);
  g_autofree float *expected = run_on (fresh, half, &n);
  g_autofree float *base = run_on (engine, plain, &n);
  g_autofree float *first = run_on (engine, whole, &n);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_autofree float *second = run_on (engine, half, &n);
  g_autofree float *third = run_on (engine, none, &n);
  g_autofree float *again = run_on (engine, whole, &n);
  g_autofree float *last = run_on (engine, plain, &n);
  assert_same (first, base, n, FALSE);
  assert_same (second, expected, n, TRUE);
  assert_same (third, base, n, TRUE);
  assert_same (again, first, n, TRUE);
  assert_same (last, base, n, TRUE);
}

/* Bytes that this process has read from files so far; 0: the system does not tell */
static guint64
bytes_read (void)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents ("/proc/self/io", &text, NULL, NULL)
      || !g_str_has_prefix (text, "rchar: "))
    return 0;
  return g_ascii_strtoull (text + strlen ("rchar: "), NULL, 10);
}

/* Of the model's file nothing is read again either but what every prompt needs, the rows
 * of its words. */
static void
test_base_is_kept (void)
{
  g_autoptr (SdEngine) engine = sd_test_engine ();
  g_autofree char *lora = golden_lora ("sample-mixed.safetensors");
  g_autoptr (SdParams) plain = sd_test_params (engine, SAMPLER_EULER, 1);
  g_autoptr (SdParams) with = sd_params_copy (plain), weaker = sd_params_copy (plain);
  guint64 at[5];
  gsize n;

  if (bytes_read () == 0)
    {
      g_test_skip ("the system does not tell what was read");
      return;
    }
  add_lora (with, lora, 1, 1);
  add_lora (weaker, lora, 0.3, 1);
  g_autofree float *warm = run_on (engine, plain, &n);
  while (st_hash_peek (engine->hash) == NULL) /* it reads the file behind our back */
    g_usleep (10000);
  at[0] = bytes_read ();
  g_autofree float *base = run_on (engine, plain, &n);
  at[1] = bytes_read ();
  g_autofree float *first = run_on (engine, with, &n);
  at[2] = bytes_read ();
  g_autofree float *second = run_on (engine, weaker, &n);
  at[3] = bytes_read ();
  g_autofree float *last = run_on (engine, plain, &n);
  at[4] = bytes_read ();
  guint64 each = at[1] - at[0] + 8192; /* that this was asked, too */
  g_test_message ("read by a run: %u; with a LoRA first: %u, of another strength: %u, "
                  "without it again: %u",
                  (guint) (at[1] - at[0]), (guint) (at[2] - at[1]),
                  (guint) (at[3] - at[2]), (guint) (at[4] - at[3]));
  g_assert_cmpuint (at[2] - at[1], >, each + (1u << 20));
  g_assert_cmpuint (at[3] - at[2], <=, each);
  g_assert_cmpuint (at[4] - at[3], <=, each);
  assert_same (second, first, n, FALSE);
  assert_same (last, base, n, TRUE);
}

/* Two runs by turns, each with its own: the weights change under them. */
static void
test_two_runs (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = sd_test_engine ();
  g_autofree char *linear = golden_lora ("sample-linear.safetensors");
  g_autofree char *text = golden_lora ("sample-text.safetensors");
  g_autoptr (SdParams) one = sd_test_params (engine, SAMPLER_EULER, 3);
  g_autoptr (SdParams) other = sd_params_copy (one);
  gsize n;

  add_lora (one, linear, 0.7, 1);
  add_lora (other, text, 1, 0.7);
  g_autofree float *first = run_on (engine, one, &n);
  g_autofree float *second = run_on (engine, other, &n);
  g_autoptr (SdRun) a = sd_run_new (engine, one, NULL, NULL, &error);
  g_autoptr (SdRun) b = sd_run_new (engine, other, NULL, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 3; i++)
    g_assert_true (sd_run_step (a, NULL, &error) && sd_run_step (b, NULL, &error));
  assert_same (sd_run_latents (a, NULL), first, n, TRUE);
  assert_same (sd_run_latents (b, NULL), second, n, TRUE);
  assert_same (first, second, n, FALSE);
}

static void
test_saved (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = sd_test_engine (), fresh = sd_test_engine ();
  g_autofree char *linear = golden_lora ("sample-linear.safetensors");
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_EULER, 2);
  gsize n;

  add_lora (params, linear, 0.7, 0.25);
  add_lora (params, NULL, 1, 1);
  g_autofree float *whole = run_on (engine, params, &n);
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (sd_run_step (run, NULL, &error));
  g_autoptr (GBytes) state = sd_run_save (run);
  g_autoptr (SdRun) loaded = sd_run_load (fresh, state, NULL, &error);
  g_assert_no_error (error);
  sd_test_finish (loaded);
  assert_same (sd_run_latents (loaded, NULL), whole, n, TRUE);
}

static void
count_lora (const char *stage, guint64 done, guint64 total, gpointer user_data)
{
  guint *n = user_data;
  if (strcmp (stage, "lora") == 0)
    {
      g_assert_cmpuint (done, <=, total);
      *n += 1;
    }
}

static void
test_cancel (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = sd_test_engine ();
  g_autofree char *linear = golden_lora ("sample-linear.safetensors");
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_EULER, 1);
  g_autoptr (SdParams) plain = sd_params_copy (params);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint told = 0;
  BaseTask task = { cancellable, count_lora, &told };
  gsize n;
  g_autofree float *base = run_on (engine, plain, &n);

  add_lora (params, linear, 1, 1);
  g_cancellable_cancel (cancellable);
  g_assert_null (sd_run_new (engine, params, NULL, &task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_cancellable_reset (cancellable);
  g_autofree float *after = run_on (engine, plain, &n);
  assert_same (after, base, n, TRUE);
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, &task, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (told, >, 1);
}

/* ---- scale ---- */

static double
scale_of (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdLoraFile) file = sd_lora_file_new (path, TRUE, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (file->modules->len, ==, 1);
  return ((SdLoraModule *) file->modules->pdata[0])->scale;
}

/* What PEFT says beside its file, and diffusers in it; a tensor counts more. */
static void
test_scale (void)
{
  static const Entry pair[] = { { DOWN, 2, { 4, 192 }, 1 }, { UP, 2, { 192, 4 }, 1 } };
  static const struct
  {
    const char *config;
    double scale;
  } rows[] = {
    { "{\"r\": 4, \"lora_alpha\": 8}", 2 },
    { "{\"r\": 4, \"lora_alpha\": 8, \"use_rslora\": true}", 4 },
    { "{\"r\": 4, \"lora_alpha\": \"eight\"}", 1 },
    { "{", 1 },
  };
  const float zeros[192 * 4] = { 0 };
  const guint64 down[2] = { 4, 192 }, up[2] = { 192, 4 };
  const StWriteTensor tensors[] = {
    { "unet.mid_block.attentions.0.proj_in.lora_A.weight", ST_DTYPE_F32, 2, down, zeros },
    { "unet.mid_block.attentions.0.proj_in.lora_B.weight", ST_DTYPE_F32, 2, up, zeros }
  };
  const char *const told[]
      = { "lora_adapter_metadata", "{\"unet.lora_alpha\": 6}", NULL };
  g_autoptr (GError) error = NULL;
  g_autofree char *made = write_lora (pair, 2);
  g_autofree char *peft = g_build_filename (folder, "adapter_model.safetensors", NULL);
  g_autofree char *config = g_build_filename (folder, "adapter_config.json", NULL);

  g_assert_cmpfloat (scale_of (made), ==, 1);
  g_assert_cmpint (g_rename (made, peft), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_file_set_contents (config, rows[i].config, -1, &error);
      g_assert_no_error (error);
      g_assert_cmpfloat (scale_of (peft), ==, rows[i].scale);
    }
  st_write (made, tensors, 2, told, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (scale_of (made), ==, 1.5);
}

/* ---- what is told ---- */

static void
test_warnings (void)
{
  static const Entry entries[] = {
    { DOWN, 2, { 512, 192 }, 0.001f },
    { UP, 2, { 192, 512 }, 0.001f },
    { "lora_unet_nowhere.lora_down.weight", 2, { 1, 4 }, 0 },
    { "lora_unet_nowhere.lora_up.weight", 2, { 4, 1 }, 0 },
    { "lora_unet_somewhere.oft_blocks", 2, { 4, 1 }, 0 },
    { "hello", 2, { 4, 1 }, 0 },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = sd_test_engine ();
  g_autofree char *path = write_lora (entries, G_N_ELEMENTS (entries));
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_EULER, 1);
  g_autoptr (StModel) model = sd_test_model ();

  add_lora (params, path, 1, 1);
  add_lora (params, NULL, 1, 1);
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  g_autofree char *all = g_strjoinv ("\n", (char **) sd_run_warnings (run));
  g_assert_nonnull (strstr (all, "“absent” was not found"));
  g_assert_nonnull (strstr (all, "3 of 6 keys match nothing"));
  g_assert_nonnull (
      strstr (all, "1 of 6 keys are of kinds that cannot be applied (OFT: 1)"));
  g_assert_nonnull (strstr (all, "the rank of 1 modules is larger"));

  g_autoptr (SdLoraReport) report = sd_lora_report_new (model, path, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (report->n_keys, ==, 6);
  g_assert_cmpuint (report->n_matched, ==, 2);
  g_assert_cmpuint (report->n_unmatched, ==, 3);
  g_assert_cmpuint (report->n_unsupported, ==, 1);
  g_assert_cmpuint (g_strv_length (report->unmatched), ==, 3);
}

/* ---- what is refused ---- */

typedef struct
{
  const char *name;
  guint n;
  Entry entries[4];
  const char *told[3]; /* words of the message */
} Bad;

static const Bad bad[] = {
  { "rank-zero",
    2,
    { { DOWN, 2, { 0, 192 }, 0 }, { UP, 2, { 192, 0 }, 0 } },
    { "made.safetensors", "[0, 192]", "nothing in it" } },
  { "no-number",
    2,
    { { DOWN, 2, { 2, 192 }, NAN }, { UP, 2, { 192, 2 }, 1 } },
    { DOWN, "no number", "nan at 0" } },
  { "infinite-alpha",
    3,
    { { DOWN, 2, { 2, 192 }, 1 },
      { UP, 2, { 192, 2 }, 1 },
      { ALPHA, 0, { 0 }, INFINITY } },
    { ALPHA, "no number" } },
  { "half-of-a-pair", 1, { { DOWN, 2, { 2, 192 }, 1 } }, { DOWN, "not whole" } },
  { "ranks",
    2,
    { { DOWN, 2, { 2, 192 }, 1 }, { UP, 2, { 192, 3 }, 1 } },
    { "[192, 3]", "[2, 192]", "no product" } },
  { "shape",
    2,
    { { DOWN, 2, { 2, 190 }, 1 }, { UP, 2, { 192, 2 }, 1 } },
    { "192×190", "192×192", "another model" } },
  { "second-family",
    2,
    { { CROSS, 2, { 2, 1024 }, 1 }, { CROSS_UP, 2, { 192, 2 }, 1 } },
    { "for Stable Diffusion 2.x", "Stable Diffusion 1.x" } },
  { "xl",
    2,
    { { CROSS, 2, { 2, 2048 }, 1 }, { CROSS_UP, 2, { 192, 2 }, 1 } },
    { "for Stable Diffusion XL" } },
  { "flux",
    2,
    { { "lora_unet_double_blocks_0_img_attn_proj.lora_down.weight", 2, { 2, 64 }, 1 },
      { "lora_unet_double_blocks_0_img_attn_proj.lora_up.weight", 2, { 64, 2 }, 1 } },
    { "for Flux" } },
  { "nothing",
    2,
    { { "lora_unet_a.lora_down.weight", 2, { 2, 64 }, 1 },
      { "lora_unet_a.lora_up.weight", 2, { 64, 2 }, 1 } },
    { "none of its 2 keys", "lora_unet_a.lora_down.weight" } },
  { "no-lora", 1, { { "conv.weight", 2, { 2, 64 }, 1 } }, { "no LoRA", "conv.weight" } },
  { "kinds",
    1,
    { { "lora_unet_a.oft_blocks", 2, { 2, 64 }, 1 } },
    { "cannot be applied", "OFT: 1" } },
  { "many-sides",
    2,
    { { DOWN, 3, { 2, 1, 192 }, 1 }, { UP, 1, { 192 }, 1 } },
    { "no product" } },
};

static void
expect_refusal (const char *path, const char *const *told, guint n_told)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = sd_test_engine ();
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_EULER, 1);
  g_autoptr (SdParams) plain = sd_params_copy (params);
  gsize n;
  g_autofree float *base = run_on (engine, plain, &n);

  add_lora (params, path, 1, 1);
  g_assert_null (sd_run_new (engine, params, NULL, NULL, &error));
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  for (guint i = 0; i < n_told && told[i] != NULL; i++)
    if (strstr (error->message, told[i]) == NULL)
      g_error ("“%s” is not in: %s", told[i], error->message);
  g_autofree float *after = run_on (engine, plain, &n);
  assert_same (after, base, n, TRUE);
}

static void
test_bad (gconstpointer data)
{
  const Bad *b = data;
  g_autofree char *path = write_lora (b->entries, b->n);

  expect_refusal (path, b->told, G_N_ELEMENTS (b->told));
}

static void
test_truncated (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = copy_to_folder ("sample-linear.safetensors");
  g_autofree char *bytes = NULL;
  const char *const told[] = { "sample-linear.safetensors", NULL };
  gsize n;

  g_file_get_contents (path, &bytes, &n, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 3; i++)
    {
      g_file_set_contents (path, bytes, (gssize) (n * i / 3), &error);
      g_assert_no_error (error);
      expect_refusal (path, told, 1);
    }
}

static void
test_bad_strength (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = sd_test_engine ();
  g_autofree char *linear = golden_lora ("sample-linear.safetensors");
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_EULER, 1);

  add_lora (params, linear, NAN, 1);
  g_assert_null (sd_run_new (engine, params, NULL, NULL, &error));
  g_assert_error (error, SD_ERROR, SD_ERROR_PARAMETER);
}

/* Within what may be said, but more than numbers hold: no black picture. */
static void
test_too_strong (void)
{
  static const Entry entries[]
      = { { DOWN, 2, { 1, 192 }, 3e38f }, { UP, 2, { 192, 1 }, 3e38f } };
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = sd_test_engine ();
  g_autofree char *path = write_lora (entries, 2);
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_EULER, 1);

  add_lora (params, path, 1, 1);
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (sd_run_step (run, NULL, &error));
  g_assert_error (error, SD_ERROR, SD_ERROR_NOT_FINITE);
  g_assert_nonnull (strstr (error->message, "LoRA"));
}

/* ---- a VAE of one's own ---- */

static ImageBuffer *
decode (SdEngine *engine, const float *latents)
{
  g_autoptr (GError) error = NULL;
  ImageBuffer *image = sd_engine_decode_latents (engine, latents, 8, 8, NULL, &error);
  g_assert_no_error (error);
  return image;
}

static void
test_vae (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (folder, "other.vae.safetensors", NULL);
  g_autofree char *lora = golden_lora ("sample-linear.safetensors");
  g_autoptr (StModel) other
      = sd_test_spoiled (path, SD_TEST_ZERO, SD_NAMES_VAE "decoder.conv_out.bias");
  g_autoptr (SdEngine) engine = sd_test_engine ();
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_EULER, 1);
  gsize n;
  g_autofree float *latents = run_on (engine, params, &n);
  g_autofree char *before = g_strdup (engine->fingerprint);
  g_autoptr (ImageBuffer) first = decode (engine, latents);

  g_assert_true (sd_engine_set_vae (engine, path, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (sd_engine_vae (engine), ==, path);
  g_assert_cmpstr (engine->fingerprint, !=, before);
  g_autoptr (ImageBuffer) second = decode (engine, latents);
  g_assert_cmpint (memcmp (first->pixels, second->pixels, 64 * 64 * 3), !=, 0);

  /* as an engine that was opened with it */
  SdExtras *extras = g_new0 (SdExtras, 1);
  extras->parts[SD_PART_VAE] = g_strdup (path);
  g_autoptr (StModel) model = sd_test_model ();
  sd_extras_attach (model, extras);
  g_autoptr (SdEngine) opened
      = sd_engine_new (model, -2, SD_PRECISION_AUTO, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (ImageBuffer) expected = decode (opened, latents);
  g_assert_cmpmem (second->pixels, 64 * 64 * 3, expected->pixels, 64 * 64 * 3);
  g_assert_cmpstr (engine->fingerprint, ==, opened->fingerprint);

  /* and from there back to the model's own, whatever it was opened with */
  g_assert_true (sd_engine_set_vae (opened, NULL, &error));
  g_assert_no_error (error);
  g_autoptr (ImageBuffer) own = decode (opened, latents);
  g_assert_cmpmem (first->pixels, 64 * 64 * 3, own->pixels, 64 * 64 * 3);

  /* what is none changes nothing */
  g_assert_false (sd_engine_set_vae (engine, lora, &error));
  g_assert_error (error, SD_ERROR, SD_ERROR_MISSING_PART);
  g_clear_error (&error);
  g_assert_false (sd_engine_set_vae (engine, "/nonesuch.safetensors", &error));
  g_clear_error (&error);
  g_autoptr (ImageBuffer) still = decode (engine, latents);
  g_assert_cmpmem (second->pixels, 64 * 64 * 3, still->pixels, 64 * 64 * 3);

  g_assert_true (sd_engine_set_vae (engine, NULL, &error));
  g_autoptr (ImageBuffer) last = decode (engine, latents);
  g_assert_cmpmem (first->pixels, 64 * 64 * 3, last->pixels, 64 * 64 * 3);
  g_assert_cmpstr (engine->fingerprint, ==, before);
  g_autofree float *again = run_on (engine, params, &n);
  assert_same (again, latents, n, TRUE);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  folder = g_dir_make_tmp ("calotype-XXXXXX", &error);
  g_assert_no_error (error);
  g_test_add_func ("/sd/lora/strengths", test_strengths);
  g_test_add_func ("/sd/lora/base-is-kept", test_base_is_kept);
  g_test_add_func ("/sd/lora/two-runs", test_two_runs);
  g_test_add_func ("/sd/lora/saved", test_saved);
  g_test_add_func ("/sd/lora/cancel", test_cancel);
  g_test_add_func ("/sd/lora/scale", test_scale);
  g_test_add_func ("/sd/lora/warnings", test_warnings);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *name = g_strconcat ("/sd/lora/bad/", bad[i].name, NULL);
      g_test_add_data_func (name, &bad[i], test_bad);
    }
  g_test_add_func ("/sd/lora/truncated", test_truncated);
  g_test_add_func ("/sd/lora/bad-strength", test_bad_strength);
  g_test_add_func ("/sd/lora/too-strong", test_too_strong);
  g_test_add_func ("/sd/lora/vae", test_vae);
  int status = g_test_run ();
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  for (const char *name = g_dir_read_name (dir); name != NULL;
       name = g_dir_read_name (dir))
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_unlink (path);
    }
  g_rmdir (folder);
  g_free (folder);
  return status;
}
