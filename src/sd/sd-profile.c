/* sd-profile.c: where the time went: sums over all passes of a run, by kernel and by
 * operator
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"

#define TOP_OPERATORS 20

typedef struct
{
  char *network, *kernel, *label;
  guint count;
  double seconds, flops;
} Entry;

struct _SdProfile
{
  GHashTable *kernels;   /* "network kernel" → Entry */
  GHashTable *operators; /* "network label" → Entry */
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;
  g_free (entry->network);
  g_free (entry->kernel);
  g_free (entry->label);
  g_free (entry);
}

SdProfile *
sd_profile_new (void)
{
  SdProfile *profile = g_new0 (SdProfile, 1);
  profile->kernels = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, entry_free);
  profile->operators
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, entry_free);
  return profile;
}

void
sd_profile_free (SdProfile *profile)
{
  if (profile == NULL)
    return;
  g_hash_table_unref (profile->kernels);
  g_hash_table_unref (profile->operators);
  g_free (profile);
}

static void
add (GHashTable *table, const char *network, const char *by, const GpuTiming *timing)
{
  g_autofree char *key = g_strdup_printf ("%s %s", network, by);
  Entry *entry = g_hash_table_lookup (table, key);
  if (entry == NULL)
    {
      entry = g_new0 (Entry, 1);
      entry->network = g_strdup (network);
      entry->kernel = g_strdup (timing->kernel);
      entry->label = g_strdup (timing->label);
      g_hash_table_insert (table, g_steal_pointer (&key), entry);
    }
  entry->count++;
  entry->seconds += timing->seconds;
  entry->flops += timing->flops;
}

void
sd_profile_add (SdProfile *profile, const char *network, GArray *timings)
{
  for (guint i = 0; timings != NULL && i < timings->len; i++)
    {
      const GpuTiming *timing = &g_array_index (timings, GpuTiming, i);
      add (profile->kernels, network, timing->kernel, timing);
      add (profile->operators, network, timing->label, timing);
    }
}

static int
compare_seconds (gconstpointer a, gconstpointer b)
{
  const Entry *x = *(const Entry *const *) a, *y = *(const Entry *const *) b;
  return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

static double
sorted_entries (GHashTable *table, GPtrArray *entries)
{
  GHashTableIter iter;
  gpointer value;
  double total = 0;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      g_ptr_array_add (entries, value);
      total += ((Entry *) value)->seconds;
    }
  g_ptr_array_sort (entries, compare_seconds);
  return total;
}

static void
append_rows (GString *text, GHashTable *table, guint limit, gboolean by_label)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new ();
  double total = sorted_entries (table, entries);

  g_string_append_printf (text, "%10s %6s %7s %9s  %-8s %s\n", "ms", "share", "count",
                          "GFLOP/s", "network", by_label ? "operator" : "kernel");
  for (guint i = 0; i < entries->len && i < limit; i++)
    {
      const Entry *e = entries->pdata[i];
      double rate = e->seconds > 0 ? e->flops / e->seconds * 1e-9 : 0;
      g_string_append_printf (text, "%10.2f %5.1f%% %7u %9.2f  %-8s %s\n",
                              e->seconds * 1e3, total > 0 ? 100 * e->seconds / total : 0,
                              e->count, rate, e->network,
                              by_label ? e->label : e->kernel);
    }
  if (!by_label)
    g_string_append_printf (text, "%10.2f in all\n", total * 1e3);
}

char *
sd_profile_table (const SdProfile *profile)
{
  GString *text = g_string_new (NULL);
  append_rows (text, profile->kernels, G_MAXUINT, FALSE);
  g_string_append_c (text, '\n');
  append_rows (text, profile->operators, TOP_OPERATORS, TRUE);
  return g_string_free (text, FALSE);
}
