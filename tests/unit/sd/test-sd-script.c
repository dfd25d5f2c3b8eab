/* test-sd-script.c: what the grammar of prompts does to pictures
 *
 * test-sd-script [MODEL]: without, the bundled one on the plain C reference; else on the
 * device that there is
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <math.h>
#include <string.h>

#include <glib/gstdio.h>

#include "sd-test-model.h"
#include "sd/sd-run-private.h"

#define CIRCLE "a red circle on a white background"
#define SQUARE "a blue square on a yellow background"

static SdEngine *engine;

static SdParams *
params_of (const char *prompt, const char *negative)
{
  SdParams *params = sd_test_params (engine, SAMPLER_EULER, 4);
  g_free (params->prompt);
  g_free (params->negative);
  params->prompt = g_strdup (prompt);
  params->negative = g_strdup (negative);
  return params;
}

static SdRun *
start (const SdParams *params)
{
  g_autoptr (GError) error = NULL;
  SdRun *run = sd_run_new (engine, params, NULL, NULL, &error);
  g_assert_no_error (error);
  return run;
}

static SdRun *
finish (const char *prompt, const char *negative)
{
  g_autoptr (SdParams) params = params_of (prompt, negative);
  SdRun *run = start (params);
  sd_test_finish (run);
  return run;
}

/* ‖a − b‖ / ‖b‖ */
static double
difference (SdRun *a, SdRun *b)
{
  gsize n, m;
  const float *x = sd_run_latents (a, &n), *y = sd_run_latents (b, &m);
  double error = 0, norm = 0;
  g_assert_cmpuint (n, ==, m);
  for (gsize i = 0; i < n; i++)
    {
      error += ((double) x[i] - y[i]) * ((double) x[i] - y[i]);
      norm += (double) y[i] * y[i];
    }
  return sqrt (error / norm);
}

static void
check_same (const char *a, const char *b)
{
  g_autoptr (SdRun) first = finish (a, ""), second = finish (b, "");
  g_assert_cmpfloat (difference (first, second), ==, 0);
}

/* What says the same is the same, to the bit. */
static void
test_same (void)
{
  check_same ("(" CIRCLE ":1.0)", CIRCLE);
  check_same (CIRCLE " <lora:none:1># remark", CIRCLE);
  check_same ("[" SQUARE ":" CIRCLE ":0]", CIRCLE);
  check_same ("[" CIRCLE ":" SQUARE ":4]", CIRCLE);
  check_same ("[" CIRCLE "|" CIRCLE "]", CIRCLE);
  check_same (CIRCLE " : 1", CIRCLE);
}

static void
test_other (void)
{
  static const char *const others[] = {
    "a (red:1.3) circle on a white background",
    "a [red] circle on a white background",
    CIRCLE " BREAK " SQUARE,
    "[" CIRCLE ":" SQUARE ":1]",
    "[" CIRCLE "|" SQUARE "]",
    CIRCLE " AND " SQUARE,
    CIRCLE " : 1.2",
  };
  g_autoptr (SdRun) plain = finish (CIRCLE, "");
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (SdRun) other = finish (others[i], "");
      g_assert_cmpfloat (difference (other, plain), >, 1e-4);
    }
}

/* One prompt twice with half the weight is that prompt; its guidance may be said either
 * way. */
static void
test_together (void)
{
  g_autoptr (SdRun) plain = finish (CIRCLE, "blur");
  g_autoptr (SdRun) halves = finish (CIRCLE " :0.5 AND " CIRCLE " :0.5", "blur");
  g_autoptr (SdParams) params = params_of (CIRCLE " :2", "blur");
  g_assert_cmpfloat (difference (halves, plain), <, 1e-5);
  g_autoptr (SdParams) other = params_of (CIRCLE, "blur");
  params->cfg = 3;
  other->cfg = 6;
  g_autoptr (SdRun) weighted = start (params), guided = start (other);
  sd_test_finish (weighted);
  sd_test_finish (guided);
  g_assert_cmpfloat (difference (weighted, guided), <, 1e-5);
  params->cfg = 1; /* which takes two prompts all the same */
  g_autoptr (SdRun) one = start (params);
  g_assert_cmpuint (one->prompts, ==, 2);
  g_assert_nonnull (strstr (sd_run_warnings (one)[0], "“:2”"));
}

/* Of different lengths: the shorter is repeated, and that changes nothing. */
static void
test_lengths (void)
{
  g_autoptr (SdParams) params = params_of (CIRCLE " BREAK " SQUARE, "blur");
  g_autoptr (SdRun) both = start (params), apart = start (params);

  g_assert_false (both->script->shape.apart);
  g_assert_cmpuint (both->script->shape.chunks[0], ==, 2);
  sd_test_finish (both);
  apart->script->shape = (SdShape){ .n = 2, .apart = TRUE, .passes = 2, { 1, 2, 2 } };
  sd_test_finish (apart);
  g_assert_cmpfloat (difference (apart, both), >, 0);
  g_assert_cmpfloat (difference (apart, both), <, 1e-5);

  g_autoptr (SdParams) odd = params_of ("a BREAK b BREAK c BREAK d BREAK e", "f BREAK g");
  g_autoptr (SdRun) none = start (odd);
  g_assert_true (none->script->shape.apart);
  g_assert_cmpuint (none->script->shape.chunks[0], ==, 2);
  g_assert_cmpuint (none->script->shape.chunks[1], ==, 5);
  g_assert_true (sd_run_step (none, NULL, NULL));
}

/* A chunk's vectors do not depend on those of another. */
static void
test_chunks (void)
{
  g_autoptr (SdParams) params = params_of (CIRCLE " BREAK " SQUARE, "");
  g_autoptr (SdParams) first = params_of (CIRCLE, ""), second = params_of (SQUARE, "");
  g_autoptr (SdRun) both = start (params), one = start (first), two = start (second);
  gsize n = (gsize) SD_TEXT_TOKENS * sd_engine_context_width (engine);

  g_assert_cmpuint (both->contexts[1].chunks, ==, 2);
  for (gsize i = 0; i < n; i++)
    {
      g_assert_cmpfloat (fabs (both->contexts[1].values[i] - one->contexts[1].values[i]),
                         <, 1e-4);
      g_assert_cmpfloat (
          fabs (both->contexts[1].values[n + i] - two->contexts[1].values[i]), <, 1e-4);
    }
}

/* Put down between the cues and taken up again: the same bits. */
static void
test_resume (void)
{
  static const char *const prompts[]
      = { "[" CIRCLE ":" SQUARE ":1] (white:1.2)", "[" CIRCLE "|" SQUARE "]",
          CIRCLE " AND [" SQUARE ":moon:0.5] :0.6", CIRCLE " BREAK " SQUARE };
  for (guint i = 0; i < G_N_ELEMENTS (prompts); i++)
    for (guint kind = SAMPLER_EULER; kind <= SAMPLER_HEUN; kind += SAMPLER_HEUN)
      {
        g_autoptr (GError) error = NULL;
        g_autoptr (SdParams) params = params_of (prompts[i], "blur");
        params->sampler = kind;
        params->grammar = SD_GRAMMAR_A1111;
        params->emphasis = SD_EMPHASIS_NO_NORM;
        params->clip_skip = 2;
        g_autoptr (SdRun) whole = start (params), first = start (params);
        sd_test_finish (whole);
        g_assert_true (sd_run_step (first, NULL, NULL));
        g_assert_true (sd_run_step (first, NULL, NULL));
        g_autoptr (GBytes) state = sd_run_save (first);
        g_autoptr (SdRun) between = finish ("moon", "");
        g_autoptr (SdRun) second = sd_run_load (engine, state, NULL, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (second->params->clip_skip, ==, 2);
        g_assert_cmpint (second->params->emphasis, ==, SD_EMPHASIS_NO_NORM);
        sd_test_finish (second);
        g_assert_cmpfloat (difference (second, whole), ==, 0);
        sd_test_finish (first);
        g_assert_cmpfloat (difference (first, whole), ==, 0);
      }
}

static void
test_clip_skip (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = params_of (CIRCLE, "");
  g_autoptr (SdRun) plain = start (params);
  gsize n = (gsize) SD_TEXT_TOKENS * sd_engine_context_width (engine);
  params->clip_skip = 1;
  g_autoptr (SdRun) one = start (params);
  g_assert_cmpmem (one->contexts[1].values, n * 4, plain->contexts[1].values, n * 4);
  params->clip_skip = 2;
  g_autoptr (SdRun) two = start (params);
  g_assert_cmpint (memcmp (two->contexts[1].values, plain->contexts[1].values, n * 4), !=,
                   0);
  params->clip_skip = 5;
  g_assert_null (sd_run_new (engine, params, NULL, NULL, &error));
  g_assert_error (error, SD_ERROR, SD_ERROR_PARAMETER);
  g_assert_nonnull (strstr (error->message, "5"));
}

static void
test_refused (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < 5000; i++)
    g_string_append (text, "cat ");
  for (guint i = 0; i < 3; i++)
    {
      static const char *const parts[] = { "5000", "more than 64", "90000" };
      g_autoptr (GError) error = NULL;
      if (i == 2)
        for (guint k = text->len; k < 90000; k++)
          g_string_append_c (text, 'a');
      g_autofree char *turns
          = g_strjoin (NULL, "[a|b][a|b|c][a|b|c|d|e][a|b|c|d|e|f|g]", NULL);
      g_autoptr (SdParams) params = params_of (i == 1 ? turns : text->str, "");
      params->steps = i == 1 ? 100 : 4;
      g_assert_null (sd_run_new (engine, params, NULL, NULL, &error));
      g_assert_error (error, SD_ERROR, SD_ERROR_PARAMETER);
      g_assert_nonnull (strstr (error->message, parts[i]));
    }
}

/* ---- embeddings ---- */

static void
write_tensor (const char *path, const char *name, guint n, guint width, const float *data)
{
  g_autoptr (GError) error = NULL;
  guint64 shape[] = { n, width };
  StWriteTensor tensor
      = { .name = name, .dtype = ST_DTYPE_F32, .rank = 2, .shape = shape, .data = data };
  st_write (path, &tensor, 1, NULL, &error);
  g_assert_no_error (error);
}

static void
add_embedding (SdParams *params, const char *name, const char *path)
{
  params->embeddings
      = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_embedding_free);
  g_ptr_array_add (params->embeddings, sd_embedding_new (name, path));
}

/* Vectors that are the tokens' own say what the tokens say. */
static void
test_embedding (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("calotype-XXXXXX", &error);
  g_autofree char *path = g_build_filename (directory, "ring.safetensors", NULL);
  g_autoptr (GArray) ids = sd_tokenizer_encode (engine->tokenizer, "red circle", NULL);
  guint width = sd_text_width (engine->texts[0]);
  g_autofree float *rows = g_new (float, ids->len *width);

  for (guint i = 0; i < ids->len; i++)
    sd_weights_read_row (engine->weights,
                         SD_NAMES_TEXT "embeddings.token_embedding.weight",
                         g_array_index (ids, guint32, i), rows + i * width, &error);
  g_assert_no_error (error);
  write_tensor (path, "emb_params", ids->len, width, rows);
  g_autoptr (SdParams) params = params_of ("a Ring on a white background", "");
  add_embedding (params, "ring", path);
  g_autoptr (SdRun) run = start (params), plain = finish (CIRCLE, "");
  sd_test_finish (run);
  g_assert_cmpfloat (difference (run, plain), ==, 0);
  g_assert_null (sd_run_warnings (run));
  g_autoptr (GBytes) state = sd_run_save (run);
  g_autoptr (SdRun) loaded = sd_run_load (engine, state, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (loaded->params->embeddings->len, ==, 1);
  params->grammar = SD_GRAMMAR_COMFYUI;
  g_free (params->prompt);
  params->prompt = g_strdup ("a embedding:ring on a white background");
  g_autoptr (SdRun) comfyui = start (params);
  sd_test_finish (comfyui);
  g_assert_cmpfloat (difference (comfyui, plain), ==, 0);

  /* Of another width, and no file at all: a warning that names it, and the word itself.
   */
  write_tensor (path, "emb_params", 1, 2 * width, rows);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (SdParams) other = params_of ("a ring", "");
      add_embedding (other, "ring", path);
      if (i == 1)
        g_unlink (path);
      g_autoptr (SdRun) wrong = start (other);
      const char *const *warnings = sd_run_warnings (wrong);
      g_assert_nonnull (warnings);
      g_test_message ("%s", warnings[0]);
      g_assert_nonnull (strstr (warnings[0], "ring.safetensors"));
    }
  g_rmdir (directory);
}

static SdEngine *
open_engine (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  SdEngine *opened = sd_engine_new (model, -1, SD_PRECISION_FP32, NULL, &error);
  g_assert_no_error (error);
  return opened;
}

int
main (int argc, char **argv)
{
  gboolean bundled = argc < 2;

  gpu_prepare_process ();
  if (bundled)
    g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  else /* drivers are found by these folders */
    g_test_init (&argc, &argv, NULL);
  engine = bundled ? sd_test_engine () : open_engine (argv[1]);
  g_test_add_func ("/sd/script/same", test_same);
  g_test_add_func ("/sd/script/other", test_other);
  g_test_add_func ("/sd/script/together", test_together);
  g_test_add_func ("/sd/script/lengths", test_lengths);
  g_test_add_func ("/sd/script/chunks", test_chunks);
  g_test_add_func ("/sd/script/resume", test_resume);
  g_test_add_func ("/sd/script/refused", test_refused);
  if (bundled)
    {
      g_test_add_func ("/sd/script/clip-skip", test_clip_skip);
      g_test_add_func ("/sd/script/embedding", test_embedding);
    }
  int status = g_test_run ();
  sd_engine_free (engine);
  return status;
}
