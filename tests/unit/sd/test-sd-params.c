/* test-sd-params.c: refusals name the number; words that a model does not know
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd.h"

#include <math.h>

static SdInfo
some_info (void)
{
  return (SdInfo){ .width = 512,
                   .height = 768,
                   .steps = 20,
                   .cfg = 7.0,
                   .sampler = SAMPLER_DPMPP_2M,
                   .schedule = SAMPLER_KARRAS };
}

static void
test_defaults (void)
{
  SdInfo info = some_info ();
  g_autoptr (SdParams) params = sd_params_new_for (&info);
  g_autoptr (GError) error = NULL;
  g_assert_cmpstr (params->prompt, ==, "");
  g_assert_cmpstr (params->negative, ==, "");
  g_assert_cmpuint (params->width, ==, 512);
  g_assert_cmpuint (params->height, ==, 768);
  g_assert_cmpuint (params->batch, ==, 1);
  g_assert_cmpuint (params->seed, ==, 0);
  g_assert_true (sd_params_check (params, &error));
  g_assert_no_error (error);
  g_autoptr (SdParams) copy = sd_params_copy (params);
  g_assert_true (copy->prompt != params->prompt);
  g_assert_cmpuint (copy->height, ==, 768);
  sd_params_free (NULL);
}

static void
test_names (void)
{
  SdGrammar grammar;
  SdEmphasis emphasis;
  g_assert_true (sd_grammar_parse ("ComfyUI", &grammar));
  g_assert_cmpint (grammar, ==, SD_GRAMMAR_COMFYUI);
  g_assert_cmpstr (sd_grammar_name (SD_GRAMMAR_PLAIN), ==, "plain");
  g_assert_false (sd_grammar_parse ("", &grammar));
  g_assert_true (sd_emphasis_parse ("no-norm", &emphasis));
  g_assert_cmpint (emphasis, ==, SD_EMPHASIS_NO_NORM);
  for (guint i = 0; i < SD_N_EMPHASES; i++)
    {
      g_assert_true (sd_emphasis_parse (sd_emphasis_name (i), &emphasis));
      g_assert_cmpint (emphasis, ==, i);
    }
  g_assert_false (sd_emphasis_parse ("norm", &emphasis));
  g_assert_false (sd_emphasis_parse (NULL, &emphasis));
}

static void
assert_refused (SdParams *params, const char *message)
{
  g_autoptr (GError) error = NULL;
  g_assert_false (sd_params_check (params, &error));
  g_assert_error (error, SD_ERROR, SD_ERROR_PARAMETER);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_refusals (void)
{
  SdInfo info = some_info ();
  g_autoptr (SdParams) p = sd_params_new_for (&info);
  p->width = 500;
  assert_refused (p, "width 500 is not a multiple of 8: 496 and 504 are");
  p->width = 0;
  assert_refused (p, "width 0 is out of range: it must be from 8 to 4096 pixels");
  p->width = 512;
  p->height = 4104;
  assert_refused (p, "height 4104 is out of range: it must be from 8 to 4096 pixels");
  p->height = 64;
  p->steps = 0;
  assert_refused (p, "steps 0 is out of range: it must be from 1 to 1000");
  p->steps = 1000;
  p->cfg = -1;
  assert_refused (p, "guidance -1 is out of range: it must be from 0 to 100");
  p->cfg = NAN;
  g_assert_false (sd_params_check (p, NULL));
  p->cfg = 0;
  p->batch = 65;
  assert_refused (p, "65 pictures at once is out of range: it must be from 1 to 64");
  p->batch = 2;
  p->seed = G_MAXUINT64;
  assert_refused (p, "seed 18446744073709551615 leaves no seeds for 2 pictures");
  p->batch = 1;
  p->clip_skip = 65;
  assert_refused (p, "clip skip 65 is out of range: it must be from 0 to 64");
  p->clip_skip = 2;
  p->grammar = 3;
  assert_refused (p, "grammar 3 is not known");
  p->grammar = SD_GRAMMAR_PLAIN;
  g_assert_true (sd_params_check (p, NULL));
  g_free (p->prompt);
  p->prompt = g_strdup ("\xff");
  assert_refused (p, "the prompt is not UTF-8 text");
}

static void
test_words (void)
{
  const char *words[] = { "a", "cat", "red", NULL };
  SdInfo info = { .words = (char **) words };
  const char *prompt = "A red Dog, 3 cat's and dog: über";
  GArray *spans = NULL;
  g_auto (GStrv) unknown = sd_unknown_words (&info, prompt, &spans);
  g_autofree char *joined = g_strjoinv (" ", unknown);
  g_assert_cmpstr (joined, ==, "dog and über");
  const SdSpan expected[] = { { 6, 9 }, { 19, 22 }, { 23, 26 }, { 28, 33 } };
  g_assert_cmpuint (spans->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < spans->len; i++)
    {
      g_assert_cmpuint (g_array_index (spans, SdSpan, i).begin, ==, expected[i].begin);
      g_assert_cmpuint (g_array_index (spans, SdSpan, i).end, ==, expected[i].end);
    }
  g_array_unref (spans);

  g_assert_null (sd_unknown_words (&info, "a red cat", NULL));
  info.words = NULL;
  g_assert_null (sd_unknown_words (&info, prompt, &spans));
  g_assert_cmpuint (spans->len, ==, 0);
  g_array_unref (spans);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sd/params/defaults", test_defaults);
  g_test_add_func ("/sd/params/names", test_names);
  g_test_add_func ("/sd/params/refusals", test_refusals);
  g_test_add_func ("/sd/words", test_words);
  return g_test_run ();
}
