/* sampler-schedule.c: noise levels, and which of them a run visits
 *
 * Sources: Karras et al. 2022, equation 5 (karras); the definitions of ComfyUI's
 * schedulers, of which "normal" and the interpolation between levels are k-diffusion's.
 * In double precision; k-diffusion's floats differ from these by single rounding only.
 * log and exp are base-elementary.c's, so a schedule has the same bits on every machine.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sampler/sampler.h"
#include "base/base-elementary.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#define KARRAS_RHO 7.0

void
sampler_levels_init_scaled_linear (SamplerLevels *levels,
                                   double beta_start,
                                   double beta_end)
{
  const guint n = G_N_ELEMENTS (levels->sigmas);
  double first = sqrt (beta_start), last = sqrt (beta_end);
  double product = 1.0; /* of 1 - beta: the share of the signal's power that is left */

  levels->n = n;
  for (guint i = 0; i < n; i++)
    {
      double root = first + (last - first) * i / (n - 1);

      product *= 1.0 - root * root;
      levels->sigmas[i] = sqrt ((1.0 - product) / product);
      levels->log_sigmas[i] = base_log (levels->sigmas[i]);
    }
}

/* Power of what is left of the signal at the last level: not 0, which no sigma has. */
#define ZERO_SNR_POWER 4.8973451890853435e-08

void
sampler_levels_rescale_zero_snr (SamplerLevels *levels)
{
  const guint n = levels->n;
  double first = 1.0 / sqrt (1.0 + levels->sigmas[0] * levels->sigmas[0]);
  double last = 1.0 / sqrt (1.0 + levels->sigmas[n - 1] * levels->sigmas[n - 1]);

  for (guint i = 0; i < n; i++)
    {
      double amplitude = 1.0 / sqrt (1.0 + levels->sigmas[i] * levels->sigmas[i]);
      double shifted = (amplitude - last) * first / (first - last);
      double power = i + 1 == n ? ZERO_SNR_POWER : shifted * shifted;

      levels->sigmas[i] = sqrt ((1.0 - power) / power);
      levels->log_sigmas[i] = base_log (levels->sigmas[i]);
    }
}

double
sampler_sigma_to_t (const SamplerLevels *levels, double sigma)
{
  const double *logs = levels->log_sigmas;
  double value, w;
  guint low = 0, high = levels->n - 1;

  if (sigma <= levels->sigmas[0])
    return 0.0;
  if (sigma >= levels->sigmas[levels->n - 1])
    return levels->n - 1;
  value = base_log (sigma);
  while (high - low > 1)
    {
      guint middle = (low + high) / 2;

      if (logs[middle] <= value)
        low = middle;
      else
        high = middle;
    }
  w = (value - logs[low]) / (logs[high] - logs[low]);
  return low + CLAMP (w, 0.0, 1.0);
}

double
sampler_t_to_sigma (const SamplerLevels *levels, double t)
{
  double clamped = CLAMP (t, 0.0, (double) (levels->n - 1));
  guint low = (guint) clamped;
  double w = clamped - low;

  if (w == 0.0)
    return levels->sigmas[low];
  return base_exp ((1.0 - w) * levels->log_sigmas[low] + w * levels->log_sigmas[low + 1]);
}

/* @n even timesteps from the last level down; to level 0, or (@open) one step short of
 * it. */
static void
fill_even (const SamplerLevels *levels, guint n, gboolean open, double *sigmas)
{
  double top = levels->n - 1;
  guint intervals = open ? n : n - 1;

  for (guint i = 0; i < n; i++)
    sigmas[i]
        = sampler_t_to_sigma (levels, i == 0 ? top : top * (intervals - i) / intervals);
}

static void
fill_karras (const SamplerLevels *levels, guint n, double *sigmas)
{
  double top = base_exp (levels->log_sigmas[levels->n - 1] / KARRAS_RHO);
  double bottom = base_exp (levels->log_sigmas[0] / KARRAS_RHO);

  for (guint i = 0; i < n; i++)
    {
      double root = n == 1 ? top : top + (bottom - top) * i / (n - 1);
      double squared = root * root;

      sigmas[i] = squared * squared * squared * root;
    }
}

static void
fill_exponential (const SamplerLevels *levels, guint n, double *sigmas)
{
  double top = levels->log_sigmas[levels->n - 1], bottom = levels->log_sigmas[0];

  for (guint i = 0; i < n; i++)
    sigmas[i] = base_exp (n == 1 ? top : top + (bottom - top) * i / (n - 1));
}

/* Levels 1, 1 + stride, … below 1000, backwards, with the stride that makes @n of them;
 * where none does (from 38 steps up, now and then), levels as even as can be. */
static void
fill_ddim (const SamplerLevels *levels, guint n, double *sigmas)
{
  guint last = levels->n - 1;
  guint stride = (last + n - 1) / n;
  gboolean exact = (last + stride - 1) / stride == n;

  for (guint i = 0; i < n; i++)
    sigmas[n - 1 - i] = levels->sigmas[exact ? 1 + i * stride : i * levels->n / n];
}

gboolean
sampler_schedule_fill (SamplerSchedule schedule,
                       const SamplerLevels *levels,
                       guint steps,
                       double *sigmas,
                       GError **error)
{
  if (steps < 1 || steps > SAMPLER_MAX_STEPS)
    {
      g_set_error (error, SAMPLER_ERROR, SAMPLER_ERROR_STEPS,
                   _ ("The number of steps must be from 1 to %d, not %u"),
                   SAMPLER_MAX_STEPS, steps);
      return FALSE;
    }
  switch (schedule)
    {
    case SAMPLER_KARRAS:
      fill_karras (levels, steps, sigmas);
      break;
    case SAMPLER_EXPONENTIAL:
      fill_exponential (levels, steps, sigmas);
      break;
    case SAMPLER_SIMPLE:
      for (guint i = 0; i < steps; i++)
        sigmas[i]
            = levels->sigmas[levels->n - 1 - (guint) (i * ((double) levels->n / steps))];
      break;
    case SAMPLER_DDIM_UNIFORM:
      fill_ddim (levels, steps, sigmas);
      break;
    case SAMPLER_NORMAL:
      fill_even (levels, steps, FALSE, sigmas);
      break;
    case SAMPLER_SGM_UNIFORM:
      fill_even (levels, steps, TRUE, sigmas);
      break;
    case SAMPLER_TURBO:
      for (guint i = 0; i < steps; i++)
        sigmas[i]
            = levels->sigmas[(guint) nearbyint ((steps - i) * (double) levels->n / steps)
                             - 1];
      break;
    case SAMPLER_N_SCHEDULES:
      g_assert_not_reached ();
    }
  sigmas[steps] = 0.0;
  return TRUE;
}
