/* test-sd-golden-prompts.c: prompts with weights, breaks and embeddings against PyTorch
 *
 * test-sd-golden-prompts FAMILY MODEL: tests/golden/prompts.safetensors and .json, made
 * by tools/reference/make-golden-prompts.py; on the plain C reference. Bounds are on ‖a −
 * b‖₂ / ‖b‖₂ of nine numbers a row: eight columns and the mean.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-script-private.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#define BOUND 1e-4
#define SEEN 9

static SdEngine *engine;
static StModel *golden;
static const char *family;
static JsonArray *cases;
static char *folder; /* of the embeddings */
static const char *const words[] = { "ring", "ringstyle" };

static float *
values (const char *name, guint64 *rows, gsize *n)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *full = g_strdup_printf ("%s.%s", family, name);
  const StModelTensor *t = st_model_find (golden, full);
  g_assert_nonnull (t);
  gsize bytes = t->tensor->end - t->tensor->begin;
  g_assert_cmpint (t->tensor->dtype, ==, ST_DTYPE_F32);
  float *out = g_malloc (bytes);
  st_file_read (t->file, t->tensor->begin, bytes, out, &error);
  g_assert_no_error (error);
  *rows = t->tensor->shape[0];
  *n = t->tensor->count;
  return out;
}

/* ---- the grammar ---- */

static SdParams *
params_of (JsonObject *about)
{
  SdParams *params = sd_params_new_for (engine->info);
  const char *grammar = json_object_get_string_member (about, "grammar");
  const char *emphasis = json_object_get_string_member (about, "emphasis");

  g_free (params->prompt);
  params->prompt = g_strdup (json_object_get_string_member (about, "prompt"));
  params->cfg = 1.0;
  params->clip_skip = (guint) json_object_get_int_member (about, "clip_skip");
  g_assert_true (sd_grammar_parse (grammar, &params->grammar));
  g_assert_true (sd_emphasis_parse (emphasis, &params->emphasis));
  if (!json_object_get_boolean_member (about, "embeddings"))
    return params;
  params->embeddings
      = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_embedding_free);
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%s.safetensors", folder, words[i]);
      g_ptr_array_add (params->embeddings, sd_embedding_new (words[i], path));
    }
  return params;
}

static void
check_pieces (JsonObject *about, const SdParams *params)
{
  JsonArray *expected = json_object_get_array_member (about, "pieces");
  g_autoptr (GPtrArray) pieces
      = sd_prompt_pieces (params->prompt, params->grammar, params->emphasis);

  if (params->grammar == SD_GRAMMAR_PLAIN || params->emphasis == SD_EMPHASIS_IGNORE)
    return; /* the text; and weights that are not looked at */
  g_assert_cmpuint (pieces->len, ==, json_array_get_length (expected));
  for (guint i = 0; i < pieces->len; i++)
    {
      const SdPromptPiece *piece = pieces->pdata[i];
      JsonArray *pair = json_array_get_array_element (expected, i);
      double weight = json_array_get_double_element (pair, 1);
      const char *text = json_array_get_string_element (pair, 0);
      g_assert_cmpstr (piece->ends_chunk ? "BREAK" : piece->text, ==, text);
      if (!piece->ends_chunk)
        g_assert_cmpfloat (fabs (piece->weight - weight), <, 1e-9);
    }
}

static void
check_chunks (JsonObject *about, const SdScript *script)
{
  JsonArray *expected = json_object_get_array_member (about, "chunks");
  const SdLine *line = script->lines->pdata[0];

  g_assert_cmpuint (line->chunks->len, ==, json_array_get_length (expected));
  for (guint i = 0; i < line->chunks->len; i++)
    {
      const SdPromptChunk *chunk = &g_array_index (line->chunks, SdPromptChunk, i);
      JsonArray *ids = json_array_get_array_element (expected, i);
      g_assert_cmpuint (chunk->n, ==, json_array_get_length (ids));
      for (guint k = 0; k < chunk->n; k++)
        g_assert_cmpint (chunk->tokens[k].word >= 0 ? -1 : (gint64) chunk->tokens[k].id,
                         ==, json_array_get_int_element (ids, k));
    }
}

/* ---- the vectors ---- */

static void
see (const float *row, guint width, float *seen)
{
  double sum = 0;
  for (guint i = 0; i < SEEN - 1; i++)
    seen[i] = row[width * (2 * i + 1) / 16];
  for (guint i = 0; i < width; i++)
    sum += row[i];
  seen[SEEN - 1] = (float) (sum / width);
}

static double
difference (const float *a, const float *b, gsize n)
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

static void
test_case (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data), width = sd_engine_context_width (engine);
  JsonObject *about = json_array_get_object_element (cases, index);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (SdParams) params = params_of (about);
  g_autoptr (SdScript) script
      = sd_script_new (engine, engine->tokenizer, params, warnings, &error);
  g_autofree float *pooled = g_new (float, sd_engine_pooled_width (engine) + 1);
  g_autofree char *name = g_strdup_printf ("%u.context", index);
  g_autofree char *one = g_strdup_printf ("%u.pooled", index);
  guint64 rows;
  gsize n;
  SdContext context = { 0 };

  g_assert_no_error (error);
  g_assert_cmpuint (warnings->len, ==, 0);
  check_pieces (about, params);
  check_chunks (about, script);
  g_assert_cmpuint (script->lines->len, ==, 1);
  sd_script_encode (script, engine, params->clip_skip, &context,
                    sd_engine_pooled_width (engine) > 0 ? pooled : NULL, NULL, &error);
  g_assert_no_error (error);
  g_autofree float *expected = values (name, &rows, &n);
  g_autofree float *found = g_new (float, n);
  g_assert_cmpuint (context.chunks * SD_TEXT_TOKENS, ==, rows);
  for (guint64 i = 0; i < rows; i++)
    see (context.values + i * width, width, found + i * SEEN);
  double relative = difference (found, expected, n);
  g_test_message ("“%s”: %.2e", params->prompt, relative);
  g_assert_cmpfloat (relative, <=, BOUND);
  g_free ((gpointer) context.values);
  if (sd_engine_pooled_width (engine) == 0)
    return;
  g_autofree float *vector = values (one, &rows, &n);
  g_assert_cmpuint (n, ==, sd_engine_pooled_width (engine));
  g_assert_cmpfloat (difference (pooled, vector, n), <=, BOUND);
}

/* ---- */

/* As A1111 and diffusers spell them; for XL the two spellings of pairs. */
static void
write_embeddings (void)
{
  static const char *const pairs[][2]
      = { { "clip_l", "clip_g" }, { "text_encoders_0", "text_encoders_1" } };
  g_autoptr (GError) error = NULL;

  folder = g_dir_make_tmp ("calotype-XXXXXX", &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%s.safetensors", folder, words[i]);
      StWriteTensor tensors[2] = { 0 };
      float *data[2] = { NULL, NULL };
      guint64 shapes[2][2];
      guint texts = sd_engine_n_texts (engine);
      for (guint e = 0; e < texts; e++)
        {
          g_autofree char *name = g_strdup_printf ("%s.%u", words[i], e);
          gsize n;
          data[e] = values (name, &shapes[e][0], &n);
          shapes[e][1] = n / shapes[e][0];
          tensors[e] = (StWriteTensor){ .name = texts == 2 ? pairs[i][e]
                                                : i == 0   ? "emb_params"
                                                           : "<ringstyle>",
                                        .dtype = ST_DTYPE_F32,
                                        .rank = 2,
                                        .shape = shapes[e],
                                        .data = data[e] };
        }
      st_write (path, tensors, texts, NULL, &error);
      g_assert_no_error (error);
      g_free (data[0]);
      g_free (data[1]);
    }
}

static void
remove_embeddings (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%s.safetensors", folder, words[i]);
      g_unlink (path);
    }
  g_rmdir (folder);
  g_free (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *json
      = g_test_build_filename (G_TEST_DIST, "golden/prompts.json", NULL);
  g_autofree char *path
      = g_test_build_filename (G_TEST_DIST, "golden/prompts.safetensors", NULL);

  g_assert_cmpint (argc, ==, 3);
  family = argv[1];
  json_parser_load_from_file (parser, json, &error);
  g_assert_no_error (error);
  cases = json_object_get_array_member (
      json_node_get_object (json_parser_get_root (parser)), "cases");
  golden = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (StModel) model = st_model_open (argv[2], NULL, &error);
  g_assert_no_error (error);
  engine = sd_engine_new (model, -2, SD_PRECISION_FP32, NULL, &error);
  g_assert_no_error (error);
  write_embeddings ();
  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      g_autofree char *name = g_strdup_printf ("/sd/golden-prompts/%u", i);
      g_test_add_data_func (name, GUINT_TO_POINTER (i), test_case);
    }
  int status = g_test_run ();
  remove_embeddings ();
  sd_engine_free (engine);
  st_model_unref (golden);
  return status;
}
