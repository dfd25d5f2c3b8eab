/* sampler.h: sigma schedules and samplers, pure arithmetic on float arrays
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "base/base-random.h"

#define SAMPLER_ERROR (sampler_error_quark ())
GQuark sampler_error_quark (void);
typedef enum
{
  SAMPLER_ERROR_NAME,  /* not a sampler or schedule; the message lists those there are */
  SAMPLER_ERROR_STEPS, /* number of steps out of range */
  SAMPLER_ERROR_STATE, /* not a saved run, or damaged */
} SamplerError;

typedef enum
{
  SAMPLER_EULER,
  SAMPLER_EULER_ANCESTRAL,
  SAMPLER_HEUN,
  SAMPLER_DPMPP_2M,
  SAMPLER_DDIM,
  SAMPLER_LCM,
  SAMPLER_DPMPP_2M_SDE,
  SAMPLER_N_KINDS
} SamplerKind;

typedef enum
{
  SAMPLER_NORMAL,
  SAMPLER_KARRAS,
  SAMPLER_EXPONENTIAL,
  SAMPLER_SGM_UNIFORM,
  SAMPLER_SIMPLE,
  SAMPLER_DDIM_UNIFORM,
  SAMPLER_TURBO, /* diffusers' trailing timesteps; for few-step models */
  SAMPLER_N_SCHEDULES
} SamplerSchedule;

/** sampler_kind_is_random: whether steps add noise, so that a run needs generators */
gboolean sampler_kind_is_random (SamplerKind kind);

/* Names as ComfyUI spells them; A1111's are accepted too ("DPM++ 2M Karras" sets both),
 * and sd.cpp's and InvokeAI's. Case, spaces, hyphens and underscores do not matter. */
const char *sampler_kind_name (SamplerKind kind);
const char *sampler_kind_a1111_name (SamplerKind kind);
const char *sampler_schedule_name (SamplerSchedule schedule);
const char *sampler_schedule_a1111_name (SamplerSchedule schedule);
/** sampler_parse: @schedule is changed only where the name holds one; (nullable) */
gboolean sampler_parse (const char *name,
                        SamplerKind *kind,
                        SamplerSchedule *schedule,
                        GError **error);
gboolean
sampler_schedule_parse (const char *name, SamplerSchedule *schedule, GError **error);

/* The training noise levels: 1000 sigmas, rising, from betas in double precision. */
typedef struct
{
  guint n; /* 1000 */
  double sigmas[1000], log_sigmas[1000];
} SamplerLevels;

/** sampler_levels_init_scaled_linear: betas are the squares of 1000 even steps from
 * √@beta_start to √@beta_end; Stable Diffusion: 0.00085, 0.012 */
void sampler_levels_init_scaled_linear (SamplerLevels *levels,
                                        double beta_start,
                                        double beta_end);
/** sampler_levels_rescale_zero_snr: for models trained with a zero terminal
 * signal-to-noise ratio: the signal's amplitude is shifted and stretched so that the last
 * level has none of it (but for A1111's and ComfyUI's remainder, power 4.9e-8), the first
 * as before. Lin et al. 2023, algorithm 1 */
void sampler_levels_rescale_zero_snr (SamplerLevels *levels);
double sampler_sigma_to_t (const SamplerLevels *levels,
                           double sigma); /* linear in log sigma */
double sampler_t_to_sigma (const SamplerLevels *levels, double t);
#define SAMPLER_MAX_STEPS 1000

/**
 * sampler_schedule_fill:
 * @steps: 1 to SAMPLER_MAX_STEPS
 * @sigmas: gets @steps + 1 values, falling, the last 0
 *
 * Definitions: ComfyUI's, which for these are k-diffusion's; in double precision and the
 * same bits on every machine. ddim_uniform: ComfyUI and A1111 take every ⌊1000/n⌋-th
 * level and so make 31 steps where 30 were asked for; here @steps is the number of steps
 * made, so 31 gives what they give for 30 (and 20 what they give for 20). Thread: any.
 */
gboolean sampler_schedule_fill (SamplerSchedule schedule,
                                const SamplerLevels *levels,
                                guint steps,
                                double *sigmas,
                                GError **error);

/**
 * SamplerDenoiseFunc: the network
 * @x: n floats, scaled by sigma; @denoised: where the predicted clean latents go
 * Returns: FALSE to stop with @error set
 */
typedef gboolean (*SamplerDenoiseFunc) (
    const float *x, double sigma, float *denoised, gpointer user_data, GError **error);

/*
 * Formulas are k-diffusion's; ddim is Euler, as in ComfyUI. Coefficients and the sum that
 * makes each new latent are computed in double precision, latents kept as floats.
 */
/* A run that can be stopped between steps, saved, and continued with the same bits. */
typedef struct _SamplerRun SamplerRun;

/**
 * sampler_run_new:
 * @x: start, already noise × sigmas[0]; copied
 * @sigmas: @steps + 1 falling values; copied
 * @n_per: floats of one picture; @batch pictures, each with its own @randoms[i] (taken;
 * the array itself is not)
 *
 * Kinds for which sampler_kind_is_random() draw one base_random_normal() of @n_per
 * numbers for each picture in each step that adds noise (all but a last one to 0).
 * Thread: one at a time.
 */
SamplerRun *sampler_run_new (SamplerKind kind,
                             const double *sigmas,
                             guint steps,
                             const float *x,
                             gsize n_per,
                             guint batch,
                             BaseRandom **randoms);
void sampler_run_free (SamplerRun *run);
guint sampler_run_step_index (const SamplerRun *run); /* steps finished */
gboolean sampler_run_finished (const SamplerRun *run);
/** sampler_run_step: one step (Heun calls the network twice); unchanged on failure */
gboolean sampler_run_step (SamplerRun *run,
                           SamplerDenoiseFunc denoise,
                           gpointer user_data,
                           GError **error);
const float *sampler_run_latents (const SamplerRun *run);
/** sampler_run_n: floats of the latents of all pictures */
gsize sampler_run_n (const SamplerRun *run);
/** sampler_run_denoised: predicted clean latents of the last step; NULL before the first
 */
const float *sampler_run_denoised (const SamplerRun *run);
/** sampler_run_save: (transfer full): everything; in this machine's byte order */
GBytes *sampler_run_save (const SamplerRun *run);
/** sampler_run_load: a run that goes on with the same bits; SAMPLER_ERROR_STATE */
SamplerRun *sampler_run_load (GBytes *state, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SamplerRun, sampler_run_free)
