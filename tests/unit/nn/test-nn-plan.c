/* test-nn-plan.c: the arena's planner: nothing that lives at once overlaps, little is
 * wasted
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "nn/nn-plan-private.h"

#define PAGE ((guint64) 1 << 40)

/* The most that lives at once: no plan is smaller. */
static guint64
lower_bound (const NnSpan *spans, guint n)
{
  guint64 most = 0;

  for (guint i = 0; i < n; i++)
    {
      guint64 sum = 0;

      for (guint j = 0; j < n; j++)
        if (spans[j].first <= spans[i].first && spans[i].first <= spans[j].last)
          sum += (spans[j].bytes + 255) / 256 * 256;
      most = MAX (most, sum);
    }
  return most;
}

static void
check (const NnSpan *spans, guint n, guint64 page, guint64 total)
{
  for (guint i = 0; i < n; i++)
    {
      const NnSpan *a = &spans[i];

      if (a->bytes == 0)
        continue;
      g_assert_cmpuint (a->offset % 256, ==, 0);
      g_assert_cmpuint (a->offset + a->bytes, <=, total);
      g_assert_cmpuint (a->offset / page, ==, (a->offset + a->bytes - 1) / page);
      for (guint j = 0; j < i; j++)
        {
          const NnSpan *b = &spans[j];

          if (b->bytes > 0 && a->first <= b->last && b->first <= a->last)
            g_assert_true (a->offset + a->bytes <= b->offset
                           || b->offset + b->bytes <= a->offset);
        }
    }
}

static void
test_empty (void)
{
  NnSpan none = { 0, 0, 0, 0 };

  g_assert_cmpuint (nn_plan_place (NULL, 0, PAGE), ==, 0);
  g_assert_cmpuint (nn_plan_place (&none, 1, PAGE), ==, 0);
}

/* A chain: each operator reads what the one before has written. */
static void
test_chain (void)
{
  NnSpan spans[20];

  for (guint i = 0; i < G_N_ELEMENTS (spans); i++)
    spans[i] = (NnSpan){ 1000, i, i + 1, 0 };
  g_assert_cmpuint (nn_plan_place (spans, G_N_ELEMENTS (spans), PAGE), ==, 2 * 1024);
  check (spans, G_N_ELEMENTS (spans), PAGE, 2 * 1024);
}

/* A UNet: skips of the way down live until they are met on the way up. */
static void
test_unet (void)
{
  NnSpan spans[16];

  for (guint i = 0; i < 16; i++)
    {
      guint depth = i < 8 ? i : 15 - i;

      spans[i] = (NnSpan){ (guint64) 65536 >> depth, i, i < 8 ? 15 - i : i + 1, 0 };
    }
  g_assert_cmpuint (nn_plan_place (spans, 16, PAGE), ==, lower_bound (spans, 16));
  check (spans, 16, PAGE, lower_bound (spans, 16));
}

static void
test_random (void)
{
  for (guint turn = 0; turn < 200; turn++)
    {
      guint n = (guint) g_test_rand_int_range (1, 80);
      g_autofree NnSpan *spans = g_new0 (NnSpan, n);
      guint64 page = turn % 2 == 0 ? PAGE : 8192;
      guint64 total;

      for (guint i = 0; i < n; i++)
        {
          spans[i].bytes = (guint64) g_test_rand_int_range (0, 8193);
          spans[i].first = (guint) g_test_rand_int_range (0, 100);
          spans[i].last = spans[i].first + (guint) g_test_rand_int_range (0, 10);
        }
      total = nn_plan_place (spans, n, page);
      check (spans, n, page, total);
      if (page == PAGE)
        g_assert_cmpuint (total, <=, 2 * lower_bound (spans, n));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/nn/plan/empty", test_empty);
  g_test_add_func ("/nn/plan/chain", test_chain);
  g_test_add_func ("/nn/plan/unet", test_unet);
  g_test_add_func ("/nn/plan/random", test_random);
  return g_test_run ();
}
