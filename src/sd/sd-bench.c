/* sd-bench.c: how long an engine takes for a step and for a decode, and what they ask of
 * the device
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"

#include <time.h>

/* A figure is the best of several while they take no longer than this. */
#define ENOUGH_SECONDS 3.0
#define MAX_REPEATS 8
/* A first one that took longer is the figure: what it compiled no longer tells. */
#define LONG_SECONDS 60.0

static void
row_clear (gpointer data)
{
  SdBenchRow *row = data;
  g_clear_pointer (&row->dispatches, g_array_unref);
}

static double
processor_seconds (void)
{
  struct timespec t;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

typedef struct
{
  double wall, processor;
} Moment;

static Moment
now (void)
{
  return (Moment){ g_get_monotonic_time () * 1e-6, processor_seconds () };
}

static void
note (SdBenchRow *row, Moment begin)
{
  Moment end = now ();
  double wall = end.wall - begin.wall, processor = end.processor - begin.processor;
  gboolean first = row->repeats++ == 0;
  row->seconds = first ? wall : MIN (row->seconds, wall);
  row->processor_seconds = first ? processor : MIN (row->processor_seconds, processor);
}

static void
note_first (SdBenchRow *row, Moment begin)
{
  note (row, begin);
  row->first_seconds = row->seconds;
  if (row->first_seconds < LONG_SECONDS)
    row->repeats = 0;
}

/* The program of @stage that ran last. */
static void
describe (SdEngine *engine, SdStage stage, SdBenchRow *row)
{
  for (guint i = engine->programs->len; i > 0; i--)
    {
      const SdProgram *program = engine->programs->pdata[i - 1];
      if (program->stage != stage)
        continue;
      row->batch = program->n;
      nn_program_facts (program->program, &row->facts);
      row->dispatches = nn_program_timings (program->program);
      return;
    }
}

/* Measures what the programs of a first step and a first decode could be computed by;
 * with anything new they are made anew. */
static gboolean
tune (SdEngine *engine, const BaseTask *task, GError **error)
{
  guint all = 0;
  for (guint i = 0; i < engine->programs->len; i++)
    {
      const SdProgram *program = engine->programs->pdata[i];
      guint n;
      if (!nn_program_tune (program->program, &n, task, error))
        return FALSE;
      all += n;
    }
  if (all > 0)
    g_ptr_array_set_size (engine->programs, 0);
  return TRUE;
}

static gboolean
bench_steps (
    SdEngine *engine, SdRun *run, SdBenchRow *row, const BaseTask *task, GError **error)
{
  Moment first = now ();
  if (!sd_run_step (run, task, error)) /* compiles and reads */
    return FALSE;
  note_first (row, first);
  if (!tune (engine, task, error))
    return FALSE;
  double begin = now ().wall;
  while (sd_run_step_index (run) < sd_run_n_steps (run)
         && (row->repeats == 0 || now ().wall - begin < ENOUGH_SECONDS))
    {
      Moment start = now ();
      if (!sd_run_step (run, task, error))
        return FALSE;
      note (row, start);
    }
  return TRUE;
}

static gboolean
bench_decodes (SdEngine *engine,
               const SdParams *params,
               SdBenchRow *row,
               const BaseTask *task,
               GError **error)
{
  guint h = params->height / 8, w = params->width / 8;
  g_autoptr (BaseRandom) random = base_random_new (BASE_RANDOM_CPU, 1);
  gsize n = SD_LATENT_CHANNELS * (gsize) h * w;
  g_autofree float *latents = g_new (float, n);
  g_autofree float *rgb = g_new (float, n / SD_LATENT_CHANNELS * 64 * 3);

  base_random_normal (random, n, latents);
  Moment first = now ();
  if (!sd_engine_decode (engine, latents, h, w, rgb, task, error))
    return FALSE;
  note_first (row, first);
  if (!tune (engine, task, error))
    return FALSE;
  double begin = now ().wall;
  while (row->repeats < MAX_REPEATS
         && (row->repeats == 0 || now ().wall - begin < ENOUGH_SECONDS))
    {
      Moment start = now ();
      if (!sd_engine_decode (engine, latents, h, w, rgb, task, error))
        return FALSE;
      note (row, start);
    }
  return TRUE;
}

static gboolean
add_steps (SdEngine *engine,
           const SdParams *params,
           GArray *rows,
           const BaseTask *task,
           GError **error)
{
  SdBenchRow row = { .name = "step" };
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, task, error);
  if (run == NULL || !bench_steps (engine, run, &row, task, error))
    return FALSE;
  describe (engine, SD_STAGE_UNET, &row);
  g_array_append_val (rows, row);
  return TRUE;
}

static gboolean
add_decodes (SdEngine *engine,
             const SdParams *params,
             GArray *rows,
             const BaseTask *task,
             GError **error)
{
  SdBenchRow row = { .name = "decode" };
  if (!bench_decodes (engine, params, &row, task, error))
    return FALSE;
  describe (engine, SD_STAGE_DECODE, &row);
  g_array_append_val (rows, row);
  return TRUE;
}

GArray *
sd_engine_bench (SdEngine *engine,
                 const SdBenchParams *p,
                 const BaseTask *task,
                 GError **error)
{
  g_autoptr (GArray) rows = g_array_new (FALSE, TRUE, sizeof (SdBenchRow));
  g_autoptr (SdParams) params = sd_params_new_for (engine->info);

  g_array_set_clear_func (rows, row_clear);
  params->width = p->width;
  params->height = p->height;
  params->steps = 1 + MAX_REPEATS;
  params->sampler = SAMPLER_EULER; /* one pass a step */
  if (p->unguided)
    params->cfg = 1;
  if (!p->no_steps && !add_steps (engine, params, rows, task, error))
    return NULL;
  if (!p->no_decodes && !add_decodes (engine, params, rows, task, error))
    return NULL;
  return g_steal_pointer (&rows);
}

gboolean
sd_engine_rates (SdEngine *engine,
                 NnDeviceRates *rates,
                 const BaseTask *task,
                 GError **error)
{
  *rates = (NnDeviceRates){ 0 };
  return engine->device == NULL
         || nn_measure_device (engine->device, engine->activations, rates, task, error);
}
