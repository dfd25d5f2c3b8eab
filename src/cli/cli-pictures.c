/* cli-pictures.c: a run from its first step to its files
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "cli/cli-pictures.h"
#include "cli/cli-private.h"
#include "cli/cli-source.h"

#include <stdio.h>
#include <string.h>

/* --noise-in: [N,4,h,w], F32, unit variance. */
float *
cli_read_noise (const char *path, const SdParams *params, GError **error)
{
  g_autoptr (StFile) file = st_file_open (path, NULL, error);
  const guint64 wanted[4] = { params->batch, 4, params->height / 8, params->width / 8 };

  if (file == NULL)
    {
      g_prefix_error (error, "%s: ", path);
      return NULL;
    }
  const StTensor *tensor = st_file_find (file, "noise", -1);
  if (tensor == NULL || tensor->dtype != ST_DTYPE_F32 || tensor->rank != 4
      || memcmp (tensor->shape, wanted, sizeof wanted) != 0)
    {
      g_autofree char *shape = tensor != NULL ? cli_shape_text (tensor) : NULL;

      g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER,
                   "%s: a tensor “noise” of F32 [%" G_GUINT64_FORMAT
                   ", 4, %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT
                   "] is needed for this size and batch; there is %s %s",
                   path, wanted[0], wanted[2], wanted[3],
                   tensor != NULL ? st_dtype_name (tensor->dtype) : "none",
                   tensor != NULL ? shape : "");
      return NULL;
    }
  g_autofree float *noise = g_try_malloc (tensor->end - tensor->begin);
  if (noise == NULL
      || !st_file_read (file, tensor->begin, tensor->end - tensor->begin, noise, error))
    return NULL;
  return g_steal_pointer (&noise);
}

gboolean
cli_write_latents (const char *path, SdRun *run, const SdParams *params, GError **error)
{
  gsize n;
  const guint64 shape[4] = { params->batch, 4, params->height / 8, params->width / 8 };
  const StWriteTensor tensor
      = { "latents", ST_DTYPE_F32, 4, shape, sd_run_latents (run, &n) };

  return st_write (path, &tensor, 1, NULL, error);
}

/* NAME.png, NAME-2.png, NAME-3.png … */
static char *
picture_path (const char *first, guint picture)
{
  gsize length = strlen (first);

  if (picture == 0)
    return g_strdup (first);
  if (length > 4 && g_ascii_strcasecmp (first + length - 4, ".png") == 0)
    length -= 4;
  return g_strdup_printf ("%.*s-%u%s", (int) length, first, picture + 1, first + length);
}

/* The name that was asked for, or one of our own that nothing lies at yet. */
static char *
first_path (const char *output, const SdParams *params)
{
  if (output != NULL)
    return g_strdup (output);
  for (guint i = 1;; i++)
    {
      char *name
          = i == 1 ? g_strdup_printf ("calotype-%" G_GUINT64_FORMAT ".png", params->seed)
                   : g_strdup_printf ("calotype-%" G_GUINT64_FORMAT "_%u.png",
                                      params->seed, i);

      if (!g_file_test (name, G_FILE_TEST_EXISTS))
        return name;
      g_free (name);
    }
}

/* The run's own picture, or what comes of going over its seam once more. */
static gboolean
save_picture (SdRun *run,
              SdEngine *engine,
              guint picture,
              const SdParams *params,
              const char *path,
              const BaseTask *task,
              GError **error)
{
  g_autoptr (ImageBuffer) image = sd_run_decode (run, picture, task, error);

  if (image == NULL || !cli_source.seam_pass)
    return image != NULL && sd_run_save_picture (run, picture, image, path, error);
  g_autoptr (SdParams) again = sd_params_new_seam (params, picture, image);
  g_autoptr (SdRun) second
      = again != NULL ? cli_run (engine, again, NULL, task, error) : NULL;
  g_autoptr (ImageBuffer) better
      = second != NULL ? sd_run_decode (second, 0, task, error) : NULL;
  return better != NULL && sd_run_save_picture (second, 0, better, path, error);
}

SdRun *
cli_run (SdEngine *engine,
         const SdParams *params,
         const float *noise,
         const BaseTask *task,
         GError **error)
{
  g_autoptr (SdRun) run = sd_run_new (engine, params, noise, task, error);

  if (run == NULL)
    return NULL;
  cli_progress_clear (task->user_data);
  for (const char *const *warning = sd_run_warnings (run);
       warning != NULL && *warning != NULL; warning++)
    fprintf (stderr, "calotype-cli: %s\n", *warning);
  while (sd_run_step_index (run) < sd_run_n_steps (run))
    if (!sd_run_step (run, task, error))
      return NULL;
    else
      base_task_progress (task, "step", sd_run_step_index (run), sd_run_n_steps (run));
  return g_steal_pointer (&run);
}

gboolean
cli_save_pictures (const char *output,
                   SdEngine *engine,
                   SdRun *run,
                   const SdParams *params,
                   const BaseTask *task,
                   GError **error)
{
  g_autofree char *first = first_path (output, params);

  for (guint i = 0; i < params->batch; i++)
    {
      g_autofree char *path = picture_path (first, i);

      base_task_progress (task, "decode", i, params->batch);
      if (!save_picture (run, engine, i, params, path, task, error))
        return FALSE;
      cli_progress_clear (task->user_data);
      cli_print ("%s\n", path);
      fflush (stdout);
    }
  return TRUE;
}
