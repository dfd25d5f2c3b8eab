/* sampler-run.c: from noise to latents, one step at a time
 *
 * The formulas are k-diffusion's (Euler, Euler a and Heun: Karras et al. 2022, algorithm
 * 2 without churn; DPM++ 2M and its SDE form: Lu et al. 2022; LCM: Luo et al. 2023),
 * written as blends: Euler's step from σ to σ', x + (x - D)/σ · (σ' - σ), is r·x + (1 -
 * r)·D with r = σ'/σ. So the last step, to 0, gives D itself without rounding. Each new
 * latent is one sum in double precision, rounded once.
 *
 * A step computes into @next and is adopted only when nothing can fail any more: after a
 * failure or a cancel the run stands where it stood.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sampler/sampler.h"
#include "base/base-elementary.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#define STATE_MAGIC 0x31534c43 /* "CLS1" read as little-endian */

struct _SamplerRun
{
  SamplerKind kind;
  guint steps, index;
  double *sigmas; /* steps + 1 */
  gsize n_per;
  guint batch;
  gsize n; /* n_per × batch */
  float *x;
  float *denoised;      /* of the last step: DPM++ 2M looks back at it */
  float *next, *guess;  /* scratch: the new x; the network's answer */
  BaseRandom **randoms; /* batch, or NULL */
};

/* What is written before the arrays: sigmas, x, denoised where a step was made, and for
 * each generator its length and its state. */
typedef struct
{
  guint32 magic, kind, steps, index;
  guint64 n_per;
  guint32 batch, has_randoms;
} Header;

gboolean
sampler_kind_is_random (SamplerKind kind)
{
  return kind == SAMPLER_EULER_ANCESTRAL || kind == SAMPLER_LCM
         || kind == SAMPLER_DPMPP_2M_SDE;
}

static SamplerRun *
run_alloc (SamplerKind kind, guint steps, gsize n_per, guint batch)
{
  SamplerRun *run = g_new0 (SamplerRun, 1);

  run->kind = kind;
  run->steps = steps;
  run->n_per = n_per;
  run->batch = batch;
  run->n = n_per * batch;
  run->sigmas = g_new (double, steps + 1);
  run->x = g_new (float, run->n);
  run->denoised = g_new (float, run->n);
  run->next = g_new (float, run->n);
  run->guess = g_new (float, run->n);
  return run;
}

SamplerRun *
sampler_run_new (SamplerKind kind,
                 const double *sigmas,
                 guint steps,
                 const float *x,
                 gsize n_per,
                 guint batch,
                 BaseRandom **randoms)
{
  SamplerRun *run;

  g_return_val_if_fail (kind < SAMPLER_N_KINDS, NULL);
  g_return_val_if_fail (steps > 0 && n_per > 0 && batch > 0, NULL);
  g_return_val_if_fail (randoms != NULL || !sampler_kind_is_random (kind), NULL);

  run = run_alloc (kind, steps, n_per, batch);
  memcpy (run->sigmas, sigmas, (steps + 1) * sizeof *sigmas);
  memcpy (run->x, x, run->n * sizeof *x);
  if (randoms != NULL)
    run->randoms = g_memdup2 (randoms, batch * sizeof *randoms);
  return run;
}

void
sampler_run_free (SamplerRun *run)
{
  if (run == NULL)
    return;
  for (guint i = 0; run->randoms != NULL && i < run->batch; i++)
    base_random_free (run->randoms[i]);
  g_free (run->randoms);
  g_free (run->sigmas);
  g_free (run->x);
  g_free (run->denoised);
  g_free (run->next);
  g_free (run->guess);
  g_free (run);
}

guint
sampler_run_step_index (const SamplerRun *run)
{
  return run->index;
}

gboolean
sampler_run_finished (const SamplerRun *run)
{
  return run->index == run->steps;
}

gsize
sampler_run_n (const SamplerRun *run)
{
  return run->n;
}

const float *
sampler_run_latents (const SamplerRun *run)
{
  return run->x;
}

const float *
sampler_run_denoised (const SamplerRun *run)
{
  return run->index > 0 ? run->denoised : NULL;
}

/* next = r·x + (1 - r)·guess: Euler's step to the level r·σ */
static void
blend (SamplerRun *run, double r)
{
  for (gsize i = 0; i < run->n; i++)
    run->next[i] = (float) (r * run->x[i] + (1.0 - r) * run->guess[i]);
}

/* next += sigma·noise, each picture's from its own generator. */
static void
add_noise (SamplerRun *run, double sigma)
{
  g_autofree float *noise = g_new (float, run->n_per);

  for (guint b = 0; b < run->batch; b++)
    {
      float *next = run->next + b * run->n_per;

      base_random_normal (run->randoms[b], run->n_per, noise);
      for (gsize i = 0; i < run->n_per; i++)
        next[i] = (float) (next[i] + sigma * noise[i]);
    }
}

/* k-diffusion's split with eta 1: down to σ_down, then noise of σ_up brings it to @to. */
static void
step_ancestral (SamplerRun *run, double from, double to)
{
  double up = MIN (to, sqrt (to * to * (from * from - to * to) / (from * from)));
  double down = sqrt (to * to - up * up);

  blend (run, down / from);
  if (to > 0.0)
    add_noise (run, up);
}

/* The prediction itself, with fresh noise of the next level. */
static void
step_lcm (SamplerRun *run, double to)
{
  blend (run, 0.0);
  if (to > 0.0)
    add_noise (run, to);
}

/* The mean of the slopes at both ends; the second call of the network may fail. */
static gboolean
step_heun (SamplerRun *run,
           double from,
           double to,
           SamplerDenoiseFunc denoise,
           gpointer user_data,
           GError **error)
{
  g_autofree float *second = NULL;

  blend (run, to / from);
  if (to <= 0.0)
    return TRUE;
  second = g_new (float, run->n);
  if (!denoise (run->next, to, second, user_data, error))
    return FALSE;
  for (gsize i = 0; i < run->n; i++)
    {
      double slope = ((double) run->x[i] - run->guess[i]) / from;
      double slope_end = ((double) run->next[i] - second[i]) / to;

      run->next[i] = (float) (run->x[i] + (slope + slope_end) / 2.0 * (to - from));
    }
  return TRUE;
}

static void
step_dpmpp_2m (SamplerRun *run, double from, double to)
{
  double r = to / from, ratio, ahead, behind;

  if (run->index == 0 || to <= 0.0)
    {
      blend (run, r);
      return;
    }
  /* Steps in t = -log σ: this one over the one before. */
  ratio = base_log (from / to) / base_log (run->sigmas[run->index - 1] / from);
  ahead = (1.0 - r) * (1.0 + ratio / 2.0);
  behind = (1.0 - r) * (ratio / 2.0);
  for (gsize i = 0; i < run->n; i++)
    run->next[i]
        = (float) (r * run->x[i] + ahead * run->guess[i] - behind * run->denoised[i]);
}

/* k-diffusion's midpoint form with eta 1: with r = σ'/σ the signal keeps r², the noise
 * that is added has the rest of the level, σ'·√(1 − r²). */
static void
step_dpmpp_2m_sde (SamplerRun *run, double from, double to)
{
  double r = to / from, ahead = 1.0 - r * r, behind = 0.0;

  if (to <= 0.0)
    {
      blend (run, 0.0);
      return;
    }
  if (run->index > 0)
    behind = ahead / 2.0 * base_log (from / to)
             / base_log (run->sigmas[run->index - 1] / from);
  ahead += behind;
  for (gsize i = 0; i < run->n; i++)
    run->next[i] = (float) (r * r * run->x[i] + ahead * run->guess[i]
                            - (behind > 0.0 ? behind * run->denoised[i] : 0.0));
  add_noise (run, to * sqrt (1.0 - r * r));
}

gboolean
sampler_run_step (SamplerRun *run,
                  SamplerDenoiseFunc denoise,
                  gpointer user_data,
                  GError **error)
{
  double from, to;
  float *swap;

  g_return_val_if_fail (!sampler_run_finished (run), FALSE);

  from = run->sigmas[run->index];
  to = run->sigmas[run->index + 1];
  if (!denoise (run->x, from, run->guess, user_data, error))
    return FALSE;
  switch (run->kind)
    {
    case SAMPLER_EULER_ANCESTRAL:
      step_ancestral (run, from, to);
      break;
    case SAMPLER_HEUN:
      if (!step_heun (run, from, to, denoise, user_data, error))
        return FALSE;
      break;
    case SAMPLER_DPMPP_2M:
      step_dpmpp_2m (run, from, to);
      break;
    case SAMPLER_LCM:
      step_lcm (run, to);
      break;
    case SAMPLER_DPMPP_2M_SDE:
      step_dpmpp_2m_sde (run, from, to);
      break;
    case SAMPLER_EULER:
    case SAMPLER_DDIM:
      blend (run, to / from);
      break;
    case SAMPLER_N_KINDS:
      g_assert_not_reached ();
    }
  swap = run->x;
  run->x = run->next;
  run->next = swap;
  swap = run->denoised;
  run->denoised = run->guess;
  run->guess = swap;
  run->index++;
  return TRUE;
}

GBytes *
sampler_run_save (const SamplerRun *run)
{
  GByteArray *state = g_byte_array_new ();
  Header header = { .magic = STATE_MAGIC,
                    .kind = run->kind,
                    .steps = run->steps,
                    .index = run->index,
                    .n_per = run->n_per,
                    .batch = run->batch,
                    .has_randoms = run->randoms != NULL };

  g_byte_array_append (state, (guint8 *) &header, sizeof header);
  g_byte_array_append (state, (guint8 *) run->sigmas, (run->steps + 1) * sizeof (double));
  g_byte_array_append (state, (guint8 *) run->x, run->n * sizeof (float));
  if (run->index > 0)
    g_byte_array_append (state, (guint8 *) run->denoised, run->n * sizeof (float));
  for (guint i = 0; run->randoms != NULL && i < run->batch; i++)
    {
      g_autoptr (GBytes) random = base_random_save (run->randoms[i]);
      guint32 length = (guint32) g_bytes_get_size (random);

      g_byte_array_append (state, (guint8 *) &length, sizeof length);
      g_byte_array_append (state, g_bytes_get_data (random, NULL), length);
    }
  return g_byte_array_free_to_bytes (state);
}

/* A place in the bytes of a saved run. */
typedef struct
{
  const guint8 *at;
  gsize left;
} Reader;

static gboolean
take (Reader *reader, gpointer dst, gsize size)
{
  if (size > reader->left)
    return FALSE;
  memcpy (dst, reader->at, size);
  reader->at += size;
  reader->left -= size;
  return TRUE;
}

static gboolean
header_is_sound (const Header *header, gsize left)
{
  guint64 n;

  return header->magic == STATE_MAGIC && header->kind < SAMPLER_N_KINDS
         && header->steps > 0 && header->steps <= left / sizeof (double)
         && header->index <= header->steps && header->n_per > 0 && header->batch > 0
         && header->has_randoms <= 1
         && (header->has_randoms || !sampler_kind_is_random (header->kind))
         && g_uint64_checked_mul (&n, header->n_per, header->batch)
         && n <= left / sizeof (float);
}

static gboolean
take_randoms (Reader *reader, SamplerRun *run)
{
  run->randoms = g_new0 (BaseRandom *, run->batch);
  for (guint i = 0; i < run->batch; i++)
    {
      g_autoptr (GBytes) random = NULL;
      guint32 length;

      if (!take (reader, &length, sizeof length) || length > reader->left)
        return FALSE;
      random = g_bytes_new (reader->at, length);
      reader->at += length;
      reader->left -= length;
      run->randoms[i] = base_random_load (random);
      if (run->randoms[i] == NULL)
        return FALSE;
    }
  return TRUE;
}

static gboolean
sigmas_fall (const SamplerRun *run)
{
  for (guint i = 0; i < run->steps; i++)
    if (!isfinite (run->sigmas[i]) || !(run->sigmas[i] > run->sigmas[i + 1]))
      return FALSE;
  return run->sigmas[run->steps] >= 0.0;
}

SamplerRun *
sampler_run_load (GBytes *state, GError **error)
{
  g_autoptr (SamplerRun) run = NULL;
  g_autofree char *size = NULL;
  Reader reader;
  Header header;

  reader.at = g_bytes_get_data (state, &reader.left);
  if (take (&reader, &header, sizeof header) && header_is_sound (&header, reader.left))
    {
      run = run_alloc (header.kind, header.steps, header.n_per, header.batch);
      run->index = header.index;
      if (take (&reader, run->sigmas, (run->steps + 1) * sizeof (double))
          && sigmas_fall (run) && take (&reader, run->x, run->n * sizeof (float))
          && (run->index == 0 || take (&reader, run->denoised, run->n * sizeof (float)))
          && (!header.has_randoms || take_randoms (&reader, run)) && reader.left == 0)
        return g_steal_pointer (&run);
    }
  size = g_format_size_full (g_bytes_get_size (state), G_FORMAT_SIZE_LONG_FORMAT);
  g_set_error (
      error, SAMPLER_ERROR, SAMPLER_ERROR_STATE,
      _ ("The saved run cannot be continued: its %s are damaged or were written by "
         "another version"),
      size);
  return NULL;
}
