/* sd-upscale.c: pictures made larger, in pieces
 *
 * Pieces are of one size and overlap. A piece counts for nothing within MARGIN of an edge
 * that is not the picture's own, since the network saw no neighbours there, and then
 * gains weight over RAMP pixels. Where the network reaches no further than MARGIN, which
 * is so for compact ones of up to 24 layers, pieces give what the whole would. Those of
 * 23 blocks could reach 350 pixels, most of which is too faint to be seen: what remains
 * of a difference is spread over the ramp.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"
#include "sd/sd-upscale-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#define MARGIN 24u
#define RAMP 8u
#define OVERLAP(unit) (2 * MARGIN + RAMP + (unit))
#define UNITS G_GUINT64_CONSTANT (20000) /* of progress, for a piece */
#define MIN_TILE 96u
#define CPU_TILE 256u    /* larger ones tell too seldom how far they are */
#define MAX_OUTPUT 2048u /* of a piece: what one binding of many devices holds */

struct _SdUpscaler
{
  SdUpscaleNet *net;
  GpuDevice *device; /* (nullable): the reference */
  guint64 memory;
  NnType activations;
  NnContext *context;
  SdUpscaleProgram *program; /* (nullable): of the latest size */
  guint asked;               /* side of pieces; 0: chosen */
};

/* ---- opening ---- */

static gboolean
open_context (SdUpscaler *upscaler, GError **error)
{
  g_clear_pointer (&upscaler->program, sd_upscale_program_free);
  NnContext *context = nn_context_new (upscaler->device, upscaler->activations);
  gboolean good = sd_upscale_net_set_context (upscaler->net, context, error);

  g_clear_pointer (&upscaler->context, nn_context_unref);
  upscaler->context = context;
  return good;
}

static gboolean
open_device (SdUpscaler *upscaler, int device, SdPrecision precision, GError **error)
{
  upscaler->activations = NN_F32;
  if (device == -2)
    return TRUE;
  upscaler->device = gpu_device_new (device, error);
  if (upscaler->device == NULL)
    return FALSE;
  gpu_device_set_memory_limit (upscaler->device, upscaler->memory);
  return sd_engine_choose_type (gpu_device_info (upscaler->device), precision,
                                &upscaler->activations, error);
}

SdUpscaler *
sd_upscaler_new (StModel *model,
                 int device,
                 SdPrecision precision,
                 guint64 memory,
                 const BaseTask *task,
                 GError **error)
{
  g_autoptr (SdUpscaler) upscaler = g_new0 (SdUpscaler, 1);

  upscaler->memory = memory;
  upscaler->net = sd_upscale_net_new (model, error);
  if (upscaler->net == NULL || !base_task_check (task, error)
      || !open_device (upscaler, device, precision, error)
      || !open_context (upscaler, error))
    return NULL;
  /* A small program names every weight: what is missing shows here. */
  guint side = 4 * sd_upscale_net_unshuffle (upscaler->net);
  upscaler->program = sd_upscale_program_new (upscaler->net, side, side, error);
  if (upscaler->program == NULL
      || !nn_context_load_weights (upscaler->context, task, error))
    return NULL;
  return g_steal_pointer (&upscaler);
}

void
sd_upscaler_free (SdUpscaler *upscaler)
{
  if (upscaler == NULL)
    return;
  sd_upscale_program_free (upscaler->program);
  sd_upscale_net_free (upscaler->net);
  g_clear_pointer (&upscaler->context, nn_context_unref);
  if (upscaler->device != NULL)
    gpu_device_save_cache (upscaler->device);
  gpu_device_unref (upscaler->device);
  g_free (upscaler);
}

guint
sd_upscaler_scale (const SdUpscaler *upscaler)
{
  return sd_upscale_net_scale (upscaler->net);
}

void
sd_upscaler_set_tile (SdUpscaler *upscaler, guint side)
{
  upscaler->asked = side;
}

/* ---- pieces ---- */

/* Pieces along one side. */
typedef struct
{
  guint side, tile, n, unit;
} Axis;

typedef struct
{
  SdUpscaler *upscaler;
  const ImageBuffer *image;
  guint scale;
  Axis down, across;
  float *in, *out;    /* of a piece */
  float *band, *sums; /* rows of the result that pieces at hand touch, and their shares */
  guint band_first, band_rows;
  SdUpscaleRows take;
  gpointer data;
  const BaseTask *task;
  guint done;
} Job;

static guint
round_up (guint value, guint unit)
{
  return (value + unit - 1) / unit * unit;
}

static Axis
axis_new (guint side, guint tile, guint unit)
{
  Axis axis = { .unit = unit, .side = round_up (side, unit) };
  guint step = tile - OVERLAP (unit);

  axis.tile = MIN (axis.side, tile);
  axis.n = axis.side <= tile ? 1 : (axis.side - tile + step - 1) / step + 1;
  return axis;
}

static guint
axis_start (const Axis *axis, guint i)
{
  if (axis->n == 1)
    return 0;
  return (guint) ((guint64) i * (axis->side - axis->tile) / (axis->n - 1)) / axis->unit
         * axis->unit;
}

/* What the pixel @p of the result counts for in piece @i, both from the piece's begin. */
static float
axis_share (const Axis *axis, guint i, guint p, guint scale)
{
  float at = (p + 0.5f) / scale, share = 1;

  if (i > 0)
    share = MIN (share, (at - MARGIN) / RAMP);
  if (i + 1 < axis->n)
    share = MIN (share, (axis->tile - at - MARGIN) / RAMP);
  return MAX (share, 0);
}

/* Beyond the picture its edge goes on. */
static void
cut (const Job *job, guint y0, guint x0)
{
  const ImageBuffer *image = job->image;

  for (guint y = 0; y < job->down.tile; y++)
    for (guint x = 0; x < job->across.tile; x++)
      {
        gsize from_y = MIN (y0 + y, image->height - 1);
        gsize from_x = MIN (x0 + x, image->width - 1);
        const guint8 *from
            = image->pixels + (from_y * image->width + from_x) * image->channels;
        for (guint c = 0; c < 3; c++)
          job->in[((gsize) y * job->across.tile + x) * 3 + c] = from[c] / 255.0f;
      }
}

static void
blend (Job *job, guint i, guint j)
{
  guint s = job->scale, x0 = s * axis_start (&job->across, j);
  guint wide = s * job->across.side, piece = s * job->across.tile;

  for (guint y = 0; y < s * job->down.tile; y++)
    {
      float down = axis_share (&job->down, i, y, s);
      for (guint x = 0; down > 0 && x < piece; x++)
        {
          float share = down * axis_share (&job->across, j, x, s);
          gsize to = (gsize) y * wide + x0 + x, from = (gsize) y * piece + x;
          job->sums[to] += share;
          for (guint c = 0; c < 3; c++)
            job->band[to * 3 + c] += share * job->out[from * 3 + c];
        }
    }
}

/* Rows before @end, of the result, are finished: they go, and the rest moves up. */
static void
flush (Job *job, guint end)
{
  guint n = end - job->band_first;
  gsize wide = (gsize) job->scale * job->across.side, rest = job->band_rows - n;
  guint width = job->scale * job->image->width;
  guint last = job->scale * job->image->height;

  for (gsize y = 0; y < n && job->band_first + y < last; y++)
    {
      float *row = job->band + y * wide * 3;
      for (gsize x = 0; x < width; x++)
        for (guint c = 0; c < 3; c++)
          row[x * 3 + c] /= job->sums[y * wide + x];
      job->take (row, job->band_first + y, 1, job->data);
    }
  memmove (job->band, job->band + n * wide * 3, rest * wide * 3 * sizeof *job->band);
  memmove (job->sums, job->sums + n * wide, rest * wide * sizeof *job->sums);
  memset (job->band + rest * wide * 3, 0, n * wide * 3 * sizeof *job->band);
  memset (job->sums + rest * wide, 0, n * wide * sizeof *job->sums);
  job->band_first = end;
}

static void
told (const char *stage, guint64 done, guint64 total, gpointer data)
{
  Job *job = data;
  guint n = job->down.n * job->across.n;

  if (total > 0)
    base_task_progress (job->task, "upscale", job->done * UNITS + done * UNITS / total,
                        n * UNITS);
}

static gboolean
run_piece (Job *job, guint i, guint j, GError **error)
{
  BaseTask inner = { .progress = told, .user_data = job };

  if (job->task != NULL)
    inner.cancellable = job->task->cancellable;
  if (!base_task_check (&inner, error))
    return FALSE;
  cut (job, axis_start (&job->down, i), axis_start (&job->across, j));
  if (!sd_upscale_program_run (job->upscaler->net, job->upscaler->program, job->in,
                               job->out, &inner, error))
    return FALSE;
  blend (job, i, j);
  job->done++;
  told (NULL, 0, 1, job);
  return TRUE;
}

static gboolean
run_pieces (Job *job, GError **error)
{
  for (guint i = 0; i < job->down.n; i++)
    {
      for (guint j = 0; j < job->across.n; j++)
        if (!run_piece (job, i, j, error))
          return FALSE;
      flush (job, job->scale
                      * (i + 1 < job->down.n ? axis_start (&job->down, i + 1)
                                             : job->down.side));
    }
  return TRUE;
}

/* ---- how large pieces are ---- */

static gboolean
prepare (Job *job, guint tile, GError **error)
{
  SdUpscaler *u = job->upscaler;
  guint unit = sd_upscale_net_unshuffle (u->net);

  tile = round_up (MAX (tile, MIN_TILE), unit);
  job->down = axis_new (job->image->height, tile, unit);
  job->across = axis_new (job->image->width, tile, unit);
  if (u->program != NULL && u->program->h == job->down.tile
      && u->program->w == job->across.tile)
    return TRUE;
  g_clear_pointer (&u->program, sd_upscale_program_free);
  u->program = sd_upscale_program_new (u->net, job->down.tile, job->across.tile, error);
  return u->program != NULL;
}

static gboolean
run_tiled (Job *job, guint tile, GError **error)
{
  const char *what = _ ("The larger picture");
  guint s = job->scale;

  if (!prepare (job, tile, error))
    return FALSE;
  gsize area = (gsize) job->down.tile * job->across.tile;
  job->band_rows = s * job->down.tile;
  job->band_first = 0;
  job->done = 0;
  gsize band = (gsize) job->band_rows * s * job->across.side;
  g_autofree float *in = nn_alloc (area, 3 * sizeof *in, what, error);
  g_autofree float *out
      = in != NULL ? nn_alloc (area * s * s, 3 * sizeof *out, what, error) : NULL;
  g_autofree float *rows
      = out != NULL ? nn_alloc (band, 3 * sizeof *rows, what, error) : NULL;
  g_autofree float *sums
      = rows != NULL ? nn_alloc (band, sizeof *sums, what, error) : NULL;
  if (sums == NULL)
    return FALSE;
  memset (rows, 0, band * 3 * sizeof *rows);
  memset (sums, 0, band * sizeof *sums);
  job->in = in;
  job->out = out;
  job->band = rows;
  job->sums = sums;
  return run_pieces (job, error);
}

static guint
first_tile (const SdUpscaler *upscaler)
{
  guint most = MAX_OUTPUT / sd_upscale_net_scale (upscaler->net);

  if (upscaler->asked != 0)
    return MIN (upscaler->asked, most);
  if (upscaler->device == NULL
      || gpu_device_info (upscaler->device)->kind == GPU_KIND_CPU)
    most = MIN (most, CPU_TILE);
  return MIN (most, 512);
}

static gboolean
is_shortage (const GError *error)
{
  return g_error_matches (error, NN_ERROR, NN_ERROR_MEMORY)
         || g_error_matches (error, GPU_ERROR, GPU_ERROR_OUT_OF_MEMORY);
}

/* Smaller pieces where memory is short, more bits where numbers run over: whatever was
 * given to @take is given again then. */
gboolean
sd_upscaler_run_rows (SdUpscaler *upscaler,
                      const ImageBuffer *image,
                      SdUpscaleRows take,
                      gpointer data,
                      const BaseTask *task,
                      GError **error)
{
  Job job = { .upscaler = upscaler,
              .image = image,
              .scale = sd_upscale_net_scale (upscaler->net),
              .take = take,
              .data = data,
              .task = task };
  guint tile = first_tile (upscaler);

  for (;;)
    {
      g_autoptr (GError) fault = NULL;

      if (run_tiled (&job, tile, &fault))
        return TRUE;
      g_clear_pointer (&upscaler->program, sd_upscale_program_free);
      if (is_shortage (fault) && tile > MIN_TILE)
        tile = MAX (tile * 2 / 3, MIN_TILE);
      else if (g_error_matches (fault, NN_ERROR, NN_ERROR_NOT_FINITE)
               && upscaler->activations == NN_F16)
        {
          upscaler->activations = NN_F32;
          if (!open_context (upscaler, error))
            return FALSE;
        }
      else
        {
          if (is_shortage (fault))
            g_set_error (error, NN_ERROR, NN_ERROR_MEMORY,
                         _ ("Even pieces of %u pixels a side do not fit. %s. Allow more "
                            "memory, or choose another device"),
                         tile, fault->message);
          else
            g_propagate_error (error, g_steal_pointer (&fault));
          return FALSE;
        }
    }
}

/* ---- pictures ---- */

static void
take_pixels (const float *rows, guint first, guint n, gpointer data)
{
  ImageBuffer *image = data;
  gsize width = image->width;

  for (gsize i = 0; i < n * width; i++)
    for (guint c = 0; c < 3; c++)
      image->pixels[(first * width + i) * image->channels + c]
          = (guint8) lroundf (CLAMP (rows[i * 3 + c], 0, 1) * 255);
}

static gboolean
enlarge_alpha (const ImageBuffer *image, ImageBuffer *larger, GError **error)
{
  if (image->channels != 4)
    return TRUE;
  g_autoptr (ImageBuffer) by_filter
      = image_buffer_resize (image, larger->width, larger->height);
  if (by_filter == NULL)
    {
      g_set_error (error, NN_ERROR, NN_ERROR_MEMORY,
                   _ ("No memory for a picture of %u×%u"), larger->width, larger->height);
      return FALSE;
    }
  for (gsize i = 0; i < (gsize) larger->width * larger->height; i++)
    larger->pixels[4 * i + 3] = by_filter->pixels[4 * i + 3];
  return TRUE;
}

ImageBuffer *
sd_upscaler_run (SdUpscaler *upscaler,
                 const ImageBuffer *image,
                 const BaseTask *task,
                 GError **error)
{
  guint64 scale = sd_upscaler_scale (upscaler);
  guint64 width = scale * image->width, height = scale * image->height;
  g_autoptr (ImageBuffer) larger = NULL;

  if (width > IMAGE_MAX_SIDE || height > IMAGE_MAX_SIDE
      || width * height > IMAGE_MAX_PIXELS)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER,
                   _ ("A picture of %u×%u would become %.0f×%.0f, larger than the %u "
                      "pixels a side and %u in all that can be kept. Make it smaller "
                      "first"),
                   image->width, image->height, (double) width, (double) height,
                   IMAGE_MAX_SIDE, IMAGE_MAX_PIXELS);
      return NULL;
    }
  larger = image_buffer_new ((guint) width, (guint) height, image->channels);
  if (larger == NULL)
    {
      g_set_error (error, NN_ERROR, NN_ERROR_MEMORY,
                   _ ("No memory for a picture of %u×%u"), (guint) width, (guint) height);
      return NULL;
    }
  if (!sd_upscaler_run_rows (upscaler, image, take_pixels, larger, task, error)
      || !enlarge_alpha (image, larger, error))
    return NULL;
  return g_steal_pointer (&larger);
}
