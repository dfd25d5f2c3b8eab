/* bench-sd.c: seconds per UNet pass and per decode, and from the start of a process to
 * pictures
 *
 *     bench-sd passes MODEL|"" DEVICE SIZE…
 *     bench-sd profile MODEL|"" DEVICE SIZE…
 *     bench-sd start MODEL|"" DEVICE
 *     bench-sd stop MODEL|"" DEVICE SIZE…
 *     bench-sd load MODEL DEVICE FOLDER
 *
 * MODEL "" is the bundled one, DEVICE as in sd_engine_new; CALOTYPE_KERNELS names the
 * family of kernels. `passes` gives the best of some passes of batch 2 (one step with
 * guidance) and of decodes, after one of each that is not counted: wall time, processor
 * time of the whole process, and rates. `start` starts this program anew and reads the
 * clock when its first preview and its picture are there: the model's own defaults, with
 * kernels that an earlier process left in the driver's cache. `stop` cancels steps and
 * decodes at moments spread over them and takes the time until the call comes back; each
 * is then made to its end, so that the device is seen to be usable. `load` opens the
 * model until all its weights are on the device, and copies the file with cp to FOLDER,
 * which lies in a tmpfs: in turns, since both take what the machine has left; put the
 * file in the page cache before.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-run-private.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define BUDGET 20.0 /* seconds for one figure, more only for a single pass */
#define MAX_REPEATS 20
#define STOPS 10

static double
wall_seconds (void)
{
  return g_get_monotonic_time () * 1e-6;
}

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

static SdEngine *
open_engine (const char *path, int device)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *bundled = sd_bundled_model_path ();
  g_autoptr (StModel) model
      = st_model_open (*path != '\0' ? path : bundled, NULL, &error);
  need (model != NULL, &error);
  SdEngine *engine = sd_engine_new (model, device, SD_PRECISION_AUTO, NULL, &error);
  need (engine != NULL, &error);
  return engine;
}

/* ---- passes ---- */

typedef struct
{
  SdEngine *engine;
  guint side; /* of the latents */
  float *x, *row, *out, *rgb;
} Bench;

static gboolean
run_pass (Bench *b, GError **error)
{
  return sd_engine_pass (b->engine, &(SdInput){ b->x, b->side, b->side, NULL }, 2, b->row,
                         b->out, NULL, error);
}

static gboolean
run_decode (Bench *b, GError **error)
{
  return sd_engine_decode (b->engine, b->x, b->side, b->side, b->rgb, NULL, error);
}

static void
measure (Bench *b, const char *what, SdStage stage, gboolean (*work) (Bench *, GError **))
{
  g_autoptr (GError) error = NULL;
  double best_wall = G_MAXDOUBLE, best_cpu = G_MAXDOUBLE, begin = wall_seconds ();
  guint repeats = 0;

  need (work (b, &error), &error);
  while (repeats == 0 || (repeats < MAX_REPEATS && wall_seconds () - begin < BUDGET))
    {
      double wall = wall_seconds (), cpu = cpu_seconds ();
      need (work (b, &error), &error);
      best_wall = MIN (best_wall, wall_seconds () - wall);
      best_cpu = MIN (best_cpu, cpu_seconds () - cpu);
      repeats++;
    }
  SdProgram *program = sd_engine_program (
      b->engine, stage, stage == SD_STAGE_UNET ? 2 : 1, b->side, b->side, &error);
  need (program != NULL, &error);
  double gflop = nn_program_flops (program->program) * 1e-9;
  printf (
      "%-7s %4u×%-4u %9.3f s wall %9.3f s CPU %9.1f GFLOP %8.1f GFLOP/s %8.1f GFLOP/CPU-s"
      "  best of %u\n",
      what, 8 * b->side, 8 * b->side, best_wall, best_cpu, gflop, gflop / best_wall,
      gflop / best_cpu, repeats);
  fflush (stdout);
}

static void
bench_size (SdEngine *engine, guint size, gboolean profile)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (BaseRandom) random = base_random_new (BASE_RANDOM_CPU, 1);
  gsize n = SD_LATENT_CHANNELS * (gsize) (size / 8) * (size / 8);
  gsize text = 2 * SD_TEXT_TOKENS * (gsize) sd_engine_context_width (engine);
  g_autofree float *x = g_new (float, n), *out = g_new (float, 2 * n);
  g_autofree float *rgb = g_new (float, (gsize) size *size * 3);
  g_autofree float *context = g_new (float, text);
  g_autofree float *row = g_new (float, (gsize) 2 * sd_unet_emb_total (engine->unet));
  guint rows = sd_engine_embed_rows (engine, 2);
  g_autofree float *labels
      = g_new0 (float, (gsize) 2 * sd_engine_label_width (engine) + 1);
  Bench b = { engine, size / 8, x, row, out, rgb };
  const double times[] = { 500, 500 };

  base_random_normal (random, n, x);
  base_random_normal (random, text, context);
  need (sd_engine_embed_times (engine, times, labels, rows, row, NULL, &error), &error);
  need (sd_engine_set_context (engine, context, 2, NULL, &error), &error);
  if (profile)
    {
      need (run_pass (&b, &error) && run_decode (&b, &error), &error);
      return;
    }
  measure (&b, "pass", SD_STAGE_UNET, run_pass);
  measure (&b, "decode", SD_STAGE_DECODE, run_decode);
}

static void
bench_passes (const char *path, int device, char **sizes, gboolean profile)
{
  double begin = wall_seconds ();
  g_autoptr (SdEngine) engine = open_engine (path, device);

  printf ("device  %s, %s\n", sd_engine_device_name (engine),
          engine->device != NULL ? gpu_device_info (engine->device)->driver
                                 : "no driver");
  printf ("cores   %u, precision %s\n", g_get_num_processors (),
          sd_engine_precision_name (engine));
  printf ("load    %.3f s\n", wall_seconds () - begin);
  sd_engine_set_profile (engine, profile);
  for (; *sizes != NULL; sizes++)
    bench_size (engine, (guint) g_ascii_strtoull (*sizes, NULL, 10), profile);
  if (profile)
    {
      g_autofree char *table = sd_engine_profile_table (engine);
      printf ("%s", table);
    }
}

/* ---- start ---- */

/* What the program does when it is started by bench_start. */
static void
make_picture (const char *path, int device)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = open_engine (path, device);
  const SdInfo *info = sd_engine_info (engine);
  g_autoptr (SdParams) params = sd_params_new_for (info);

  if (info->prompts != NULL && info->prompts[0] != NULL)
    {
      g_free (params->prompt);
      params->prompt = g_strdup (info->prompts[0]);
    }
  printf ("loaded\n");
  fflush (stdout);
  g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
  need (run != NULL, &error);
  while (sd_run_step_index (run) < sd_run_n_steps (run))
    {
      need (sd_run_step (run, NULL, &error), &error);
      g_autoptr (ImageBuffer) preview = sd_run_preview (run, 0, &error);
      need (preview != NULL, &error);
      if (sd_run_step_index (run) == 1)
        printf ("first preview\n");
      fflush (stdout);
    }
  g_autoptr (ImageBuffer) image = sd_run_decode (run, 0, NULL, &error);
  need (image != NULL, &error);
  printf ("picture\n");
  fflush (stdout);
}

static void
bench_start (const char *self, const char *path, int device)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *number = g_strdup_printf ("%d", device);
  double begin = wall_seconds ();
  g_autoptr (GSubprocess) child = g_subprocess_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, self, "picture", path, number, NULL);
  need (child != NULL, &error);
  g_autoptr (GDataInputStream) lines
      = g_data_input_stream_new (g_subprocess_get_stdout_pipe (child));
  for (;;)
    {
      g_autofree char *line = g_data_input_stream_read_line (lines, NULL, NULL, &error);
      if (line == NULL)
        break;
      printf ("%-14s %.3f s after the start of the process\n", line,
              wall_seconds () - begin);
    }
  need (g_subprocess_wait_check (child, NULL, &error), &error);
}

/* ---- stop ---- */

typedef struct
{
  GCancellable *cancellable;
  double after; /* seconds */
  double at;    /* wall time of the cancel */
} Stopper;

static gpointer
stop_thread (gpointer data)
{
  Stopper *stopper = data;

  g_usleep ((gulong) (stopper->after * 1e6));
  stopper->at = wall_seconds ();
  g_cancellable_cancel (stopper->cancellable);
  return NULL;
}

/* One step, or one decode; whatever picture comes out, for weights may be made up. */
static gboolean
work (SdRun *run, SdEngine *engine, float *rgb, const BaseTask *task, GError **error)
{
  if (rgb == NULL)
    return sd_run_step (run, task, error);
  return sd_engine_decode (engine, sd_run_latents (run, NULL), run->h, run->w, rgb, task,
                           error);
}

static void
bench_stop (SdRun *run, SdEngine *engine, float *rgb)
{
  g_autoptr (GError) error = NULL;
  double begin, whole, sum = 0, most = 0;
  guint stops = 0;

  need (work (run, engine, rgb, NULL, &error), &error); /* with all that is made once */
  begin = wall_seconds ();
  need (work (run, engine, rgb, NULL, &error), &error);
  whole = wall_seconds () - begin;
  for (guint i = 0; i < STOPS; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Stopper stopper = { cancellable, whole * (i + 0.5) / STOPS, 0 };
      BaseTask task = { cancellable, NULL, NULL };
      GThread *thread = g_thread_new ("stopper", stop_thread, &stopper);
      gboolean finished = work (run, engine, rgb, &task, &error);
      double end = wall_seconds ();

      g_thread_join (thread);
      if (finished) /* before it was stopped */
        continue;
      need (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED), &error);
      g_clear_error (&error);
      stops++;
      sum += end - stopper.at;
      most = MAX (most, end - stopper.at);
    }
  begin = wall_seconds ();
  need (work (run, engine, rgb, NULL, &error), &error);
  printf ("%-7s %.3f s; stopped %u times: after %.1f ms, at most %.1f ms; then %.3f s\n",
          rgb != NULL ? "decode" : "step", whole, stops, sum / MAX (stops, 1) * 1e3,
          most * 1e3, wall_seconds () - begin);
}

static void
bench_stops (const char *path, int device, char **sizes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SdEngine) engine = open_engine (path, device);

  for (; *sizes != NULL; sizes++)
    {
      g_autoptr (SdParams) params = sd_params_new_for (sd_engine_info (engine));
      params->width = params->height = (guint) g_ascii_strtoull (*sizes, NULL, 10);
      params->steps = STOPS + 5;
      g_autoptr (SdRun) run = sd_run_new (engine, params, NULL, NULL, &error);
      need (run != NULL && sd_run_step (run, NULL, &error), &error);
      printf ("%u × %u\n", params->width, params->height);
      g_autofree float *rgb = g_new (float, (gsize) 3 * params->width * params->height);
      bench_stop (run, engine, NULL);
      bench_stop (run, engine, rgb);
    }
}

/* ---- loading ---- */

#define TURNS 3

typedef struct
{
  double wall, cpu; /* the best of all turns */
} Best;

static double
children_seconds (void)
{
  struct rusage usage;
  getrusage (RUSAGE_CHILDREN, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
         + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static void
note (Best *best, const char *what, double wall, double cpu)
{
  printf ("%-6s %7.3f s wall %7.3f s CPU\n", what, wall, cpu);
  fflush (stdout);
  best->wall = MIN (best->wall, wall);
  best->cpu = MIN (best->cpu, cpu);
}

static void
time_copy (const char *path, const char *folder, Best *best)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *copy = g_build_filename (folder, "bench-sd-copy", NULL);
  double wall = wall_seconds (), cpu = children_seconds ();
  g_autoptr (GSubprocess) child
      = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "cp", path, copy, NULL);
  need (child != NULL && g_subprocess_wait_check (child, NULL, &error), &error);
  note (best, "copy", wall_seconds () - wall, children_seconds () - cpu);
  g_unlink (copy);
}

static void
time_load (const char *path, int device, Best *best)
{
  double wall = wall_seconds (), cpu = cpu_seconds ();
  g_autoptr (SdEngine) engine = open_engine (path, device);
  note (best, "load", wall_seconds () - wall, cpu_seconds () - cpu);
}

static void
bench_load (const char *path, int device, const char *folder)
{
  Best copy = { G_MAXDOUBLE, G_MAXDOUBLE }, load = copy;

  for (guint i = 0; i < TURNS; i++)
    {
      time_copy (path, folder, &copy);
      time_load (path, device, &load);
    }
  printf ("load / copy: %.2f by the wall, %.2f by CPU time\n", load.wall / copy.wall,
          load.cpu / copy.cpu);
}

int
main (int argc, char **argv)
{
  NnFamily family = NN_FAMILY_AUTO;

  gpu_prepare_process ();
  if (g_getenv ("CALOTYPE_KERNELS") != NULL
      && !nn_family_from_name (g_getenv ("CALOTYPE_KERNELS"), &family))
    g_error ("CALOTYPE_KERNELS: there is no such family");
  nn_set_family (family);
  if (argc < 4)
    g_error ("usage: %s passes|profile|start|stop|load MODEL DEVICE [SIZE…|FOLDER]",
             argv[0]);
  int device = (int) g_ascii_strtoll (argv[3], NULL, 10);
  if (strcmp (argv[1], "passes") == 0 || strcmp (argv[1], "profile") == 0)
    bench_passes (argv[2], device, argv + 4, strcmp (argv[1], "profile") == 0);
  else if (strcmp (argv[1], "stop") == 0)
    bench_stops (argv[2], device, argv + 4);
  else if (strcmp (argv[1], "load") == 0 && argc == 5)
    bench_load (argv[2], device, argv[4]);
  else if (strcmp (argv[1], "picture") == 0)
    make_picture (argv[2], device);
  else
    bench_start (argv[0], argv[2], device);
  return 0;
}
