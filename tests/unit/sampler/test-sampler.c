/* test-sampler.c: schedules and samplers against k-diffusion's formulas run in PyTorch
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sampler/sampler.h"

#include <gio/gio.h>

#include <math.h>
#include <string.h>

#define N_PER 60
#define BATCH 2

static SamplerLevels levels;

static GArray *
parse_numbers (const char *line)
{
  GArray *numbers = g_array_new (FALSE, FALSE, sizeof (double));
  g_auto (GStrv) items = g_strsplit (line, " ", -1);

  for (guint i = 0; items[i] != NULL; i++)
    {
      double number = g_ascii_strtod (items[i], NULL);
      g_array_append_val (numbers, number);
    }
  return numbers;
}

#define NUMBER(array, i) g_array_index (array, double, i)

static void
assert_close (double value, double expected, double relative)
{
  g_assert_cmpfloat (fabs (value - expected), <=, relative * MAX (0.1, fabs (expected)));
}

/* The network of make-sampler.py. A call number @fail_at fails. */
typedef struct
{
  guint calls, fail_at, batch;
} Network;

static gboolean
network (
    const float *x, double sigma, float *denoised, gpointer user_data, GError **error)
{
  Network *state = user_data;

  if (++state->calls == state->fail_at)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "stopped");
      return FALSE;
    }
  for (guint i = 0; i < N_PER * state->batch; i++)
    denoised[i]
        = (float) (x[i] / (1 + sigma * sigma)
                   + x[i] / (1.0 + (double) x[i] * x[i]) * sigma / (4 + 4 * sigma));
  return TRUE;
}

/* @n pictures with seeds @seed, @seed + 1, … as make-sampler.py begins them. */
static SamplerRun *
new_run (SamplerKind kind, SamplerSchedule schedule, guint steps, guint seed, guint n)
{
  g_autofree double *sigmas = g_new (double, steps + 1);
  float x[N_PER * BATCH];
  BaseRandom *randoms[BATCH];

  g_assert_true (sampler_schedule_fill (schedule, &levels, steps, sigmas, NULL));
  for (guint i = 0; i < n; i++)
    {
      randoms[i] = base_random_new (BASE_RANDOM_CPU, seed + i);
      base_random_normal (randoms[i], N_PER, x + i * N_PER);
    }
  for (guint i = 0; i < N_PER * n; i++)
    x[i] = (float) (x[i] * sigmas[0]);
  return sampler_run_new (kind, sigmas, steps, x, N_PER, n, randoms);
}

static void
check_schedule (char **head, GArray *expected)
{
  SamplerSchedule schedule;
  guint steps = (guint) g_ascii_strtoull (head[2], NULL, 10);
  g_autofree double *sigmas = NULL;

  g_assert_true (sampler_schedule_parse (head[1], &schedule, NULL));
  g_assert_cmpuint (steps + 1, ==, expected->len);
  sigmas = g_new (double, expected->len);
  g_assert_true (sampler_schedule_fill (schedule, &levels, steps, sigmas, NULL));
  for (guint i = 0; i < expected->len; i++)
    g_assert_cmpfloat (fabs (sigmas[i] - NUMBER (expected, i)), <=,
                       1e-11 * NUMBER (expected, i));
}

/* Our float latents and torch's doubles differ by rounding, and our noise from torch's by
 * up to 4e-7, whatever its size: hence the floor in assert_close(). */
static void
check_run (char **head, GArray *expected)
{
  SamplerKind kind;
  SamplerSchedule schedule;
  Network state = { .batch = BATCH };
  g_autoptr (SamplerRun) run = NULL;
  guint steps = (guint) g_ascii_strtoull (head[3], NULL, 10), half;

  g_assert_true (sampler_parse (head[1], &kind, NULL, NULL));
  g_assert_true (sampler_schedule_parse (head[2], &schedule, NULL));
  g_assert_cmpuint (expected->len, ==, 2 * N_PER * BATCH);
  run = new_run (kind, schedule, steps, 7, BATCH);
  half = steps / 2;
  for (guint part = 0; part < 2; part++)
    {
      while (part == 0 ? sampler_run_step_index (run) < half
                       : !sampler_run_finished (run))
        g_assert_true (sampler_run_step (run, network, &state, NULL));
      for (guint i = 0; i < N_PER * BATCH; i++)
        assert_close (sampler_run_latents (run)[i],
                      NUMBER (expected, part * N_PER * BATCH + i), 1e-5);
    }
}

/* Betas and back lose some digits on the way of the reference. */
static void
check_zero_snr (GArray *expected)
{
  SamplerLevels rescaled = levels;

  sampler_levels_rescale_zero_snr (&rescaled);
  for (guint i = 0; i < 1000; i++)
    {
      g_assert_cmpfloat (fabs (rescaled.sigmas[i] / NUMBER (expected, i) - 1), <, 1e-9);
      g_assert_cmpfloat_with_epsilon (sampler_sigma_to_t (&rescaled, rescaled.sigmas[i]),
                                      i, 1e-8);
    }
}

static void
test_golden (void)
{
  g_autofree char *path
      = g_test_build_filename (G_TEST_DIST, "golden", "sampler.txt", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint n_cases = 0;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (g_strchomp (text), "\n", -1);
  for (guint i = 0; lines[i] != NULL; i += 2, n_cases++)
    {
      g_auto (GStrv) head = g_strsplit (lines[i], " ", -1);
      g_autoptr (GArray) expected = parse_numbers (lines[i + 1]);

      g_test_message ("%s", lines[i]);
      if (g_str_equal (head[0], "schedule"))
        check_schedule (head, expected);
      else if (g_str_equal (head[0], "run"))
        check_run (head, expected);
      else if (g_str_equal (head[0], "levels"))
        for (guint j = 0; j < 1000; j++)
          g_assert_cmpfloat (fabs (levels.sigmas[j] / NUMBER (expected, j) - 1), <,
                             1e-12);
      else if (g_str_equal (head[0], "levels_zero_snr"))
        check_zero_snr (expected);
      else
        for (guint j = 0; j < expected->len; j += 2)
          g_assert_cmpfloat_with_epsilon (
              sampler_sigma_to_t (&levels, NUMBER (expected, j)),
              NUMBER (expected, j + 1), 1e-8);
    }
  g_assert_cmpuint (n_cases, ==, 3 + 7 * 7 + 17);
}

static void
test_sigma_and_t (void)
{
  for (double t = 0; t <= 999; t += 0.37)
    g_assert_cmpfloat_with_epsilon (
        sampler_sigma_to_t (&levels, sampler_t_to_sigma (&levels, t)), t, 1e-8);
  for (guint i = 0; i < 1000; i++)
    g_assert_cmpfloat (sampler_t_to_sigma (&levels, i), ==, levels.sigmas[i]);
  g_assert_cmpfloat (sampler_sigma_to_t (&levels, 0.0), ==, 0.0);
  g_assert_cmpfloat (sampler_sigma_to_t (&levels, 1e9), ==, 999.0);
  g_assert_cmpfloat (sampler_t_to_sigma (&levels, -5), ==, levels.sigmas[0]);
  g_assert_cmpfloat (sampler_t_to_sigma (&levels, 5000), ==, levels.sigmas[999]);
}

/* Every number of steps: finite, falling, within the levels. */
static void
test_all_steps (void)
{
  g_autofree double *sigmas = g_new (double, SAMPLER_MAX_STEPS + 2);
  g_autoptr (GError) error = NULL;

  for (SamplerSchedule schedule = 0; schedule < SAMPLER_N_SCHEDULES; schedule++)
    {
      for (guint steps = 1; steps <= SAMPLER_MAX_STEPS; steps++)
        {
          sigmas[steps + 1] = -1;
          g_assert_true (sampler_schedule_fill (schedule, &levels, steps, sigmas, NULL));
          g_assert_cmpfloat (sigmas[steps + 1], ==, -1);
          g_assert_cmpfloat (sigmas[steps], ==, 0);
          g_assert_cmpfloat (sigmas[0], <=, levels.sigmas[999] * (1 + 1e-14));
          for (guint i = 0; i < steps; i++)
            g_assert_cmpfloat (sigmas[i], >, sigmas[i + 1]);
        }
      g_assert_false (sampler_schedule_fill (schedule, &levels, 0, sigmas, NULL));
      g_assert_false (sampler_schedule_fill (schedule, &levels, 1001, sigmas, &error));
      g_assert_error (error, SAMPLER_ERROR, SAMPLER_ERROR_STEPS);
      g_assert_nonnull (strstr (error->message, "1001"));
      g_clear_error (&error);
    }
}

static void
assert_same_state (SamplerRun *a, SamplerRun *b)
{
  g_assert_cmpmem (sampler_run_latents (a), sizeof (float) * N_PER * BATCH,
                   sampler_run_latents (b), sizeof (float) * N_PER * BATCH);
  g_assert_cmpmem (sampler_run_denoised (a), sizeof (float) * N_PER * BATCH,
                   sampler_run_denoised (b), sizeof (float) * N_PER * BATCH);
}

/* Stopped after every step, written, read back: the same bits as never stopped. */
static void
test_save (void)
{
  for (SamplerKind kind = 0; kind < SAMPLER_N_KINDS; kind++)
    {
      g_autoptr (SamplerRun) whole = new_run (kind, SAMPLER_KARRAS, 6, 7, BATCH);
      g_autoptr (SamplerRun) pieces = new_run (kind, SAMPLER_KARRAS, 6, 7, BATCH);
      Network state = { .batch = BATCH };

      g_assert_null (sampler_run_denoised (whole));
      while (!sampler_run_finished (whole))
        {
          g_autoptr (GBytes) saved = sampler_run_save (pieces);

          sampler_run_free (pieces);
          pieces = sampler_run_load (saved, NULL);
          g_assert_nonnull (pieces);
          g_assert_true (sampler_run_step (whole, network, &state, NULL));
          g_assert_true (sampler_run_step (pieces, network, &state, NULL));
          assert_same_state (whole, pieces);
        }
      g_assert_true (sampler_run_finished (pieces));
    }
}

/* A failure, even of Heun's second call, leaves the run where it was. */
static void
test_failure (void)
{
  for (SamplerKind kind = 0; kind < SAMPLER_N_KINDS; kind++)
    for (guint fail_at = 1; fail_at <= 5; fail_at++)
      {
        g_autoptr (SamplerRun) whole = new_run (kind, SAMPLER_NORMAL, 4, 7, BATCH);
        g_autoptr (SamplerRun) failing = new_run (kind, SAMPLER_NORMAL, 4, 7, BATCH);
        Network good = { .batch = BATCH }, bad = { .batch = BATCH, .fail_at = fail_at };
        guint failures = 0;

        while (!sampler_run_finished (whole))
          g_assert_true (sampler_run_step (whole, network, &good, NULL));
        while (!sampler_run_finished (failing))
          {
            g_autoptr (GError) error = NULL;

            if (!sampler_run_step (failing, network, &bad, &error))
              {
                g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
                failures++;
              }
          }
        g_assert_cmpuint (failures, ==, good.calls >= fail_at);
        assert_same_state (whole, failing);
      }
}

/* Picture i of a batch is the picture made alone with seed + i, to the bit. */
static void
test_batch (void)
{
  for (SamplerKind kind = 0; kind < SAMPLER_N_KINDS; kind++)
    {
      g_autoptr (SamplerRun) both = new_run (kind, SAMPLER_KARRAS, 5, 7, 2);
      g_autoptr (SamplerRun) alone = new_run (kind, SAMPLER_KARRAS, 5, 8, 1);
      Network state = { .batch = 2 }, state_alone = { .batch = 1 };

      while (!sampler_run_finished (both))
        {
          g_assert_true (sampler_run_step (both, network, &state, NULL));
          g_assert_true (sampler_run_step (alone, network, &state_alone, NULL));
        }
      g_assert_cmpmem (sampler_run_latents (both) + N_PER, N_PER * sizeof (float),
                       sampler_run_latents (alone), N_PER * sizeof (float));
    }
}

static void
test_damaged_state (void)
{
  g_autoptr (SamplerRun) run
      = new_run (SAMPLER_EULER_ANCESTRAL, SAMPLER_KARRAS, 3, 7, BATCH);
  Network state = { .batch = BATCH };
  g_autoptr (GBytes) saved = NULL;
  gsize size;
  const guint8 *bytes;

  g_assert_true (sampler_run_step (run, network, &state, NULL));
  saved = sampler_run_save (run);
  bytes = g_bytes_get_data (saved, &size);
  for (gsize cut = 0; cut < size; cut += cut < 64 ? 1 : 61)
    {
      g_autoptr (GBytes) part = g_bytes_new (bytes, cut);
      g_autoptr (GError) error = NULL;

      g_assert_null (sampler_run_load (part, &error));
      g_assert_error (error, SAMPLER_ERROR, SAMPLER_ERROR_STATE);
    }
  for (gsize i = 0; i < 40;
       i++) /* the header, one byte at a time: any verdict, no crash */
    {
      g_autofree guint8 *copy = g_memdup2 (bytes, size);
      g_autoptr (GBytes) changed = NULL;

      copy[i] ^= 0xff;
      changed = g_bytes_new (copy, size);
      sampler_run_free (sampler_run_load (changed, NULL));
    }
}

static void
test_names (void)
{
  static const struct
  {
    const char *name;
    SamplerKind kind;
    int schedule; /* -1: none in the name */
  } rows[] = {
    { "euler", SAMPLER_EULER, -1 },
    { "Euler a", SAMPLER_EULER_ANCESTRAL, -1 },
    { "EULER A", SAMPLER_EULER_ANCESTRAL, -1 },
    { "euler_a", SAMPLER_EULER_ANCESTRAL, -1 },
    { "k_euler_a", SAMPLER_EULER_ANCESTRAL, -1 },
    { "Euler a Karras", SAMPLER_EULER_ANCESTRAL, SAMPLER_KARRAS },
    { "heun_k", SAMPLER_HEUN, SAMPLER_KARRAS },
    { "DPM++ 2M", SAMPLER_DPMPP_2M, -1 },
    { "dpm++2m", SAMPLER_DPMPP_2M, -1 },
    { "DPM++ 2M Karras", SAMPLER_DPMPP_2M, SAMPLER_KARRAS },
    { "dpm++ 2m karras", SAMPLER_DPMPP_2M, SAMPLER_KARRAS },
    { "dpmpp_2m_k", SAMPLER_DPMPP_2M, SAMPLER_KARRAS },
    { "DPM++ 2M Exponential", SAMPLER_DPMPP_2M, SAMPLER_EXPONENTIAL },
    { "DPM++ 2M SGM Uniform", SAMPLER_DPMPP_2M, SAMPLER_SGM_UNIFORM },
    { "DDIM", SAMPLER_DDIM, -1 },
    { "LCM", SAMPLER_LCM, -1 },
    { "DPM++ 2M SDE", SAMPLER_DPMPP_2M_SDE, -1 },
    { "DPM++ 2M SDE Karras", SAMPLER_DPMPP_2M_SDE, SAMPLER_KARRAS },
    { "dpmpp_2m_sde_gpu", SAMPLER_DPMPP_2M_SDE, -1 },
  };
  static const char *const unknown[] = {
    "", "dpm", "DPM++ 3M SDE", "DPM++ 2M SDE Heun", "karras", "LMS", "eulerr", "k"
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      SamplerKind kind = SAMPLER_N_KINDS;
      SamplerSchedule schedule = SAMPLER_N_SCHEDULES;

      g_assert_true (sampler_parse (rows[i].name, &kind, &schedule, NULL));
      g_assert_cmpint (kind, ==, rows[i].kind);
      g_assert_cmpint (schedule, ==,
                       rows[i].schedule < 0 ? SAMPLER_N_SCHEDULES : rows[i].schedule);
    }
  for (guint i = 0; i < G_N_ELEMENTS (unknown); i++)
    {
      SamplerKind kind = SAMPLER_N_KINDS;
      SamplerSchedule schedule = SAMPLER_N_SCHEDULES;
      g_autoptr (GError) error = NULL;

      g_assert_false (sampler_parse (unknown[i], &kind, &schedule, &error));
      g_assert_error (error, SAMPLER_ERROR, SAMPLER_ERROR_NAME);
      g_assert_nonnull (strstr (error->message, "dpmpp_2m"));
      g_assert_cmpint (kind, ==, SAMPLER_N_KINDS);
      g_assert_cmpint (schedule, ==, SAMPLER_N_SCHEDULES);
    }
}

static void
test_own_names (void)
{
  SamplerKind kind;
  SamplerSchedule schedule;
  g_autoptr (GError) error = NULL;

  for (SamplerKind i = 0; i < SAMPLER_N_KINDS; i++)
    {
      g_assert_true (sampler_parse (sampler_kind_name (i), &kind, NULL, NULL));
      g_assert_cmpint (kind, ==, i);
      g_assert_true (sampler_parse (sampler_kind_a1111_name (i), &kind, NULL, NULL));
      g_assert_cmpint (kind, ==, i);
    }
  for (SamplerSchedule i = 0; i < SAMPLER_N_SCHEDULES; i++)
    {
      g_assert_true (sampler_schedule_parse (sampler_schedule_name (i), &schedule, NULL));
      g_assert_cmpint (schedule, ==, i);
      g_assert_true (
          sampler_schedule_parse (sampler_schedule_a1111_name (i), &schedule, NULL));
      g_assert_cmpint (schedule, ==, i);
    }
  g_assert_true (sampler_schedule_parse ("SGM uniform", &schedule, NULL));
  g_assert_cmpint (schedule, ==, SAMPLER_SGM_UNIFORM);
  g_assert_false (sampler_schedule_parse ("beta", &schedule, &error));
  g_assert_error (error, SAMPLER_ERROR, SAMPLER_ERROR_NAME);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  sampler_levels_init_scaled_linear (&levels, 0.00085, 0.012);
  g_test_add_func ("/sampler/golden", test_golden);
  g_test_add_func ("/sampler/sigma-and-t", test_sigma_and_t);
  g_test_add_func ("/sampler/all-steps", test_all_steps);
  g_test_add_func ("/sampler/save", test_save);
  g_test_add_func ("/sampler/failure", test_failure);
  g_test_add_func ("/sampler/batch", test_batch);
  g_test_add_func ("/sampler/damaged-state", test_damaged_state);
  g_test_add_func ("/sampler/names", test_names);
  g_test_add_func ("/sampler/own-names", test_own_names);
  return g_test_run ();
}
