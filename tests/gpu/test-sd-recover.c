/* test-sd-recover.c: devices that are lost, memory that runs out, files that change and
 * Stop: the picture comes out as ever, or the message says what happened
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu-fault.h"
#include "sd/sd-engine-private.h"
#include "../unit/sd/sd-test-model.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define STEPS 3

static StModel *model;
static ImageBuffer *want;
static char *path; /* for a copy of the model */

static SdEngine *
open_engine (GError **error)
{
  return sd_engine_new (model, -1, SD_PRECISION_FP32, NULL, error);
}

static ImageBuffer *
draw (SdEngine *engine, char **warning, const BaseTask *task, GError **error)
{
  g_autoptr (SdParams) params = sd_test_params (engine, SAMPLER_EULER, STEPS);
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, task, error);
  ImageBuffer *image;

  if (run == NULL)
    return NULL;
  while (sd_run_step_index (run) < STEPS)
    if (!sd_run_step (run, task, error))
      return NULL;
  image = sd_run_decode (run, 0, task, error);
  if (warning != NULL && sd_run_warnings (run) != NULL)
    *warning = g_strdup (sd_run_warnings (run)[0]);
  return image;
}

static void
same (const ImageBuffer *got)
{
  g_assert_nonnull (got);
  g_assert_cmpmem (got->pixels, (gsize) got->width * got->height * got->channels,
                   want->pixels, (gsize) want->width * want->height * want->channels);
}

static void
draws_the_same (SdEngine *engine)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ImageBuffer) image = draw (engine, NULL, NULL, &error);
  g_assert_no_error (error);
  same (image);
}

/* Lost once, at several moments of a picture; on the same engine, one after the other. */
static void
test_lost_once (gconstpointer data)
{
  GpuFault fault = GPOINTER_TO_INT (data);
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = open_engine (&error);
  guint calls, warned = 0;

  g_assert_no_error (error);
  gpu_fault_set (fault, 0, 0);
  draws_the_same (engine);
  calls = gpu_fault_calls (fault);
  g_assert_cmpuint (calls, >, 8);
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *warning = NULL;
      g_autoptr (ImageBuffer) image = NULL;

      gpu_fault_set (fault, i * (calls - 1) / 3, 1);
      image = draw (engine, &warning, NULL, &error);
      g_assert_no_error (error);
      same (image);
      warned += warning != NULL && strstr (warning, "lost") != NULL;
    }
  gpu_fault_set (fault, 0, 0);
  g_assert_cmpuint (warned, >, 0); /* of a loss while decoding no warning speaks */
}

/* Lost again while it tries again: a message; then all is well with the next picture. */
static void
test_lost_twice (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = open_engine (&error);

  g_assert_no_error (error);
  for (guint i = 0; i < 2; i++)
    {
      gpu_fault_set (GPU_FAULT_SUBMIT, 3 + 5 * i, 2);
      g_assert_null (draw (engine, NULL, NULL, &error));
      g_assert_error (error, GPU_ERROR, GPU_ERROR_LOST);
      g_test_message ("%s", error->message);
      g_clear_error (&error);
    }
  gpu_fault_set (GPU_FAULT_SUBMIT, 0, 0);
  draws_the_same (engine);
}

/* Every allocation of device memory fails in turn, and so do the tries after it, until
 * all memory was given back once. */
static void
test_device_memory (void)
{
  g_autoptr (GError) error = NULL;
  guint calls;

  gpu_fault_set (GPU_FAULT_ALLOCATE, 0, 0);
  {
    g_autoptr (SdEngine) engine = open_engine (&error);
    draws_the_same (engine);
  }
  calls = gpu_fault_calls (GPU_FAULT_ALLOCATE);
  g_assert_cmpuint (calls, >, 0);
  g_test_message ("%u allocations", calls);
  for (guint i = 0; i < calls; i++)
    {
      g_autoptr (SdEngine) engine = NULL;

      gpu_fault_set (GPU_FAULT_ALLOCATE, i, 2);
      engine = open_engine (&error);
      g_assert_no_error (error);
      draws_the_same (engine);
    }
  gpu_fault_set (GPU_FAULT_ALLOCATE, 0, 0);
}

/* Nothing is to be had at all: the message names the memory, and later all is well. */
static void
test_no_device_memory (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = open_engine (&error);

  g_assert_no_error (error);
  sd_engine_reset_context (engine);
  gpu_fault_set (GPU_FAULT_ALLOCATE, 0, G_MAXUINT);
  g_assert_null (draw (engine, NULL, NULL, &error));
  g_assert_error (error, GPU_ERROR, GPU_ERROR_OUT_OF_MEMORY);
  g_test_message ("%s", error->message);
  gpu_fault_set (GPU_FAULT_ALLOCATE, 0, 0);
  draws_the_same (engine);
}

static void
test_host_memory (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = open_engine (&error);
  guint calls;

  nn_alloc_fail (0, 0);
  draws_the_same (engine);
  calls = nn_alloc_calls ();
  g_assert_cmpuint (calls, >, 8);
  g_test_message ("%u allocations", calls);
  for (guint i = 0; i < calls; i += 1 + calls / 6)
    {
      nn_alloc_fail (i, 1);
      g_autoptr (ImageBuffer) image = draw (engine, NULL, NULL, &error);
      if (image == NULL) /* where nothing can be tried again, it is said */
        {
          g_assert_error (error, NN_ERROR, NN_ERROR_MEMORY);
          g_clear_error (&error);
        }
      else
        same (image);
    }
  nn_alloc_fail (0, G_MAXUINT);
  g_assert_null (draw (engine, NULL, NULL, &error));
  g_assert_error (error, NN_ERROR, NN_ERROR_MEMORY);
  g_test_message ("%s", error->message);
  nn_alloc_fail (0, 0);
  draws_the_same (engine);
}

/* ---- weights that are no numbers ---- */

static void
not_finite (const char *name, const char *stage, const char *layer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StModel) spoiled = sd_test_spoiled (path, SD_TEST_NAN, name);
  g_autoptr (SdEngine) engine
      = sd_engine_new (spoiled, -1, SD_PRECISION_FP16, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (draw (engine, NULL, NULL, &error));
  g_assert_error (error, SD_ERROR, SD_ERROR_NOT_FINITE);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, stage));
  g_assert_nonnull (strstr (error->message, layer));
  g_assert_cmpstr (sd_engine_precision_name (engine), ==, "fp32");
}

static void
test_layers (void)
{
  not_finite ("cond_stage_model.*.layers.1.mlp.fc1.weight", "text encoder",
              "encoder.layers.1.mlp.fc1");
  not_finite ("model.diffusion_model.middle_block.0.out_layers.3.weight", "UNet",
              "middle_block.0.out_layers.3");
  not_finite ("first_stage_model.decoder.up.1.block.0.conv1.weight", "decoder",
              "decoder.up.1.block.0.conv1");
}

/* ---- the file changes while it is read ---- */

typedef struct
{
  gboolean shorten; /* or replaced */
  gboolean done;
} Meddler;

static void
meddle (const char *stage, guint64 done, guint64 total, gpointer data)
{
  Meddler *meddler = data;

  if (meddler->done || strcmp (stage, "weights") != 0)
    return;
  meddler->done = TRUE;
  if (meddler->shorten)
    g_assert_cmpint (truncate (path, 1 << 20), ==, 0);
  else
    g_assert_true (g_file_set_contents (path, "something else", -1, NULL));
}

static void
test_file (gconstpointer data)
{
  Meddler meddler = { .shorten = GPOINTER_TO_INT (data) };
  BaseTask task = { NULL, meddle, &meddler };
  g_autoptr (GError) error = NULL;
  g_autofree char *bundled = sd_bundled_model_path ();
  g_autofree char *bytes = NULL;
  gsize n;

  g_assert_true (g_file_get_contents (bundled, &bytes, &n, NULL));
  g_assert_true (g_file_set_contents (path, bytes, n, NULL));
  g_autoptr (StModel) copy = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  /* turns: the weights are read while the picture is made */
  g_autoptr (SdEngine) engine = sd_engine_new_within (copy, -1, SD_PRECISION_FP32,
                                                      (guint64) 48 << 20, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (draw (engine, NULL, &task, &error));
  g_assert_true (meddler.done);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, "copy.safetensors"));
  g_assert_nonnull (strstr (error->message, "open it again"));
}

/* ---- Stop ---- */

typedef struct
{
  GCancellable *cancellable;
  guint left; /* tellings until the cancel */
} Stopper;

static void
stop (const char *stage, guint64 done, guint64 total, gpointer data)
{
  Stopper *stopper = data;

  if (stopper->left-- == 0)
    g_cancellable_cancel (stopper->cancellable);
}

/* At many moments; the engine draws at once afterwards. */
static void
test_stop (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = open_engine (&error);
  guint tellings;

  g_assert_no_error (error);
  draws_the_same (engine); /* tells of kernels too */
  {
    Stopper counter = { NULL, G_MAXUINT };
    BaseTask task = { NULL, stop, &counter };
    g_autoptr (ImageBuffer) image = draw (engine, NULL, &task, &error);

    same (image);
    tellings = G_MAXUINT - counter.left;
  }
  for (guint i = 0; i < 6; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Stopper stopper = { cancellable, i * (tellings - tellings / 4) / 6 };
      BaseTask task = { cancellable, stop, &stopper };
      g_autoptr (ImageBuffer) image = draw (engine, NULL, &task, &error);

      g_assert_null (image);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&error);
    }
  draws_the_same (engine);
}

/* ---- two at once ---- */

static gpointer
draw_in_thread (gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = open_engine (&error);

  g_assert_no_error (error);
  for (guint i = 0; i < 2; i++)
    draws_the_same (engine);
  return NULL;
}

static void
test_two (void)
{
  GThread *one = g_thread_new ("one", draw_in_thread, NULL);
  GThread *other = g_thread_new ("other", draw_in_thread, NULL);

  g_thread_join (one);
  g_thread_join (other);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  gpu_prepare_process ();
  g_test_init (&argc, &argv, NULL);
  g_autofree char *folder = g_dir_make_tmp ("calotype-XXXXXX", NULL);
  path = g_build_filename (folder, "copy.safetensors", NULL);
  model = sd_test_model ();
  SdEngine *engine = open_engine (&error);
  g_assert_no_error (error);
  want = draw (engine, NULL, NULL, &error);
  g_assert_no_error (error);
  sd_engine_free (engine);
  g_test_add_data_func ("/sd/recover/lost-once/submit",
                        GINT_TO_POINTER (GPU_FAULT_SUBMIT), test_lost_once);
  g_test_add_data_func ("/sd/recover/lost-once/wait", GINT_TO_POINTER (GPU_FAULT_WAIT),
                        test_lost_once);
  g_test_add_func ("/sd/recover/lost-twice", test_lost_twice);
  g_test_add_func ("/sd/recover/device-memory", test_device_memory);
  g_test_add_func ("/sd/recover/no-device-memory", test_no_device_memory);
  g_test_add_func ("/sd/recover/host-memory", test_host_memory);
  g_test_add_func ("/sd/recover/layers", test_layers);
  g_test_add_data_func ("/sd/recover/shortened", GINT_TO_POINTER (TRUE), test_file);
  g_test_add_data_func ("/sd/recover/replaced", GINT_TO_POINTER (FALSE), test_file);
  g_test_add_func ("/sd/recover/stop", test_stop);
  g_test_add_func ("/sd/recover/two", test_two);
  int status = g_test_run ();
  g_assert_cmpuint (gpu_device_validation_messages (NULL), ==, 0);
  image_buffer_free (want);
  st_model_unref (model);
  g_unlink (path);
  g_rmdir (folder);
  return status;
}
