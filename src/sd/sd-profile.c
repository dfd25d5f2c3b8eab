/* sd-profile.c: where the time went: sums over all passes of a run, by kernel and by
 * what was computed
 *
 * On a CPU device the rates are per second of processor time, which is what other
 * programs on the machine leave as it is.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"

#define TOP_SHAPES 40

typedef struct
{
  char *network;
  GpuTiming sum; /* its texts tell what it is the sum of */
  guint count;
} Entry;

struct _SdProfile
{
  GHashTable *kernels; /* "network kernel" → Entry */
  GHashTable *shapes;  /* "network kernel variant shape" → Entry */
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;
  g_free (entry->network);
  g_free (entry);
}

SdProfile *
sd_profile_new (void)
{
  SdProfile *profile = g_new0 (SdProfile, 1);
  profile->kernels = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, entry_free);
  profile->shapes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, entry_free);
  return profile;
}

void
sd_profile_free (SdProfile *profile)
{
  if (profile == NULL)
    return;
  g_hash_table_unref (profile->kernels);
  g_hash_table_unref (profile->shapes);
  g_free (profile);
}

/* Takes @key. */
static void
add (GHashTable *table, char *key, const char *network, const GpuTiming *timing)
{
  Entry *entry = g_hash_table_lookup (table, key);
  if (entry == NULL)
    {
      entry = g_new0 (Entry, 1);
      entry->network = g_strdup (network);
      entry->sum = *timing;
      entry->count = 1;
      g_hash_table_insert (table, key, entry);
      return;
    }
  g_free (key);
  entry->count++;
  entry->sum.seconds += timing->seconds;
  entry->sum.processor_seconds += timing->processor_seconds;
  entry->sum.flops += timing->flops;
  entry->sum.bytes += timing->bytes;
}

void
sd_profile_add (SdProfile *profile, const char *network, GArray *timings)
{
  for (guint i = 0; timings != NULL && i < timings->len; i++)
    {
      const GpuTiming *t = &g_array_index (timings, GpuTiming, i);
      add (profile->kernels, g_strdup_printf ("%s %s", network, t->kernel), network, t);
      add (profile->shapes,
           g_strdup_printf ("%s %s %s %s", network, t->kernel, t->variant, t->shape),
           network, t);
    }
}

/* what rates are of: processor time where it is known */
static double
seconds_of (const Entry *entry)
{
  return entry->sum.processor_seconds > 0 ? entry->sum.processor_seconds
                                          : entry->sum.seconds;
}

static int
compare_seconds (gconstpointer a, gconstpointer b)
{
  double x = seconds_of (*(const Entry *const *) a);
  double y = seconds_of (*(const Entry *const *) b);
  return (x < y) - (x > y);
}

static Entry
sorted_entries (GHashTable *table, GPtrArray *entries)
{
  GHashTableIter iter;
  gpointer value;
  Entry total = { 0 };

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Entry *entry = value;
      g_ptr_array_add (entries, value);
      total.count += entry->count;
      total.sum.seconds += entry->sum.seconds;
      total.sum.processor_seconds += entry->sum.processor_seconds;
      total.sum.flops += entry->sum.flops;
      total.sum.bytes += entry->sum.bytes;
    }
  g_ptr_array_sort (entries, compare_seconds);
  return total;
}

static void
append_row (GString *text, const Entry *e, double total, gboolean shape)
{
  double seconds = MAX (seconds_of (e), 1e-9);

  g_string_append_printf (text, "%10.2f %10.2f %5.1f%% %6u %8.2f %7.2f  %-8s %s",
                          e->sum.seconds * 1e3, e->sum.processor_seconds * 1e3,
                          total > 0 ? 100 * seconds / total : 0, e->count,
                          e->sum.flops / seconds * 1e-9, e->sum.bytes / seconds * 1e-9,
                          e->network, e->sum.kernel);
  if (shape)
    g_string_append_printf (text, "  %s  %s", e->sum.variant, e->sum.shape);
  g_string_append_c (text, '\n');
}

static void
append_rows (GString *text, GHashTable *table, guint limit, gboolean shape)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new ();
  Entry total = sorted_entries (table, entries);

  g_string_append_printf (text, "%10s %10s %6s %6s %8s %7s  %-8s kernel%s\n", "ms",
                          "CPU ms", "share", "count", "GFLOP/s", "GB/s", "network",
                          shape ? "  variant  shape" : "");
  for (guint i = 0; i < entries->len && i < limit; i++)
    append_row (text, entries->pdata[i], seconds_of (&total), shape);
  if (!shape)
    {
      total.network = (char *) "all";
      append_row (text, &total, seconds_of (&total), FALSE);
    }
}

char *
sd_profile_table (const SdProfile *profile)
{
  GString *text = g_string_new (NULL);
  append_rows (text, profile->kernels, G_MAXUINT, FALSE);
  g_string_append_c (text, '\n');
  append_rows (text, profile->shapes, TOP_SHAPES, TRUE);
  return g_string_free (text, FALSE);
}
