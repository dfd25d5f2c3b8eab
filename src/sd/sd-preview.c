/* sd-preview.c: what the picture will be, seen between steps
 *
 * The predicted clean latents are decoded by the VAE where that costs little beside a
 * step, else by TAESD where its file is at hand (sd-taesd.c), else turned to colours by a
 * linear map: one colour for each latent, smoothed to half the picture's size, by which
 * such a preview is known to hold less than a decode. The map is fitted by least squares
 * to the model's own decoder, since a model may have a latent space of its own; it needs
 * one small decode, the first time that it is wanted.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-run-private.h"
#include "base/base-json.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#define FIT_SIDE 16 /* latents: 256 colours for 5 unknowns each */
#define TERMS (SD_LATENT_CHANNELS + 1)
/* A preview by the VAE may take this share of a step's time … */
#define CHEAP_SHARE 0.5
/* … or this long: the eye does not wait for it. */
#define CHEAP_SECONDS 0.05

/* ---- fitting ---- */

/* Solves a·x = b for a symmetric positive definite TERMS×TERMS matrix, by Cholesky. */
static gboolean
solve (double a[TERMS][TERMS], double b[TERMS], double x[TERMS])
{
  for (guint j = 0; j < TERMS; j++)
    {
      for (guint k = 0; k < j; k++)
        a[j][j] -= a[j][k] * a[j][k];
      if (!(a[j][j] > 0))
        return FALSE;
      a[j][j] = sqrt (a[j][j]);
      for (guint i = j + 1; i < TERMS; i++)
        {
          for (guint k = 0; k < j; k++)
            a[i][j] -= a[i][k] * a[j][k];
          a[i][j] /= a[j][j];
        }
    }
  for (guint i = 0; i < TERMS; i++)
    {
      x[i] = b[i];
      for (guint k = 0; k < i; k++)
        x[i] -= a[i][k] * x[k];
      x[i] /= a[i][i];
    }
  for (guint i = TERMS; i-- > 0;)
    {
      for (guint k = i + 1; k < TERMS; k++)
        x[i] -= a[k][i] * x[k];
      x[i] /= a[i][i];
    }
  return TRUE;
}

static void
latent_terms (const float *latents, gsize pixels, gsize i, double terms[TERMS])
{
  for (guint c = 0; c < SD_LATENT_CHANNELS; c++)
    terms[c] = latents[c * pixels + i];
  terms[SD_LATENT_CHANNELS] = 1.0;
}

/* Mean colour of the 8×8 pixels of latent (y, x). */
static void
cell_colour (const float *rgb, guint y, guint x, guint w, double colour[3])
{
  colour[0] = colour[1] = colour[2] = 0;
  for (guint dy = 0; dy < 8; dy++)
    for (guint dx = 0; dx < 8; dx++)
      {
        gsize pixel = (gsize) (8 * y + dy) * 8 * w + 8 * x + dx;
        for (guint c = 0; c < 3; c++)
          colour[c] += rgb[3 * pixel + c] / 64.0;
      }
}

static gboolean
fit (SdFactors *factors, const float *latents, const float *rgb, guint h, guint w)
{
  double moments[TERMS][TERMS] = { 0 }, sums[3][TERMS] = { 0 };
  gsize pixels = (gsize) h * w;

  for (gsize i = 0; i < pixels; i++)
    {
      double terms[TERMS], colour[3];
      latent_terms (latents, pixels, i, terms);
      cell_colour (rgb, i / w, i % w, w, colour);
      for (guint a = 0; a < TERMS; a++)
        {
          for (guint b = 0; b < TERMS; b++)
            moments[a][b] += terms[a] * terms[b];
          for (guint c = 0; c < 3; c++)
            sums[c][a] += terms[a] * colour[c];
        }
    }
  for (guint c = 0; c < 3; c++)
    {
      double a[TERMS][TERMS], x[TERMS];
      memcpy (a, moments, sizeof a);
      if (!solve (a, sums[c], x))
        return FALSE;
      for (guint i = 0; i < TERMS; i++)
        factors->matrix[c][i] = (float) x[i];
    }
  return TRUE;
}

/* ---- keeping ---- */

static char *
factors_path (SdEngine *engine)
{
  g_autofree char *name = g_strdup_printf ("preview-%.32s.txt", engine->fingerprint);
  return g_build_filename (g_get_user_cache_dir (), "calotype", name, NULL);
}

/* One number a line; a file that is anything else counts as none. */
static gboolean
load_factors (SdEngine *engine)
{
  g_autofree char *path = factors_path (engine);
  g_autofree char *text = NULL;
  SdFactors factors = { .fitted = TRUE };

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return FALSE;
  char *at = text;
  for (guint i = 0; i < 3 * TERMS; i++)
    {
      char *end;
      factors.matrix[i / TERMS][i % TERMS] = (float) g_ascii_strtod (at, &end);
      if (end == at || !isfinite (factors.matrix[i / TERMS][i % TERMS]))
        return FALSE;
      at = end;
    }
  engine->factors = factors;
  return TRUE;
}

static void
save_factors (SdEngine *engine)
{
  g_autofree char *path = factors_path (engine);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < 3 * TERMS; i++)
    {
      g_autofree char *number
          = base_double_to_string (engine->factors.matrix[i / TERMS][i % TERMS]);
      g_string_append_printf (text, "%s\n", number);
    }
  /* A cache that cannot be written costs a decode the next time, and nothing else. */
  g_mkdir_with_parents (folder, 0700);
  g_file_set_contents (path, text->str, text->len, NULL);
}

/* Unit-variance noise in patches of 2×2, which the decoder takes as areas of colour;
 * single latents would be mixed with their neighbours. */
gboolean
sd_engine_fit_factors (SdEngine *engine, GError **error)
{
  const guint side = FIT_SIDE;
  g_autofree float *latents = g_new (float, SD_LATENT_CHANNELS *side *side);
  g_autofree float *rgb = g_new (float, side *side * 64 * 3);
  g_autoptr (BaseRandom) random = base_random_new (BASE_RANDOM_CPU, 0);

  if (engine->factors.fitted || load_factors (engine))
    return TRUE;
  for (guint c = 0; c < SD_LATENT_CHANNELS; c++)
    for (guint y = 0; y < side; y += 2)
      for (guint x = 0; x < side; x += 2)
        {
          float *cell = latents + (c * side + y) * side + x;
          base_random_normal (random, 1, cell);
          cell[1] = cell[side] = cell[side + 1] = cell[0];
        }
  if (!sd_engine_decode (engine, latents, side, side, rgb, NULL, error))
    return FALSE;
  engine->factors.fitted = fit (&engine->factors, latents, rgb, side, side);
  if (engine->factors.fitted)
    save_factors (engine);
  else
    g_set_error (error, SD_ERROR, SD_ERROR_NOT_FINITE,
                 _ ("The VAE's decoder gives the same colour for all latents"));
  return engine->factors.fitted;
}

static ImageBuffer *
preview_by_factors (
    SdEngine *engine, const float *latents, guint h, guint w, GError **error)
{
  gsize pixels = (gsize) h * w;
  g_autofree float *rgb = g_new (float, pixels * 3);

  if (!sd_engine_fit_factors (engine, error))
    return NULL;
  for (gsize i = 0; i < pixels; i++)
    {
      double terms[TERMS];
      latent_terms (latents, pixels, i, terms);
      for (guint c = 0; c < 3; c++)
        {
          double sum = 0;
          for (guint k = 0; k < TERMS; k++)
            sum += engine->factors.matrix[c][k] * terms[k];
          rgb[i * 3 + c] = (float) sum;
        }
    }
  g_autoptr (ImageBuffer) small = image_buffer_from_floats (rgb, w, h);
  return image_buffer_resize (small, 4 * w, 4 * h);
}

/* ---- choosing ---- */

/* By measured times once both programs have run; before that a decode is taken to last as
 * much longer than a pass as it has more operations. */
static gboolean
decode_is_cheap (SdRun *run)
{
  SdEngine *engine = run->engine;
  guint n = run->script->shape.n;
  SdSet set = sd_engine_apart (engine, n) ? SD_SET_FIRST : sd_set_of_all (n);
  SdProgram *pass
      = sd_engine_program_of (engine, SD_STAGE_UNET, set, run->h, run->w, NULL);
  SdProgram *decode
      = sd_engine_program (engine, SD_STAGE_DECODE, 1, run->h, run->w, NULL);

  if (pass == NULL || decode == NULL)
    return FALSE;
  double seconds = decode->seconds;
  if (seconds == 0)
    seconds = pass->seconds * nn_program_flops (decode->program)
              / nn_program_flops (pass->program);
  return seconds <= MAX (CHEAP_SECONDS, CHEAP_SHARE * pass->seconds);
}

/* (nullable): where it is not there, or does not work; then not tried again */
static ImageBuffer *
preview_by_tiny (SdEngine *engine, const float *latents, guint h, guint w)
{
  g_autofree float *rgb = NULL;

  if (engine->no_tiny || !sd_taesd_is_there (engine->weights))
    return NULL;
  rgb = g_try_new (float, (gsize) h *w * 64 * 3);
  engine->no_tiny
      = rgb == NULL || !sd_engine_decode_tiny (engine, latents, h, w, rgb, NULL, NULL);
  return engine->no_tiny ? NULL : image_buffer_from_floats (rgb, 8 * w, 8 * h);
}

ImageBuffer *
sd_run_preview (SdRun *run, guint picture, GError **error)
{
  SdEngine *engine = run->engine;
  const float *denoised = sd_run_denoised (run, NULL);
  ImageBuffer *image;

  if (denoised == NULL || picture >= run->params->batch)
    {
      g_set_error (error, SD_ERROR, SD_ERROR_STATE,
                   _ ("Picture %u has nothing to show before its first step"),
                   picture + 1);
      return NULL;
    }
  denoised += picture * SD_LATENT_CHANNELS * (gsize) run->h * run->w;
  if (decode_is_cheap (run))
    image = sd_engine_decode_latents (engine, denoised, run->h, run->w, NULL, error);
  else
    {
      image = preview_by_tiny (engine, denoised, run->h, run->w);
      if (image == NULL)
        image = preview_by_factors (engine, denoised, run->h, run->w, error);
    }
  return sd_run_compose (run, image, error);
}
