/* bench-source.c: what it costs to begin from a picture: the start, a step in-painting
 * beside a plain one, putting the result back
 *
 *     bench-source [MODEL [SIZE [DEVICE]]]
 *
 * Processor seconds, the best of some; plain and other steps take turns, so that a busy
 * machine does the same to both.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu.h"
#include "sd/sd-engine-private.h"
#include "sd/sd-frame.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define REPEATS 12

static double
cpu_seconds (void)
{
  struct rusage usage;
  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
         + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static void
need (gboolean ok, GError *const *error)
{
  if (!ok)
    g_error ("%s", *error != NULL ? (*error)->message : "failed");
}

static ImageBuffer *
picture (guint side)
{
  ImageBuffer *image = image_buffer_new (side, side, 3);
  for (gsize i = 0; i < (gsize) side * side * 3; i++)
    image->pixels[i] = (guint8) (i % 3 * 40 + i / 3 % side * 120 / side + i % 7);
  return image;
}

static SdSource *
source_of (guint side, gboolean masked)
{
  SdSource *source = sd_source_new (picture (side));
  source->strength = 1;
  if (!masked)
    return source;
  source->mask = image_mask_new (side, side);
  for (guint y = side / 4; y < side / 2; y++)
    memset (source->mask->pixels + (gsize) y * side + side / 4, 255, side / 3);
  return source;
}

/* way 0: words; 1: a picture; 2: a masked one */
static SdRun *
begin (SdEngine *engine, guint side, guint way, double *seconds)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = sd_params_new_for (sd_engine_info (engine));

  params->width = params->height = side;
  params->steps = REPEATS + 1;
  params->sampler = SAMPLER_EULER;
  if (way > 0)
    params->source = source_of (side, way == 2);
  double start = cpu_seconds ();
  SdRun *run = sd_run_new (engine, params, NULL, NULL, &error);
  need (run != NULL, &error);
  *seconds = cpu_seconds () - start;
  return run;
}

static double
step (SdRun *run)
{
  g_autoptr (GError) error = NULL;
  double start = cpu_seconds ();
  need (sd_run_step (run, NULL, &error), &error);
  return cpu_seconds () - start;
}

static void
bench_compose (guint side)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdParams) params = g_new0 (SdParams, 1);
  g_autoptr (ImageBuffer) made = picture (512);
  double start = cpu_seconds ();

  params->width = params->height = 512;
  params->source = source_of (side, TRUE);
  params->source->only_masked = TRUE;
  start = cpu_seconds ();
  g_autoptr (SdFrame) frame = sd_frame_new (params, &error);
  need (frame != NULL, &error);
  double framed = cpu_seconds ();
  g_autoptr (ImageBuffer) out = sd_frame_compose (frame, made);
  need (out != NULL, &error);
  printf ("%4u×%-4u a part of it taken in %.3f s, put back in %.3f s\n", side, side,
          framed - start, cpu_seconds () - framed);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *bundled = sd_bundled_model_path ();
  guint side = argc > 2 ? (guint) g_ascii_strtoull (argv[2], NULL, 10) : 256;
  int device = argc > 3 ? (int) g_ascii_strtoll (argv[3], NULL, 10) : -1;
  static const char *const ways[] = { "words", "picture", "mask" };
  double starts[3], best[3] = { G_MAXDOUBLE, G_MAXDOUBLE, G_MAXDOUBLE };
  SdRun *runs[3];

  gpu_prepare_process ();
  g_autoptr (StModel) model
      = st_model_open (argc > 1 && *argv[1] != '\0' ? argv[1] : bundled, NULL, &error);
  need (model != NULL, &error);
  g_autoptr (SdEngine) engine
      = sd_engine_new (model, device, SD_PRECISION_AUTO, NULL, &error);
  need (engine != NULL, &error);
  for (guint turn = 0; turn < 2; turn++) /* the first makes what is made once */
    for (guint i = 0; i < 3; i++)
      {
        if (turn > 0)
          sd_run_free (runs[i]);
        runs[i] = begin (engine, side, i, &starts[i]);
        step (runs[i]);
      }
  for (guint k = 0; k < REPEATS; k++)
    for (guint i = 0; i < 3; i++)
      {
        double seconds = step (runs[i]);
        best[i] = MIN (best[i], seconds);
      }
  for (guint i = 0; i < 3; i++)
    {
      printf ("%-8s %u×%u start %.3f CPU-s, step %.4f CPU-s: %.3f of a plain one\n",
              ways[i], side, side, starts[i], best[i], best[i] / best[0]);
      sd_run_free (runs[i]);
    }
  bench_compose (1024);
  bench_compose (4096);
  return 0;
}
