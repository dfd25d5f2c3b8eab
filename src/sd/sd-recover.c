/* sd-recover.c: what is done about a fault in the middle of a picture
 *
 * Samplers leave a failed step undone, so whatever can be mended is mended here and the
 * step is made again: a lost device is opened once more; where memory ran out, all that
 * is not needed goes, then the next rung of the ladder is taken; numbers that 16 bits do
 * not hold get 32.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"

#include <glib/gi18n-lib.h>

#define MAX_LOSSES 1
#define MAX_SHORTAGES 6

/* The device anew, and everything that lay on it: weights are read again when wanted. */
static gboolean
reopen (SdEngine *engine, GError **error)
{
  GpuDevice *device;

  sd_engine_drop_programs (engine);
  device = gpu_device_reopen (engine->device, error);
  if (device == NULL)
    return FALSE;
  gpu_device_unref (engine->device); /* the context holds it until it goes itself */
  engine->device = device;
  sd_engine_reset_context (engine);
  return TRUE;
}

gboolean
sd_engine_move_to_cpu (SdEngine *engine)
{
  g_autoptr (GArray) list = gpu_list (NULL);
  GpuDevice *device = NULL;

  for (guint i = 0; device == NULL && list != NULL && i < list->len; i++)
    if (g_array_index (list, GpuInfo, i).kind == GPU_KIND_CPU)
      device = gpu_device_new ((int) i, NULL);
  if (device == NULL)
    return FALSE;
  sd_engine_drop_programs (engine);
  gpu_device_unref (engine->device);
  engine->device = device;
  engine->gpu = *gpu_device_info (device);
  engine->memory = 0; /* the limit was for the other one */
  if (!engine->gpu.has_fp16_storage)
    engine->activations = NN_F32;
  engine->fit = (SdFit){ .resident = G_MAXUINT64, .cpu = TRUE };
  engine->fitted = FALSE;
  if (engine->context != NULL)
    sd_engine_reset_context (engine);
  return TRUE;
}

static gboolean
recover_loss (SdEngine *engine, GError **fault, const char **warn)
{
  if (++engine->losses > MAX_LOSSES)
    {
      g_clear_error (fault);
      g_set_error (fault, GPU_ERROR, GPU_ERROR_LOST,
                   _ ("%s was lost twice in one picture: its driver may be faulty, or it "
                      "is overloaded or too hot. What was computed is kept; the next try "
                      "opens the device anew"),
                   engine->gpu.name);
      return FALSE;
    }
  if (!reopen (engine, NULL))
    return FALSE;
  *warn = _ ("The device was lost once; the picture went on from its last step");
  return TRUE;
}

/* The first time all memory is given back: it may have been in pieces, or another
 * program's need may have passed. Then as if there were less. */
static gboolean
recover_shortage (SdEngine *engine, const char **warn)
{
  SdFit before = engine->fit;
  SdTask task = engine->fit_task;

  if (engine->device == NULL || ++engine->shortages > MAX_SHORTAGES)
    return FALSE;
  sd_engine_reset_context (engine);
  if (engine->shortages == 1)
    return TRUE;
  while (engine->shortages <= MAX_SHORTAGES)
    {
      engine->fitted = FALSE;
      if (task.width == 0 || !sd_engine_fit_task (engine, &task, NULL))
        return FALSE;
      if (sd_fit_rungs (&engine->fit) != sd_fit_rungs (&before)
          || engine->fit.resident < before.resident)
        break;
      engine->shortages++;
    }
  *warn = _ ("Memory ran short; the picture was made in a slower way that needs less");
  return engine->shortages <= MAX_SHORTAGES;
}

static gboolean
is_shortage (const GError *fault)
{
  return g_error_matches (fault, GPU_ERROR, GPU_ERROR_OUT_OF_MEMORY)
         || g_error_matches (fault, NN_ERROR, NN_ERROR_MEMORY);
}

gboolean
sd_engine_recover (SdEngine *engine, GError **fault, const char **warn)
{
  gboolean good = FALSE;

  *warn = NULL;
  if (g_error_matches (*fault, GPU_ERROR, GPU_ERROR_LOST))
    good = recover_loss (engine, fault, warn);
  else if (is_shortage (*fault))
    good = recover_shortage (engine, warn);
  else if (g_error_matches (*fault, SD_ERROR, SD_ERROR_NOT_FINITE))
    {
      *warn = _ ("The numbers did not fit 16 bits; the picture was made with 32");
      good = sd_engine_raise_precision (engine);
    }
  if (good)
    g_clear_error (fault);
  return good;
}

gboolean
sd_engine_begin (SdEngine *engine, GError **error)
{
  engine->losses = engine->shortages = 0;
  return engine->device == NULL || !gpu_device_is_lost (engine->device)
         || reopen (engine, error);
}
