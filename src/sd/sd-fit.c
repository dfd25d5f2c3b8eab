/* sd-fit.c: how the networks are laid out on a device whose memory may be short
 *
 * Everything is planned before it is allocated: the same builders that make the programs
 * make them once more in a context that only counts (nn_context_new_plan). From all on
 * the device at once the ladder goes down to what costs more: networks in turns; prompts
 * one by one; the decoder in bands, then in tiles; weights streamed; weights of 8 bits.
 * The decoder's rungs and those of the other networks do not depend on one another, so
 * each side goes down only as far as it must.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* What small buffers waste in the blocks that they share, and the way between sizes. */
#define SLACK ((guint64) 12 << 20)
#define WAY ((guint64) 64 << 20) /* of weights to the device: host memory */
#define MAX_BANDS 2
/* Sides of tiles in latents; smaller ones would see too little to agree on colours. */
static const guint tiles[] = { 96, 64, 48, 32, 24, 16 };

static const struct
{
  const char *name;
  SdStage stage;
} stages[SD_PLAN_STAGES]
    = { { "text", SD_STAGE_TEXT },     { "text 2", SD_STAGE_TEXT_2 },
        { "time", SD_STAGE_TIME },     { "context", SD_STAGE_CONTEXT },
        { "unet", SD_STAGE_UNET },     { "decoder", SD_STAGE_DECODE },
        { "encoder", SD_STAGE_ENCODE } };

/* One search. */
typedef struct
{
  SdEngine *planner;
  SdPlan *plan;
  SdFit fit;
  guint n; /* prompts in a pass */
  gboolean encodes;
  GError *fault;                 /* why the last fit could not even be planned */
  guint64 copies;                /* of weights in other forms */
  guint64 needs[SD_PLAN_STAGES]; /* of each network alone, with the states */
  guint64 most;
} Search;

guint
sd_fit_rungs (const SdFit *fit)
{
  return (fit->turns ? SD_RUNG_TURNS : 0) | (fit->split ? SD_RUNG_SPLIT : 0)
         | (fit->bands != 0 ? SD_RUNG_BANDS : 0)
         | (fit->tile != 0 || fit->encode_tile != 0 ? SD_RUNG_TILES : 0)
         | (fit->resident != G_MAXUINT64 ? SD_RUNG_STREAM : 0)
         | (fit->quantized ? SD_RUNG_QUANTIZED : 0) | (fit->cpu ? SD_RUNG_CPU : 0);
}

void
sd_engine_set_fit (SdEngine *engine, const SdFit *fit)
{
  gboolean other_weights = engine->fit.quantized != fit->quantized;

  if (memcmp (&engine->fit, fit, sizeof *fit) == 0)
    return;
  engine->fit = *fit;
  if (engine->context == NULL)
    return;
  if (other_weights)
    {
      sd_engine_reset_context (engine);
      return;
    }
  sd_engine_drop_programs (engine);
  nn_context_set_frugal (engine->context, fit->frugal);
  nn_context_set_resident (engine->context, fit->resident);
  nn_context_set_bands (engine->context, fit->bands);
}

/* ---- measuring ---- */

/* How many prompts go through a stage; of three, two have the same words. */
static guint
prompts_of (const Search *s, SdStage stage)
{
  switch (stage)
    {
    case SD_STAGE_TEXT:
    case SD_STAGE_TEXT_2:
      return MIN (s->n, 2);
    case SD_STAGE_CONTEXT:
    case SD_STAGE_UNET:
      return s->n;
    case SD_STAGE_TIME:
    case SD_STAGE_DECODE:
    case SD_STAGE_ENCODE:
    case SD_STAGE_TINY:
    case SD_N_STAGES:
      break;
    }
  return 1;
}

static gboolean
is_wanted (const Search *s, SdStage stage)
{
  return (stage != SD_STAGE_TEXT_2 || s->planner->texts[1] != NULL)
         && (stage != SD_STAGE_ENCODE || s->encodes);
}

/* Sides in latents of what a stage's program is made for; 0: size plays no part. */
static void
size_of (const Search *s, SdStage stage, guint *h, guint *w)
{
  guint tile = stage == SD_STAGE_DECODE   ? s->fit.tile
               : stage == SD_STAGE_ENCODE ? s->fit.encode_tile
                                          : 0;

  *h = *w = 0;
  if (stage != SD_STAGE_UNET && stage != SD_STAGE_DECODE && stage != SD_STAGE_ENCODE)
    return;
  *h = s->plan->height / 8;
  *w = s->plan->width / 8;
  if (tile != 0)
    {
      *h = MIN (*h, tile);
      *w = MIN (*w, tile);
    }
}

static gboolean
measure_stage (Search *s, guint index, GError **error)
{
  SdStage stage = stages[index].stage;
  guint n = prompts_of (s, stage), h, w;
  gboolean looks = stage == SD_STAGE_CONTEXT || stage == SD_STAGE_UNET;
  gboolean split = n > 1 && (s->fit.split || (looks && s->planner->shape.apart));
  SdPlanStage *to = &s->plan->stages[index];
  SdProgram *program;
  guint64 arena = 0;

  if (!is_wanted (s, stage))
    {
      *to = (SdPlanStage){ .name = stages[index].name };
      return TRUE;
    }
  size_of (s, stage, &h, &w);
  program = sd_engine_program_of (s->planner, stage,
                                  split ? SD_SET_FIRST : sd_set_of_all (n), h, w, error);
  if (program == NULL)
    return FALSE;
  for (guint i = 1; i < n && split && stage == SD_STAGE_UNET; i++)
    {
      SdProgram *other
          = sd_engine_program_of (s->planner, stage, sd_set_of_one (i), h, w, error);
      if (other == NULL)
        return FALSE;
      arena = MAX (arena, nn_program_arena_bytes (other->program));
    }
  *to = (SdPlanStage){ .name = stages[index].name,
                       .resident = nn_program_resident_bytes (program->program),
                       .streamed = nn_program_streamed_bytes (program->program),
                       .arena = MAX (arena, nn_program_arena_bytes (program->program)),
                       .flops = nn_program_flops (program->program) };
  s->copies += nn_program_copies_bytes (program->program);
  if (split)
    to->flops *= looks ? MAX (n, s->planner->shape.passes) : n;
  return TRUE;
}

/* Does @s->fit fit? Fills the plan either way; a stage that cannot be planned at all, for
 * something is too large for one piece of memory, needs more than there can be. */
static gboolean
measure (Search *s)
{
  SdPlan *plan = s->plan;
  guint64 all = 0, arena = 0;

  g_clear_error (&s->fault);
  sd_engine_set_fit (s->planner, &s->fit);
  s->copies = s->most = 0;
  for (guint i = 0; i < SD_PLAN_STAGES; i++)
    {
      g_autoptr (GError) fault = NULL;
      gboolean good = measure_stage (s, i, &fault);

      s->needs[i] = good ? 0 : G_MAXUINT64;
      if (!good && s->fault == NULL)
        s->fault = g_steal_pointer (&fault);
    }
  plan->states = nn_context_state_bytes (s->planner->context);
  for (guint i = 0; i < SD_PLAN_STAGES; i++)
    {
      const SdPlanStage *stage = &plan->stages[i];

      if (s->needs[i] != 0)
        continue;
      all += stage->resident;
      arena = MAX (arena, stage->arena);
      s->needs[i] = plan->states + SLACK + stage->resident + stage->arena;
      s->most = MAX (s->most, s->needs[i]);
    }
  if (!s->fit.turns)
    s->most = plan->states + SLACK + all + arena;
  return s->fault == NULL && s->most <= plan->budget;
}

/* Do the text encoders and the UNet fit, whatever the decoder does? */
static gboolean
measure_networks (Search *s)
{
  measure (s);
  for (guint i = 0; i <= SD_PLAN_UNET; i++)
    if (s->needs[i] > s->plan->budget)
      return FALSE;
  return TRUE;
}

static gboolean
measure_one (Search *s, guint index)
{
  measure (s);
  return s->needs[index] <= s->plan->budget;
}

/* ---- the ladder ---- */

/* As many of the weights on the device as there is room for beside the arena. */
static gboolean
stream (Search *s)
{
  guint64 most = 0;

  s->fit.resident = 0;
  measure (s);
  if (s->needs[SD_PLAN_UNET] > s->plan->budget)
    return FALSE;
  for (guint i = 0; i <= SD_PLAN_UNET; i++)
    most = MAX (most, s->plan->states + SLACK + s->plan->stages[i].arena);
  most = s->plan->budget - MIN (most, s->plan->budget);
  for (guint i = 0; i < 8; i++, most -= most / 8)
    {
      s->fit.resident = most;
      if (measure_networks (s))
        return TRUE;
    }
  s->fit.resident = 0;
  return measure_networks (s);
}

static gboolean
fit_networks (Search *s)
{
  gboolean shared = s->planner->gpu.kind == GPU_KIND_CPU
                    || s->planner->gpu.kind == GPU_KIND_INTEGRATED;
  /* Where the device's memory is the host's, streaming moves weights from one place to
   * another of the same; a limit that was asked for is kept all the same. */
  gboolean can_stream = !shared || s->planner->memory != 0;

  if (measure_networks (s))
    return TRUE;
  s->fit.resident = G_MAXUINT64;
  s->fit.split = s->n > 1;
  if (s->fit.split && measure_networks (s))
    return TRUE;
  if (can_stream && stream (s))
    return TRUE;
  s->fit.resident = G_MAXUINT64;
  s->fit.quantized = TRUE;
  if (measure_networks (s) || (can_stream && stream (s)))
    return TRUE;
  return FALSE;
}

/* The decoder or the encoder: bands are for both, tiles for each. */
static gboolean
fit_pixels (Search *s, guint index, guint *tile)
{
  guint bands = s->fit.bands;

  if (measure_one (s, index))
    return TRUE;
  *tile = 0;
  for (s->fit.bands = MAX (bands, 1); s->fit.bands <= MAX_BANDS; s->fit.bands++)
    if (measure_one (s, index))
      return TRUE;
  s->fit.bands = MAX (bands, 1); /* costs tiles nothing */
  for (guint i = 0; i < G_N_ELEMENTS (tiles); i++)
    {
      *tile = tiles[i];
      if (measure_one (s, index))
        return TRUE;
    }
  return FALSE;
}

static void
tell (Search *s, gboolean found)
{
  SdPlan *plan = s->plan;
  guint64 streamed = 0;

  for (guint i = 0; i < SD_PLAN_STAGES; i++)
    streamed += plan->stages[i].streamed;
  plan->fits = found;
  plan->rungs = sd_fit_rungs (&s->fit);
  plan->device_bytes = s->most;
  plan->host_bytes = WAY + streamed;
  if (plan->cpu)
    plan->host_bytes += s->most + (s->fit.frugal ? 0 : s->copies);
  g_clear_pointer (&plan->why_not, g_free);
  if (found)
    return;
  g_autofree char *need = g_format_size_full (s->most, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *have = g_format_size_full (plan->budget, G_FORMAT_SIZE_IEC_UNITS);
  if (s->fault != NULL)
    plan->why_not = g_strdup (s->fault->message);
  else
    plan->why_not = g_strdup_printf (
        _ ("%u×%u needs at least %s of memory on %s, and there are %s"), plan->width,
        plan->height, need, plan->device, have);
}

gboolean
sd_fit_find (
    SdEngine *planner, const SdTask *task, SdPlan *plan, SdFit *fit, GError **error)
{
  Search s = {
    .planner = planner, .plan = plan, .n = task->shape.n, .encodes = task->encodes
  };
  gboolean found;

  sd_engine_set_shape (planner, &task->shape);

  s.fit.resident = G_MAXUINT64;
  s.fit.frugal = planner->memory != 0;
  found = measure (&s);
  if (!found && s.fault != NULL && !g_error_matches (s.fault, NN_ERROR, NN_ERROR_MEMORY))
    {
      g_propagate_error (error, g_steal_pointer (&s.fault));
      return FALSE;
    }
  if (!found)
    {
      s.fit.turns = s.fit.frugal = TRUE;
      /* Either side's states count for the other: the second turn sees all of them. */
      for (guint turn = 0; turn < 2 && !found; turn++)
        found
            = fit_pixels (&s, SD_PLAN_DECODER, &s.fit.tile)
              && (!task->encodes || fit_pixels (&s, SD_PLAN_ENCODER, &s.fit.encode_tile))
              && fit_networks (&s) && measure (&s);
    }
  tell (&s, found);
  g_clear_error (&s.fault);
  *fit = s.fit;
  return TRUE;
}

/* ---- for a run ---- */

static guint64
budget_of (SdEngine *engine)
{
  guint64 bytes = engine->memory;

  if (bytes == 0)
    bytes = gpu_device_memory_available (engine->device)
            + gpu_device_memory_used (engine->device);
  for (guint i = 1; i < engine->shortages; i++) /* the first one only made room */
    bytes -= bytes / 4;
  return bytes;
}

SdTask
sd_task_of (const SdEngine *engine, const SdParams *params, const SdShape *shape)
{
  return (SdTask){ .shape = *shape,
                   .width = params->width,
                   .height = params->height,
                   .encodes = sd_params_encode (params, engine->info) };
}

/* Where all fits at once, what was found with the encoder does without it. */
static gboolean
is_fit (const SdEngine *engine, const SdTask *task)
{
  const SdTask *found = &engine->fit_task;

  return engine->fitted && memcmp (&found->shape, &task->shape, sizeof found->shape) == 0
         && found->width == task->width && found->height == task->height
         && (found->encodes == task->encodes
             || (found->encodes && sd_fit_rungs (&engine->fit) == 0));
}

gboolean
sd_engine_fit_task (SdEngine *engine, const SdTask *task, GError **error)
{
  SdPlan plan = { .width = task->width, .height = task->height };
  SdFit fit;

  if (engine->device == NULL || is_fit (engine, task))
    return TRUE;
  g_autoptr (SdEngine) planner
      = sd_engine_new_plan (engine->model, &engine->gpu, engine->activations, error);
  if (planner == NULL)
    return FALSE;
  planner->memory = engine->memory;
  plan.cpu = engine->gpu.kind == GPU_KIND_CPU;
  plan.budget = budget_of (engine);
  g_strlcpy (plan.device, engine->gpu.name, sizeof plan.device);
  if (!sd_fit_find (planner, task, &plan, &fit, error))
    return FALSE;
  if (!plan.fits && engine->any_device && engine->gpu.kind != GPU_KIND_CPU
      && sd_engine_move_to_cpu (engine))
    {
      g_free (plan.why_not);
      return sd_engine_fit_task (engine, task, error);
    }
  if (!plan.fits)
    {
      g_set_error_literal (error, GPU_ERROR, GPU_ERROR_OUT_OF_MEMORY, plan.why_not);
      g_free (plan.why_not);
      return FALSE;
    }
  fit.cpu = engine->fit.cpu;
  sd_engine_set_fit (engine, &fit);
  engine->fitted = TRUE;
  engine->fit_task = *task;
  return TRUE;
}
