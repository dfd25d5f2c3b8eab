/* sd-test-model.c: the bundled model, whole or spoiled, for tests of the pipeline
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <string.h>

#include "sd-test-model.h"

StModel *
sd_test_model (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = sd_bundled_model_path ();
  g_assert_nonnull (path);
  StModel *model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  return model;
}

/* One tensor as it is to be written; its bytes go to @bytes. */
static StWriteTensor
copy_tensor (const StModelTensor *t, GPtrArray *bytes)
{
  g_autoptr (GError) error = NULL;
  gsize n = t->tensor->end - t->tensor->begin;
  guint8 *data = g_malloc (n);
  st_file_read (t->file, t->tensor->begin, n, data, &error);
  g_assert_no_error (error);
  g_ptr_array_add (bytes, data);
  return (StWriteTensor){ .name = t->name,
                          .dtype = t->tensor->dtype,
                          .rank = t->tensor->rank,
                          .shape = t->tensor->shape,
                          .data = data };
}

StModel *
sd_test_spoiled (const char *path, SdTestSpoil spoil, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model = sd_test_model ();
  g_autoptr (GPtrArray) bytes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GArray) tensors = g_array_new (FALSE, FALSE, sizeof (StWriteTensor));
  guint touched = 0;
  guint64 shape[8];

  for (guint i = 0; i < st_model_n_tensors (model); i++)
    {
      const StModelTensor *t = st_model_tensor (model, i);
      gboolean here = g_pattern_match_simple (name, t->name);
      touched += here;
      if (here && spoil == SD_TEST_DROP)
        continue;
      StWriteTensor copy = copy_tensor (t, bytes);
      if (here && spoil == SD_TEST_NAN)
        memcpy ((guint8 *) copy.data, "\x00\x7e", 2); /* a quiet NaN in half precision */
      if (here && spoil == SD_TEST_ZERO)
        memset ((guint8 *) copy.data, 0, t->tensor->end - t->tensor->begin);
      for (gsize k = 0; here && spoil == SD_TEST_HUGE && k < t->tensor->count; k++)
        ((guint16 *) copy.data)[k] = 0x7b53; /* 60000 in half precision */
      if (here && spoil == SD_TEST_SHAPE)
        {
          memcpy (shape, copy.shape, sizeof (guint64) * copy.rank);
          shape[0]--;
          copy.shape = shape;
        }
      g_array_append_val (tensors, copy);
    }
  g_assert_cmpuint (touched, >, 0);
  st_write (path, (StWriteTensor *) tensors->data, tensors->len, NULL, &error);
  g_assert_no_error (error);
  StModel *spoiled = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  return spoiled;
}

SdEngine *
sd_test_engine (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) model = sd_test_model ();
  SdEngine *engine = sd_engine_new (model, -2, SD_PRECISION_AUTO, NULL, &error);
  g_assert_no_error (error);
  return engine;
}

SdParams *
sd_test_params (SdEngine *engine, SamplerKind sampler, guint steps)
{
  SdParams *params = sd_params_new_for (sd_engine_info (engine));
  g_free (params->prompt);
  params->prompt = g_strdup ("a red circle on a white background");
  params->width = params->height = 64;
  params->steps = steps;
  params->sampler = sampler;
  params->seed = 11;
  return params;
}

void
sd_test_finish (SdRun *run)
{
  g_autoptr (GError) error = NULL;
  while (sd_run_step_index (run) < sd_run_n_steps (run))
    {
      gboolean ok = sd_run_step (run, NULL, &error);
      g_assert_no_error (error);
      g_assert_true (ok);
    }
}
