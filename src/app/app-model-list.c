/* app-model-list.c: see app-model-list.h
 *
 * GTK 4.8 makes widgets for two hundred rows at once, a quarter of a second on a slow
 * machine, and styles all rows anew that follow one which comes or goes. So the list has
 * some forty rows until somebody goes to its end, where it gets more; and rows are
 * exchanged a few at a time, from the top. Beyond those that have widgets the rest comes
 * at once. Rows are objects only once they are asked for.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-model-list.h"

#include <gdk/gdk.h>
#include <glib/gi18n.h>
#include <string.h>

#define FIRST_ROWS 2
#define STEP_US 2000
#define STEP_MS 16    /* one step a frame, which then styles and measures what is new */
#define MORE_ROWS 40  /* more each time that the end is reached … */
#define SEEN_ROWS 240 /* … up to what GTK makes widgets for at most; then all */

/* One row: an object, or what it will be made of. */
typedef struct
{
  SdItem *item;
  AppModelRow *row;
} Entry;

struct _AppModelList
{
  GObject parent_instance;
  GArray *all;            /* Entry: of which the first are to be shown */
  GArray *shown, *wanted; /* Entry; wanted is NULL when they agree */
  guint limit;
  guint done, keep; /* rows of shown that are as wanted: first, last */
  guint step, source, n_models;
};

static void app_model_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AppModelList,
                               app_model_list,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL,
                                                      app_model_list_model_init))

static void
entry_clear (gpointer data)
{
  Entry *entry = data;

  g_clear_pointer (&entry->item, sd_item_unref);
  g_clear_object (&entry->row);
}

static GArray *
entries_new (void)
{
  GArray *entries = g_array_new (FALSE, FALSE, sizeof (Entry));

  g_array_set_clear_func (entries, entry_clear);
  return entries;
}

static Entry *
entry_at (GArray *entries, guint index)
{
  return &g_array_index (entries, Entry, index);
}

static gboolean
entry_equal (const Entry *a, const Entry *b)
{
  if (a->item != NULL || b->item != NULL)
    return a->item == b->item;
  return app_model_row_equal (a->row, b->row);
}

/* ---- in steps ---- */

static void
append_copy (GArray *entries, guint at, const Entry *from, guint n)
{
  g_array_insert_vals (entries, at, from, n);
  for (guint i = 0; i < n; i++)
    {
      Entry *entry = entry_at (entries, at + i);
      if (entry->item != NULL)
        sd_item_ref (entry->item);
      if (entry->row != NULL)
        g_object_ref (entry->row);
    }
}

/* Exchanges at most @n rows behind those that are done. */
static void
exchange (AppModelList *self, guint n)
{
  const guint removed = MIN (n, self->shown->len - self->keep - self->done);
  const guint added = MIN (n, self->wanted->len - self->keep - self->done);

  if (removed > 0)
    g_array_remove_range (self->shown, self->done, removed);
  if (added > 0)
    append_copy (self->shown, self->done, entry_at (self->wanted, self->done), added);
  g_list_model_items_changed (G_LIST_MODEL (self), self->done, removed, added);
  self->done += added;
}

static void
skip_equal (AppModelList *self)
{
  while (self->done + self->keep < self->shown->len
         && self->done + self->keep < self->wanted->len
         && entry_equal (entry_at (self->shown, self->done),
                         entry_at (self->wanted, self->done)))
    self->done++;
}

static void
count_kept (AppModelList *self)
{
  self->keep = 0;
  skip_equal (self);
  while (self->done + self->keep < self->shown->len
         && self->done + self->keep < self->wanted->len
         && entry_equal (entry_at (self->shown, self->shown->len - 1 - self->keep),
                         entry_at (self->wanted, self->wanted->len - 1 - self->keep)))
    self->keep++;
}

/* FALSE when all is as wanted. */
static gboolean
make_step (AppModelList *self)
{
  const gint64 begin = g_get_monotonic_time ();
  gint64 took;

  skip_equal (self);
  if (self->done + self->keep == self->wanted->len
      && self->done + self->keep == self->shown->len)
    {
      g_clear_pointer (&self->wanted, g_array_unref);
      return FALSE;
    }
  exchange (self, self->done >= SEEN_ROWS ? G_MAXUINT : self->step);
  took = g_get_monotonic_time () - begin;
  if (took < STEP_US / 2)
    self->step = MIN (self->step * 2, 64);
  else if (took > STEP_US)
    self->step = MAX (self->step / 2, 1);
  return TRUE;
}

static gboolean
on_step (gpointer user_data)
{
  AppModelList *self = user_data;

  if (make_step (self))
    return G_SOURCE_CONTINUE;
  self->source = 0;
  return G_SOURCE_REMOVE;
}

/* Rows that nobody sees and nobody wants go at once. */
static void
drop_unseen (AppModelList *self)
{
  const guint at = MAX (self->done, SEEN_ROWS);
  const guint end = self->shown->len - self->keep;

  if (at >= end)
    return;
  g_array_remove_range (self->shown, at, end - at);
  g_list_model_items_changed (G_LIST_MODEL (self), at, end - at, 0);
}

/* The first of all are wanted. */
static void
begin_steps (AppModelList *self)
{
  const guint n = MIN (self->all->len, self->limit);

  g_clear_pointer (&self->wanted, g_array_unref);
  self->wanted = entries_new ();
  if (n > 0)
    append_copy (self->wanted, 0, entry_at (self->all, 0), n);
  self->done = 0;
  self->step = FIRST_ROWS;
  count_kept (self);
  drop_unseen (self);
  if (!make_step (self))
    g_clear_handle_id (&self->source, g_source_remove);
  else if (self->source == 0)
    self->source
        = g_timeout_add_full (GDK_PRIORITY_REDRAW + 5, STEP_MS, on_step, self, NULL);
}

void
app_model_list_show_more (AppModelList *self)
{
  g_return_if_fail (APP_IS_MODEL_LIST (self));
  if (self->wanted != NULL || self->limit >= self->all->len)
    return;
  self->limit = self->limit < SEEN_ROWS ? self->limit + MORE_ROWS : G_MAXUINT;
  begin_steps (self);
}

/* ---- what is wanted ---- */

typedef struct
{
  GArray *entries;
  char **words; /* in one case */
  GHashTable *listed;
  const char *head; /* msgid of the group that is open */
  guint n;
} Filling;

static gboolean
matches (const Filling *filling, const char *text)
{
  for (guint i = 0; filling->words != NULL && filling->words[i] != NULL; i++)
    if (strstr (text, filling->words[i]) == NULL)
      return FALSE;
  return TRUE;
}

static void
put_head (Filling *filling, const char *head)
{
  Entry entry = { NULL, NULL };

  if (g_strcmp0 (head, filling->head) == 0)
    return;
  filling->head = head;
  entry.row = app_model_row_new_head (g_dpgettext2 (NULL, "models", head));
  g_array_append_val (filling->entries, entry);
}

static void
put_row (Filling *filling, const char *head, AppModelRow *row)
{
  g_autofree char *text = g_utf8_casefold (app_model_row_get_title (row), -1);
  const SdItem *item = app_model_row_get_item (row);
  const char *path = app_model_row_get_path (row);
  Entry entry = { NULL, NULL };

  if (!matches (filling, item != NULL ? item->search_text : text)
      || !g_hash_table_add (filling->listed, (gpointer) path))
    return;
  put_head (filling, head);
  entry.row = g_object_ref (row);
  g_array_append_val (filling->entries, entry);
  filling->n++;
}

static void
put_item (Filling *filling, const char *head, SdItem *item)
{
  Entry entry = { item, NULL };

  if (!matches (filling, item->search_text)
      || g_hash_table_contains (filling->listed, item->path))
    return;
  put_head (filling, head);
  sd_item_ref (item);
  g_array_append_val (filling->entries, entry);
  filling->n++;
}

static const char *
family_head (SdFamily family)
{
  static const char *const heads[]
      = { NC_ ("models", "Others"), NC_ ("models", "Stable Diffusion 1.x"),
          NC_ ("models", "Stable Diffusion 2.x"), NC_ ("models", "Stable Diffusion XL") };

  return heads[family <= SD_FAMILY_SDXL ? family : SD_FAMILY_UNKNOWN];
}

static void
put_all (Filling *filling, SdListing *listing, GPtrArray *recent, AppModelRow *bundled)
{
  for (guint i = 0; i < recent->len; i++)
    put_row (filling, NC_ ("models", "Recent"), recent->pdata[i]);
  /* By family: the unknown one last. */
  for (guint turn = 1; turn <= SD_FAMILY_SDXL + 1; turn++)
    for (guint i = 0; i < listing->items->len; i++)
      {
        SdItem *item = listing->items->pdata[i];
        if (item->kind == SD_FILE_CHECKPOINT && item->why_not == NULL
            && item->family == turn % (SD_FAMILY_SDXL + 1))
          put_item (filling, family_head (item->family), item);
      }
  if (bundled != NULL)
    put_row (filling, NC_ ("models", "Came with Calotype"), bundled);
  /* What is still being copied appears when it is there. */
  for (guint i = 0; i < listing->items->len; i++)
    {
      SdItem *item = listing->items->pdata[i];
      if (item->kind == SD_FILE_CHECKPOINT && item->why_not != NULL && !item->copying)
        put_item (filling, NC_ ("models", "Cannot be used"), item);
    }
}

AppModelList *
app_model_list_new (void)
{
  return g_object_new (APP_TYPE_MODEL_LIST, NULL);
}

void
app_model_list_fill (AppModelList *self,
                     SdListing *listing,
                     GPtrArray *recent,
                     AppModelRow *bundled,
                     const char *search,
                     gboolean anew)
{
  g_autofree char *folded = search != NULL ? g_utf8_casefold (search, -1) : NULL;
  g_auto (GStrv) words = folded != NULL ? g_strsplit (folded, " ", -1) : NULL;
  g_autoptr (GHashTable) listed = g_hash_table_new (g_str_hash, g_str_equal);
  Filling filling = { .entries = entries_new (), .words = words, .listed = listed };

  g_return_if_fail (APP_IS_MODEL_LIST (self));
  put_all (&filling, listing, recent, bundled);
  g_array_unref (self->all);
  self->all = filling.entries;
  self->n_models = filling.n;
  if (anew)
    self->limit = MORE_ROWS;
  begin_steps (self);
}

guint
app_model_list_n_models (AppModelList *self)
{
  return self->n_models;
}

AppModelRow *
app_model_list_find (AppModelList *self)
{
  for (guint i = 0; i < self->shown->len; i++)
    {
      g_autoptr (AppModelRow) row = g_list_model_get_item (G_LIST_MODEL (self), i);
      if (app_model_row_get_head (row) == NULL && app_model_row_get_why_not (row) == NULL)
        return row; /* the list keeps it */
    }
  return NULL;
}

/* ---- the model ---- */

static GType
app_model_list_get_item_type (GListModel *model)
{
  return APP_TYPE_MODEL_ROW;
}

static guint
app_model_list_get_n_items (GListModel *model)
{
  return APP_MODEL_LIST (model)->shown->len;
}

static gpointer
app_model_list_get_item (GListModel *model, guint position)
{
  AppModelList *self = APP_MODEL_LIST (model);
  Entry *entry;

  if (position >= self->shown->len)
    return NULL;
  entry = entry_at (self->shown, position);
  if (entry->row == NULL)
    entry->row = app_model_row_new (entry->item);
  return g_object_ref (entry->row);
}

static void
app_model_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = app_model_list_get_item_type;
  iface->get_n_items = app_model_list_get_n_items;
  iface->get_item = app_model_list_get_item;
}

static void
app_model_list_finalize (GObject *object)
{
  AppModelList *self = APP_MODEL_LIST (object);

  g_clear_handle_id (&self->source, g_source_remove);
  g_clear_pointer (&self->wanted, g_array_unref);
  g_array_unref (self->shown);
  g_array_unref (self->all);
  G_OBJECT_CLASS (app_model_list_parent_class)->finalize (object);
}

static void
app_model_list_class_init (AppModelListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = app_model_list_finalize;
}

static void
app_model_list_init (AppModelList *self)
{
  self->shown = entries_new ();
  self->all = entries_new ();
  self->limit = MORE_ROWS;
}
