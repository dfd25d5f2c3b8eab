/* test-app-list.c: the flat list of the tree's rows, followed by a listener as GTK does
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <glib/gstdio.h>
#include <gtk/gtk.h>

#include "app/app-tensor-list.h"

#define N_LAYERS 40
#define N_EXPERTS 50
#define N_TENSORS (N_LAYERS * N_EXPERTS * 2)

typedef struct
{
  char *path;
  AppModel *model;
  AppStats *stats;
  AppOutline *outline;
  AppTensorList *list;
  GArray *heard; /* ids, by what the list has told */
  guint n_changes, longest;
} Fixture;

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  *(AppModel **) user_data = app_model_load_finish (result, &error);
  g_assert_no_error (error);
}

static guint32
id_at (Fixture *f, guint position)
{
  g_autoptr (AppTensorRow) row = g_list_model_get_item (G_LIST_MODEL (f->list), position);

  return app_tensor_row_get_id (row);
}

static void
on_changed (GListModel *model, guint position, guint removed, guint added, Fixture *f)
{
  g_assert_cmpuint (position + removed, <=, f->heard->len);
  g_array_remove_range (f->heard, position, removed);
  for (guint i = 0; i < added; i++)
    {
      guint32 id = id_at (f, position + i);
      g_array_insert_val (f->heard, position + i, id);
    }
  g_assert_cmpuint (f->heard->len, ==, g_list_model_get_n_items (model));
  f->n_changes++;
  f->longest = MAX (f->longest, MAX (removed, added));
}

static void
fixture_open (Fixture *f)
{
  static const float value = 1;
  static const guint64 one = 1;
  g_autofree StWriteTensor *tensors = g_new0 (StWriteTensor, N_TENSORS);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  int fd = g_file_open_tmp ("calotype-list-XXXXXX.safetensors", &f->path, NULL);

  g_close (fd, NULL);
  for (guint i = 0; i < N_TENSORS; i++)
    {
      g_ptr_array_add (names, g_strdup_printf ("layers.%u.experts.%u.%s",
                                               i / (2 * N_EXPERTS), i / 2 % N_EXPERTS,
                                               i % 2 == 0 ? "bias" : "weight"));
      tensors[i] = (StWriteTensor){ names->pdata[i], ST_DTYPE_F32, 1, &one, &value };
    }
  g_assert_true (st_write (f->path, tensors, N_TENSORS, NULL, &error));
  g_assert_no_error (error);
  app_model_load_async (f->path, NULL, NULL, on_loaded, &f->model);
  while (f->model == NULL)
    g_main_context_iteration (NULL, TRUE);
  f->outline = app_model_get_outline (f->model);
  f->stats = app_stats_new (f->model, f->outline);
  f->list = app_tensor_list_new ();
  f->heard = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_signal_connect (f->list, "items-changed", G_CALLBACK (on_changed), f);
  app_tensor_list_set_stats (f->list, f->stats);
}

static void
fixture_close (Fixture *f)
{
  g_object_unref (f->list);
  app_stats_stop (f->stats);
  g_object_unref (f->stats);
  g_object_unref (f->model);
  g_array_unref (f->heard);
  g_unlink (f->path);
  g_free (f->path);
}

/* Whether all @n rows are there, and are those that the listener has heard of. */
static void
settle (Fixture *f, guint n)
{
  while (!app_tensor_list_is_settled (f->list))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (f->list)), ==, n);
  g_assert_cmpuint (f->heard->len, ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (id_at (f, i), ==, g_array_index (f->heard, guint32, i));
}

static guint32
find (Fixture *f, const char *path)
{
  guint32 id = app_outline_find_path (f->outline, path);

  g_assert_cmpuint (id, !=, APP_OUTLINE_NONE);
  return id;
}

static void
test_fold (void)
{
  Fixture f = { 0 };
  /* Title, "layers"; a row is one for "3.experts", since a chain of one child is one. */
  const guint all = 2 + N_LAYERS * (1 + N_EXPERTS * 3);

  fixture_open (&f);
  settle (&f, 2);
  app_tensor_list_set_expanded (f.list, find (&f, "layers"), TRUE);
  settle (&f, 2 + N_LAYERS);
  app_tensor_list_set_expanded (f.list, find (&f, "layers.3.experts"), TRUE);
  settle (&f, 2 + N_LAYERS + N_EXPERTS);
  g_assert_cmpuint (app_tensor_list_position (f.list, find (&f, "layers.3.experts")), ==,
                    2 + 3);
  g_assert_cmpuint (id_at (&f, 2 + 4), ==, find (&f, "layers.3.experts.0"));

  app_tensor_list_set_expanded_below (f.list, 0, TRUE);
  settle (&f, all);
  app_tensor_list_set_expanded (f.list, find (&f, "layers.3.experts"), FALSE);
  settle (&f, all - N_EXPERTS * 3);
  app_tensor_list_set_expanded_below (f.list, find (&f, "layers.3.experts"), TRUE);
  settle (&f, all);
  app_tensor_list_set_expanded_below (f.list, 0, FALSE);
  settle (&f, 2);
  app_tensor_list_reveal (f.list, find (&f, "layers.39.experts.49.weight"));
  settle (&f, 2 + N_LAYERS + N_EXPERTS + 2);
  /* What a screen cannot show at once comes in one piece, what it can in many. */
  g_assert_cmpuint (f.n_changes, >, 10);
  g_assert_cmpuint (f.longest, >, 1000);
  fixture_close (&f);
}

/* A change while another one is under way begins where that one has got to. */
static void
test_change_of_mind (void)
{
  Fixture f = { 0 };

  fixture_open (&f);
  settle (&f, 2);
  for (guint turn = 0; turn < 40; turn++)
    {
      app_tensor_list_set_expanded_below (f.list, 0, turn % 2 == 0);
      for (guint i = 0; i < turn % 7; i++)
        g_main_context_iteration (NULL, FALSE);
    }
  settle (&f, 2);
  app_tensor_list_set_stats (f.list, NULL);
  settle (&f, 0);
  fixture_close (&f);
}

static void
test_search_and_sort (void)
{
  Fixture f = { 0 };
  guint8 *shown;

  fixture_open (&f);
  shown = g_new0 (guint8, app_outline_size (f.outline));
  for (guint32 id = find (&f, "layers.7.experts.5.weight"); id != APP_OUTLINE_NONE;
       id = app_outline_get (f.outline, id)->parent)
    shown[id] = 1;
  g_autoptr (GBytes) hits = g_bytes_new_take (shown, app_outline_size (f.outline));
  app_tensor_list_set_shown (f.list, hits);
  settle (&f, 5);
  g_assert_false (app_tensor_list_shows (f.list, find (&f, "layers.8.experts")));
  g_assert_cmpuint (id_at (&f, 4), ==, find (&f, "layers.7.experts.5.weight"));
  app_tensor_list_set_expanded (f.list, find (&f, "layers.7.experts"), FALSE);
  settle (&f, 3);
  app_tensor_list_set_shown (f.list, NULL); /* what was folded meanwhile is not */
  settle (&f, 2);

  app_tensor_list_set_expanded (f.list, find (&f, "layers"), TRUE);
  settle (&f, 2 + N_LAYERS);
  app_tensor_list_set_sort (f.list, APP_SORT_NAME, TRUE);
  settle (&f, 2 + N_LAYERS);
  g_assert_cmpuint (id_at (&f, 2), ==, find (&f, "layers.39.experts"));
  g_assert_cmpuint (id_at (&f, 1 + N_LAYERS), ==, find (&f, "layers.0.experts"));
  fixture_close (&f);
}

/* Rows are objects while somebody has them; those that live hear of folding. */
static void
test_rows (void)
{
  Fixture f = { 0 };
  g_autoptr (AppTensorRow) row = NULL;
  g_autoptr (AppTensorRow) again = NULL;

  fixture_open (&f);
  settle (&f, 2);
  row = g_list_model_get_item (G_LIST_MODEL (f.list), 1);
  again = g_list_model_get_item (G_LIST_MODEL (f.list), 1);
  g_assert_true (row == again);
  g_assert_cmpuint (app_tensor_row_get_depth (row), ==, 1);
  g_assert_false (app_tensor_row_get_expanded (row));
  app_tensor_list_set_expanded (f.list, app_tensor_row_get_id (row), TRUE);
  g_assert_true (app_tensor_row_get_expanded (row));
  g_assert_null (g_list_model_get_item (G_LIST_MODEL (f.list), 100000));
  fixture_close (&f);
}

int
main (int argc, char **argv)
{
  gtk_test_init (&argc, &argv, NULL);
  g_test_add_func ("/app/list/fold", test_fold);
  g_test_add_func ("/app/list/change-of-mind", test_change_of_mind);
  g_test_add_func ("/app/list/search-and-sort", test_search_and_sort);
  g_test_add_func ("/app/list/rows", test_rows);
  return g_test_run ();
}
