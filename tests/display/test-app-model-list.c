/* test-app-model-list.c: the rows of the menu of models, followed by a listener as GTK
 * does
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <gtk/gtk.h>

#include "app/app-model-list.h"

typedef struct
{
  AppModelList *list;
  GPtrArray *heard; /* AppModelRow, by what the list has told */
  guint longest;
  SdListing listing;
  GPtrArray *recent;
  AppModelRow *bundled;
} Fixture;

static SdItem *
make_item (const char *title, SdFamily family, const char *why_not)
{
  SdItem *item = g_new0 (SdItem, 1);

  g_atomic_ref_count_init (&item->refs);
  item->path = g_strdup_printf ("/models/%s.safetensors", title);
  item->where = g_strdup ("/models");
  item->name = g_strdup (title);
  item->title = g_strdup (title);
  item->kind = SD_FILE_CHECKPOINT;
  item->family = family;
  item->why_not = g_strdup (why_not);
  item->search_text = g_utf8_casefold (title, -1);
  return item;
}

static void
on_changed (GListModel *model, guint position, guint removed, guint added, Fixture *f)
{
  g_assert_cmpuint (position + removed, <=, f->heard->len);
  if (removed > 0)
    g_ptr_array_remove_range (f->heard, position, removed);
  for (guint i = 0; i < added; i++)
    g_ptr_array_insert (f->heard, position + i,
                        g_list_model_get_item (model, position + i));
  g_assert_cmpuint (f->heard->len, ==, g_list_model_get_n_items (model));
  f->longest = MAX (f->longest, MAX (removed, added));
}

static void
fixture_set_up (Fixture *f, gconstpointer data)
{
  f->list = app_model_list_new ();
  f->heard = g_ptr_array_new_with_free_func (g_object_unref);
  f->listing.items = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_item_unref);
  f->recent = g_ptr_array_new_with_free_func (g_object_unref);
  f->bundled = app_model_row_new_path ("/sample.safetensors", "Sample Model", 0);
  g_signal_connect (f->list, "items-changed", G_CALLBACK (on_changed), f);
}

static void
fixture_tear_down (Fixture *f, gconstpointer data)
{
  g_object_unref (f->list);
  g_ptr_array_unref (f->heard);
  g_ptr_array_unref (f->listing.items);
  g_ptr_array_unref (f->recent);
  g_object_unref (f->bundled);
}

/* Until nothing more comes. */
static void
settle (void)
{
  gint64 end = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;

  while (g_main_context_pending (NULL) && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE);
  for (guint i = 0; i < 60; i++)
    {
      g_usleep (2000);
      while (g_main_context_pending (NULL))
        g_main_context_iteration (NULL, FALSE);
    }
}

static void
fill (Fixture *f, const char *search, gboolean anew)
{
  app_model_list_fill (f->list, &f->listing, f->recent, f->bundled, search, anew);
  settle ();
}

/* Titles; heads in brackets. */
static char *
heard_text (Fixture *f)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < f->heard->len; i++)
    {
      AppModelRow *row = f->heard->pdata[i];
      g_autoptr (AppModelRow) told = g_list_model_get_item (G_LIST_MODEL (f->list), i);
      g_assert_true (row == told);
      if (app_model_row_get_head (row) != NULL)
        g_string_append_printf (text, "[%s]", app_model_row_get_head (row));
      else
        g_string_append_printf (text, "%s;", app_model_row_get_title (row));
    }
  return g_string_free (text, FALSE);
}

static void
assert_heard (Fixture *f, const char *wanted)
{
  g_autofree char *text = heard_text (f);

  if (strlen (text) > 500) /* to be read when it is wrong */
    text[500] = '\0';
  g_assert_cmpstr (text, ==, wanted);
}

static void
test_groups (Fixture *f, gconstpointer data)
{
  SdItem *copying = make_item ("half", SD_FAMILY_SD1, "Still being copied");

  copying->copying = TRUE;
  g_ptr_array_add (f->listing.items, make_item ("a", SD_FAMILY_UNKNOWN, NULL));
  g_ptr_array_add (f->listing.items, make_item ("b", SD_FAMILY_SD1, NULL));
  g_ptr_array_add (f->listing.items, make_item ("c", SD_FAMILY_SD1, NULL));
  g_ptr_array_add (f->listing.items, make_item ("d", SD_FAMILY_SDXL, NULL));
  g_ptr_array_add (f->listing.items, make_item ("e", SD_FAMILY_SD1, "no"));
  g_ptr_array_add (f->listing.items, copying);
  SdItem *lora = make_item ("l", SD_FAMILY_SD1, NULL);
  lora->kind = SD_FILE_LORA;
  g_ptr_array_add (f->listing.items, lora);
  fill (f, "", TRUE);
  assert_heard (f, "[Stable Diffusion 1.x]b;c;[Stable Diffusion XL]d;[Others]a;"
                   "[Came with Calotype]Sample Model;[Cannot be used]e;");
  g_assert_cmpuint (app_model_list_n_models (f->list), ==, 6);
  /* What was used lately stands first, and once. */
  g_ptr_array_add (f->recent, app_model_row_new (f->listing.items->pdata[2]));
  fill (f, "", FALSE);
  assert_heard (f, "[Recent]c;[Stable Diffusion 1.x]b;[Stable Diffusion XL]d;[Others]a;"
                   "[Came with Calotype]Sample Model;[Cannot be used]e;");
  fill (f, "SAMPLE model", TRUE);
  assert_heard (f, "[Came with Calotype]Sample Model;");
  g_assert_true (app_model_list_find (f->list) == f->bundled);
  fill (f, "nothing like it", TRUE);
  assert_heard (f, "");
  g_assert_null (app_model_list_find (f->list));
}

static void
test_many (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 5000; i++)
    {
      g_autofree char *title = g_strdup_printf ("model %04u", i);
      g_ptr_array_add (f->listing.items, make_item (title, SD_FAMILY_SD1, NULL));
    }
  fill (f, "", TRUE);
  g_assert_cmpuint (f->heard->len, <, 100);
  /* One more at the top touches nothing else. */
  guint before = f->heard->len;
  g_autoptr (AppModelRow) kept = g_object_ref (f->heard->pdata[10]);
  g_ptr_array_insert (f->listing.items, 0, make_item ("first", SD_FAMILY_SD1, NULL));
  f->longest = 0;
  fill (f, "", FALSE);
  g_assert_cmpuint (f->heard->len, ==, before);
  g_assert_true (app_model_list_n_models (f->list) == 5002);
  /* The end is reached again and again: all of them come. */
  for (guint i = 0; i < 20; i++)
    {
      app_model_list_show_more (f->list);
      settle ();
    }
  g_assert_cmpuint (f->heard->len, ==, 5004);
  g_assert_true (kept == f->heard->pdata[11]
                 || strcmp (app_model_row_get_title (kept),
                            app_model_row_get_title (f->heard->pdata[11]))
                        == 0);
  /* A search in the midst of it. */
  app_model_list_fill (f->list, &f->listing, f->recent, f->bundled, "49", TRUE);
  app_model_list_fill (f->list, &f->listing, f->recent, f->bundled, "4999", TRUE);
  settle ();
  assert_heard (f, "[Stable Diffusion 1.x]model 4999;");
  g_assert_cmpuint (f->longest, <=, 5004);
}

int
main (int argc, char **argv)
{
  gtk_test_init (&argc, &argv, NULL);
  g_test_add ("/model-list/groups", Fixture, NULL, fixture_set_up, test_groups,
              fixture_tear_down);
  g_test_add ("/model-list/many", Fixture, NULL, fixture_set_up, test_many,
              fixture_tear_down);
  return g_test_run ();
}
