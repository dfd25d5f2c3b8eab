/* test-app-histogram.c: what the histogram draws, says and reads out
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <glib/gstdio.h>
#include <gtk/gtk.h>
#include <string.h>

#include "app/app-histogram.h"

#define N 10000

/* 10,000 values spread evenly over 0 … 1, and one far away. */
static StatsTensor *
make_stats (void)
{
  g_autofree float *data = g_new (float, N);
  g_autofree char *path = NULL;
  const guint64 shape[] = { N };
  StWriteTensor tensor = { "x", ST_DTYPE_F32, 1, shape, data };
  g_autoptr (StFile) file = NULL;
  StatsTensor *stats;
  GError *error = NULL;
  int fd = g_file_open_tmp ("calotype-histogram-XXXXXX.safetensors", &path, NULL);

  g_close (fd, NULL);
  for (guint i = 0; i < N; i++)
    data[i] = (float) i / N;
  data[0] = -1000;
  g_assert_true (st_write (path, &tensor, 1, NULL, &error));
  file = st_file_open (path, NULL, &error);
  g_assert_no_error (error);
  stats = stats_tensor_compute (file, st_file_tensor (file, 0), NULL, &error);
  g_assert_no_error (error);
  g_unlink (path);
  return stats;
}

/* Colour nodes of what a widget of this size draws. */
static guint
count_nodes (GskRenderNode *node, GskRenderNodeType type)
{
  guint n = gsk_render_node_get_node_type (node) == type;

  if (gsk_render_node_get_node_type (node) == GSK_CONTAINER_NODE)
    for (guint i = 0; i < gsk_container_node_get_n_children (node); i++)
      n += count_nodes (gsk_container_node_get_child (node, i), type);
  else if (gsk_render_node_get_node_type (node) == GSK_TRANSFORM_NODE)
    n += count_nodes (gsk_transform_node_get_child (node), type);
  else if (gsk_render_node_get_node_type (node) == GSK_CLIP_NODE)
    n += count_nodes (gsk_clip_node_get_child (node), type);
  return n;
}

static GskRenderNode *
draw (AppHistogram *histogram)
{
  GtkSnapshot *snapshot = gtk_snapshot_new ();

  gtk_widget_allocate (GTK_WIDGET (histogram), 600, 240, -1, NULL);
  GTK_WIDGET_GET_CLASS (histogram)->snapshot (GTK_WIDGET (histogram), snapshot);
  return gtk_snapshot_free_to_node (snapshot);
}

static guint64
count_all (const StatsHistogram *bins)
{
  guint64 n = bins->below + bins->above;

  for (guint i = 0; i < bins->n_bins; i++)
    n += bins->counts[i];
  return n;
}

static void
test_range (void)
{
  g_autoptr (StatsTensor) stats = make_stats ();
  AppHistogram *histogram = g_object_ref_sink (g_object_new (APP_TYPE_HISTOGRAM, NULL));
  const StatsHistogram *bins;
  g_autoptr (GskRenderNode) node = NULL, full = NULL;

  g_assert_null (app_histogram_get_bins (histogram));
  app_histogram_set (histogram, stats, NULL);
  bins = app_histogram_get_bins (histogram);
  /* The outlier does not squeeze the rest, and is counted. */
  g_assert_cmpfloat (bins->edges[0], >, -1);
  g_assert_cmpuint (bins->below, >=, 1);
  g_assert_cmpuint (count_all (bins), ==, N);
  node = draw (histogram);
  g_assert_cmpuint (count_nodes (node, GSK_COLOR_NODE), >=, bins->n_bins);
  g_assert_cmpuint (count_nodes (node, GSK_CAIRO_NODE), ==, 2); /* hatched ends */
  g_assert_cmpuint (count_nodes (node, GSK_TEXT_NODE), >=, 2);  /* ticks */

  g_object_set (histogram, "full-range", TRUE, NULL);
  bins = app_histogram_get_bins (histogram);
  g_assert_cmpfloat (bins->edges[0], <=, -1000);
  g_assert_cmpuint (bins->below + bins->above, ==, 0);
  g_assert_cmpuint (count_all (bins), ==, N);
  full = draw (histogram);
  g_assert_cmpuint (count_nodes (full, GSK_CAIRO_NODE), ==, 0);
  g_object_unref (histogram);
}

static void
test_scales (void)
{
  g_autoptr (StatsTensor) stats = make_stats ();
  AppHistogram *histogram = g_object_ref_sink (g_object_new (APP_TYPE_HISTOGRAM, NULL));
  g_autoptr (GskRenderNode) node = NULL;

  app_histogram_set (histogram, stats, stats);
  g_object_set (histogram, "symlog", TRUE, "log-counts", TRUE, NULL);
  g_assert_cmpint (app_histogram_get_bins (histogram)->scale, ==, STATS_SCALE_SYMLOG);
  g_assert_cmpuint (count_all (app_histogram_get_bins (histogram)), ==, N);
  node = draw (histogram);
  g_assert_cmpuint (count_nodes (node, GSK_CAIRO_NODE), ==, 3); /* and the outline */
  g_object_unref (histogram);
}

static void
press (AppHistogram *histogram, guint key)
{
  g_autoptr (GListModel) controllers
      = gtk_widget_observe_controllers (GTK_WIDGET (histogram));

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GObject) controller = g_list_model_get_item (controllers, i);
      gboolean handled;
      if (GTK_IS_EVENT_CONTROLLER_KEY (controller))
        g_signal_emit_by_name (controller, "key-pressed", key, 0, 0, &handled);
    }
}

static void
test_reading (void)
{
  g_autoptr (StatsTensor) stats = make_stats ();
  AppHistogram *histogram = g_object_ref_sink (g_object_new (APP_TYPE_HISTOGRAM, NULL));
  g_autofree char *none = NULL, *first = NULL, *second = NULL, *gone = NULL,
                  *words = NULL;

  app_histogram_set (histogram, stats, NULL);
  gtk_test_accessible_assert_role (histogram, GTK_ACCESSIBLE_ROLE_IMG);
  gtk_test_accessible_assert_property (histogram, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Histogram");
  words = app_histogram_describe (histogram);
  g_assert_nonnull (strstr (words, "10,000"));
  gtk_test_accessible_assert_property (histogram, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                       words);

  g_object_get (histogram, "reading", &none, NULL);
  g_assert_null (none);
  press (histogram, GDK_KEY_Right);
  g_object_get (histogram, "reading", &first, NULL);
  g_assert_nonnull (strstr (first, "below"));
  press (histogram, GDK_KEY_Right);
  g_object_get (histogram, "reading", &second, NULL);
  g_assert_nonnull (strstr (second, "values"));
  g_assert_cmpstr (first, !=, second);
  press (histogram, GDK_KEY_Escape);
  g_object_get (histogram, "reading", &gone, NULL);
  g_assert_null (gone);
  g_object_unref (histogram);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gtk_init ();
  g_test_add_func ("/app/histogram/range", test_range);
  g_test_add_func ("/app/histogram/scales", test_scales);
  g_test_add_func ("/app/histogram/reading", test_reading);
  return g_test_run ();
}
