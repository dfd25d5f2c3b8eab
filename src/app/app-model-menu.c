/* app-model-menu.c: the popover of the model button
 *
 * What was used lately, what lies in folders, and the sample model; it follows the
 * library while it is open. A row activates win.use-model with its path.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-model-menu.h"

#include <glib/gi18n.h>

#include "app/app-library.h"
#include "app/app-model-folders.h"
#include "app/app-model-list.h"
#include "app/app-model-picture.h"
#include "app/app-tooltip.h"
#include "app/app-watch.h"
#include "app/app-wrap.h"

#define MAX_RECENT 5

struct _AppModelMenu
{
  GtkPopover parent_instance;
  GtkStack *stack;
  GtkEditable *search;
  GtkListView *view;
  GtkLabel *state, *hint;
  AppModelList *list;
  char *current;
  gboolean at_top; /* nobody moved in the list since it was opened */
};

G_DEFINE_FINAL_TYPE (AppModelMenu, app_model_menu, GTK_TYPE_POPOVER)

/* ---- a row ---- */

/* The parts of a row; kept on its box. */
typedef struct
{
  GtkWidget *head, *model, *icon, *picture, *title, *detail, *mark;
  GCancellable *reading;
  char *path; /* (nullable): of the model that it shows */
} Parts;

static Parts *
parts_of (GtkListItem *item)
{
  return g_object_get_data (G_OBJECT (gtk_list_item_get_child (item)), "parts");
}

static void
parts_free (gpointer data)
{
  Parts *parts = data;

  if (parts->reading != NULL)
    g_cancellable_cancel (parts->reading);
  g_clear_object (&parts->reading);
  g_free (parts->path);
  g_free (parts);
}

static GtkWidget *
make_label (const char *class)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  if (class != NULL)
    gtk_widget_add_css_class (label, class);
  return label;
}

static GtkWidget *
make_picture (Parts *parts)
{
  GtkWidget *frame = gtk_overlay_new ();

  parts->icon = gtk_image_new_from_icon_name ("image-x-generic-symbolic");
  parts->picture = gtk_picture_new ();
  gtk_widget_set_size_request (frame, APP_MODEL_PICTURE_SIZE, APP_MODEL_PICTURE_SIZE);
  gtk_widget_set_valign (frame, GTK_ALIGN_CENTER);
  gtk_widget_set_overflow (frame, GTK_OVERFLOW_HIDDEN);
  gtk_widget_add_css_class (frame, "app-model-picture");
  gtk_widget_add_css_class (parts->icon, "dim-label");
  gtk_picture_set_can_shrink (GTK_PICTURE (parts->picture), TRUE);
  gtk_overlay_set_child (GTK_OVERLAY (frame), parts->icon);
  gtk_overlay_add_overlay (GTK_OVERLAY (frame), parts->picture);
  return frame;
}

static void
on_setup (GtkListItemFactory *factory, GtkListItem *item, gpointer user_data)
{
  Parts *parts = g_new0 (Parts, 1);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *texts = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  parts->head = make_label ("heading");
  gtk_widget_add_css_class (parts->head, "app-model-head");
  parts->model = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9);
  parts->title = make_label (NULL);
  gtk_label_set_max_width_chars (GTK_LABEL (parts->title), 34);
  parts->detail = make_label ("caption");
  gtk_label_set_max_width_chars (GTK_LABEL (parts->detail), 44);
  gtk_widget_add_css_class (parts->detail, "dim-label");
  parts->mark = gtk_image_new_from_icon_name ("object-select-symbolic");
  gtk_widget_set_hexpand (texts, TRUE);
  gtk_widget_set_valign (texts, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (texts), parts->title);
  gtk_box_append (GTK_BOX (texts), parts->detail);
  gtk_box_append (GTK_BOX (parts->model), make_picture (parts));
  gtk_box_append (GTK_BOX (parts->model), texts);
  gtk_box_append (GTK_BOX (parts->model), parts->mark);
  gtk_widget_add_css_class (parts->model, "app-model-row");
  gtk_box_append (GTK_BOX (box), parts->head);
  gtk_box_append (GTK_BOX (box), parts->model);
  g_object_set_data_full (G_OBJECT (box), "parts", parts, parts_free);
  gtk_list_item_set_child (item, box);
}

static void
show_picture (Parts *parts, GdkTexture *texture)
{
  gtk_picture_set_paintable (GTK_PICTURE (parts->picture), GDK_PAINTABLE (texture));
  gtk_widget_set_opacity (parts->icon, texture != NULL ? 0 : 1);
}

static void
on_picture (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GtkListItem) item = user_data;
  AppModelRow *row = gtk_list_item_get_item (item);
  GtkWidget *box = gtk_list_item_get_child (item);
  Parts *parts = box != NULL ? g_object_get_data (G_OBJECT (box), "parts") : NULL;
  SdItem *model = row != NULL ? app_model_row_get_item (row) : NULL;
  gboolean known;

  if (!app_model_picture_read_finish (result) || parts == NULL || model == NULL)
    return;
  show_picture (parts, app_model_picture_peek (model, &known));
}

static void
bind_picture (Parts *parts, GtkListItem *item, SdItem *model)
{
  GdkTexture *texture = NULL;
  gboolean known = TRUE;

  if (model != NULL)
    texture = app_model_picture_peek (model, &known);
  show_picture (parts, texture);
  if (known)
    return;
  parts->reading = g_cancellable_new ();
  app_model_picture_read_async (model, parts->reading, on_picture, g_object_ref (item));
}

static void
bind_model (AppModelMenu *self, Parts *parts, AppModelRow *row)
{
  const char *why_not = app_model_row_get_why_not (row);
  const char *path = app_model_row_get_path (row);
  g_autofree char *detail = app_model_row_get_detail (row);
  g_autofree char *shown = g_filename_display_name (path);
  g_autofree char *tip
      = why_not != NULL ? g_strdup_printf ("%s\n%s", shown, why_not) : g_strdup (shown);
  GtkLabel *label = GTK_LABEL (parts->detail);

  gtk_label_set_text (GTK_LABEL (parts->title), app_model_row_get_title (row));
  gtk_label_set_wrap (label, why_not != NULL);
  gtk_label_set_lines (label, why_not != NULL ? 3 : 1);
  gtk_label_set_ellipsize (label, why_not != NULL ? PANGO_ELLIPSIZE_END
                                                  : PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_text (label, detail);
  gtk_widget_set_sensitive (parts->title, why_not == NULL);
  gtk_widget_set_opacity (parts->icon, why_not == NULL ? 1 : .5);
  gtk_widget_set_visible (parts->mark, g_strcmp0 (path, self->current) == 0);
  g_free (parts->path);
  parts->path = g_strdup (path);
  app_tooltip_set (parts->model, tip);
}

static void
on_bind (GtkListItemFactory *factory, GtkListItem *item, gpointer user_data)
{
  AppModelMenu *self = user_data;
  AppModelRow *row = gtk_list_item_get_item (item);
  Parts *parts = parts_of (item);
  const char *head = app_model_row_get_head (row);
  GtkWidget *widget = gtk_widget_get_parent (gtk_list_item_get_child (item));
  gboolean usable = head == NULL && app_model_row_get_why_not (row) == NULL;

  gtk_widget_set_visible (parts->head, head != NULL);
  gtk_widget_set_visible (parts->model, head == NULL);
  gtk_list_item_set_activatable (item, usable);
  gtk_list_item_set_selectable (item, usable);
  g_clear_pointer (&parts->path, g_free);
  if (widget != NULL) /* GTK's own, which the arrow keys go to */
    gtk_widget_set_focusable (widget, head == NULL);
  gtk_accessible_update_property (
      GTK_ACCESSIBLE (widget != NULL ? widget : gtk_list_item_get_child (item)),
      GTK_ACCESSIBLE_PROPERTY_LABEL, head != NULL ? head : app_model_row_get_title (row),
      -1);
  if (head != NULL)
    {
      gtk_label_set_text (GTK_LABEL (parts->head), head);
      return;
    }
  bind_model (self, parts, row);
  bind_picture (parts, item, app_model_row_get_item (row));
}

static void
on_unbind (GtkListItemFactory *factory, GtkListItem *item, gpointer user_data)
{
  Parts *parts = parts_of (item);

  if (parts->reading != NULL)
    g_cancellable_cancel (parts->reading);
  g_clear_object (&parts->reading);
}

/* ---- what was used lately ---- */

static int
compare_latest (gconstpointer a, gconstpointer b)
{
  const gint64 x = app_model_row_get_used (*(AppModelRow **) a);
  const gint64 y = app_model_row_get_used (*(AppModelRow **) b);

  return x == y ? 0 : x > y ? -1 : 1;
}

static void
add_used (GPtrArray *rows, SdListing *listing)
{
  for (guint i = 0; i < listing->items->len; i++)
    {
      SdItem *item = listing->items->pdata[i];
      if (item->used > 0 && item->kind == SD_FILE_CHECKPOINT && item->why_not == NULL)
        g_ptr_array_add (rows, app_model_row_new (item));
    }
}

/* Files that the desktop remembers and no folder has. */
static void
add_remembered (GPtrArray *rows, SdListing *listing)
{
  for (GList *l = gtk_recent_manager_get_items (gtk_recent_manager_get_default ());
       l != NULL; l = g_list_delete_link (l, l))
    {
      g_autoptr (GtkRecentInfo) info = l->data;
      g_autofree char *path
          = g_filename_from_uri (gtk_recent_info_get_uri (info), NULL, NULL);

      if (path != NULL && gtk_recent_info_has_application (info, "Calotype")
          && gtk_recent_info_is_local (info)
          && sd_listing_find_path (listing, path) == NULL)
        g_ptr_array_add (rows,
                         app_model_row_new_path (
                             path, gtk_recent_info_get_display_name (info),
                             g_date_time_to_unix (gtk_recent_info_get_visited (info))));
    }
}

/* Rows that come in above what is seen would move out of sight. */
static void
keep_top (AppModelMenu *self)
{
  if (self->at_top && app_model_list_n_models (self->list) > 0)
    gtk_widget_activate_action (GTK_WIDGET (self->view), "list.scroll-to-item", "u", 0);
}

/* (nullable): what is to be said under the list */
static char *
state_text (AppModelMenu *self, SdListing *listing)
{
  if (app_library_is_looking (app_library_get ()))
    return g_strdup (_ ("Looking through the folders of models…"));
  for (guint i = 0; i < listing->items->len; i++)
    {
      const SdItem *item = listing->items->pdata[i];
      if (item->copying && item->kind == SD_FILE_CHECKPOINT)
        return g_strdup_printf (_ ("“%s” is still being copied."), item->title);
    }
  if (app_model_list_n_models (self->list) == 0)
    return g_strdup (_ ("No model has these words in its name."));
  return NULL;
}

static void
fill (AppModelMenu *self)
{
  SdListing *listing = app_library_get_listing (app_library_get ());
  g_autoptr (GPtrArray) recent = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *bundled = sd_bundled_model_path ();
  g_autoptr (AppModelRow) sample
      = app_model_row_new_path (bundled, _ ("Sample Model"), 0);
  const char *search = gtk_editable_get_text (self->search);
  g_autofree char *state = NULL;

  app_watch_mark ("models");
  keep_top (self);
  add_used (recent, listing);
  add_remembered (recent, listing);
  g_ptr_array_sort (recent, compare_latest);
  if (recent->len > MAX_RECENT)
    g_ptr_array_set_size (recent, MAX_RECENT);
  app_model_list_fill (self->list, listing, recent, sample, search, self->at_top);
  state = state_text (self, listing);
  gtk_widget_set_visible (GTK_WIDGET (self->state), state != NULL);
  gtk_label_set_text (self->state, state != NULL ? state : "");
}

static void
set_hint (AppModelMenu *self)
{
  g_autofree char *folder = sd_library_own_folder (FALSE);
  g_autofree char *shown = sd_library_shown_path (folder);
  g_autofree char *hint = g_strdup_printf (
      /* Translators: %s is a folder */
      _ ("Put a Stable Diffusion model (.safetensors) into \u2066%s\u2069, and it is "
         "listed here."),
      shown);

  gtk_label_set_label (self->hint, hint);
}

/* ---- what is done ---- */

static void
on_show (AppModelMenu *self)
{
  gtk_stack_set_visible_child_full (self->stack, "models",
                                    GTK_STACK_TRANSITION_TYPE_NONE);
  gtk_editable_set_text (self->search, "");
  self->at_top = TRUE;
  app_library_refresh (app_library_get ());
  fill (self);
}

static void
on_changed (AppModelMenu *self)
{
  if (gtk_widget_get_mapped (GTK_WIDGET (self)))
    fill (self);
}

static void
on_search (AppModelMenu *self)
{
  self->at_top = TRUE;
  if (gtk_widget_get_mapped (GTK_WIDGET (self)))
    fill (self);
}

static gboolean
on_scroll (AppModelMenu *self)
{
  self->at_top = FALSE;
  return GDK_EVENT_PROPAGATE;
}

/* Near the end of the rows there come more. */
static void
on_value (AppModelMenu *self, GtkAdjustment *adjustment)
{
  const double page = gtk_adjustment_get_page_size (adjustment);

  if (gtk_adjustment_get_value (adjustment) + 3 * page
      > gtk_adjustment_get_upper (adjustment))
    app_model_list_show_more (self->list);
}

static void
on_moved (AppModelMenu *self)
{
  self->at_top = FALSE;
}

static void
choose (AppModelMenu *self, AppModelRow *row)
{
  g_autofree char *path = NULL;

  if (row == NULL || app_model_row_get_head (row) != NULL
      || app_model_row_get_why_not (row) != NULL)
    return;
  path = g_strdup (app_model_row_get_path (row));
  gtk_popover_popdown (GTK_POPOVER (self));
  gtk_widget_activate_action (GTK_WIDGET (self), "win.use-model", "s", path);
}

static void
on_activate (AppModelMenu *self, guint position)
{
  g_autoptr (AppModelRow) row
      = g_list_model_get_item (G_LIST_MODEL (self->list), position);

  choose (self, row);
}

/* Return in the search takes what stands first. */
static void
on_search_activate (AppModelMenu *self)
{
  fill (self); /* the entry waits a moment before it tells of the last letters */
  choose (self, app_model_list_find (self->list));
}

static gboolean
close_later (gpointer user_data)
{
  gtk_popover_popdown (user_data);
  return G_SOURCE_REMOVE;
}

/* Not within the key's own event, which the entry goes on handling. */
static void
on_stop_search (AppModelMenu *self)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, close_later, g_object_ref (self), g_object_unref);
}

static void
on_folders (AppModelMenu *self)
{
  gtk_stack_set_visible_child_name (self->stack, "folders");
}

static void
on_back (AppModelMenu *self)
{
  gtk_stack_set_visible_child_name (self->stack, "models");
}

void
app_model_menu_set_current (AppModelMenu *self, const char *path)
{
  g_return_if_fail (APP_IS_MODEL_MENU (self));
  if (g_strcmp0 (self->current, path) == 0)
    return;
  g_free (self->current);
  self->current = g_strdup (path);
  /* Each row lies in a widget of GTK's own. */
  for (GtkWidget *row = gtk_widget_get_first_child (GTK_WIDGET (self->view)); row != NULL;
       row = gtk_widget_get_next_sibling (row))
    {
      GtkWidget *box = gtk_widget_get_first_child (row);
      Parts *parts = box != NULL ? g_object_get_data (G_OBJECT (box), "parts") : NULL;
      if (parts != NULL)
        gtk_widget_set_visible (parts->mark, parts->path != NULL
                                                 && g_strcmp0 (parts->path, path) == 0);
    }
}

/* ---- life ---- */

static void
app_model_menu_dispose (GObject *object)
{
  AppModelMenu *self = APP_MODEL_MENU (object);

  g_clear_pointer (&self->current, g_free);
  g_clear_object (&self->list);
  gtk_widget_dispose_template (GTK_WIDGET (self), APP_TYPE_MODEL_MENU);
  G_OBJECT_CLASS (app_model_menu_parent_class)->dispose (object);
}

static void
app_model_menu_class_init (AppModelMenuClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_model_menu_dispose;
  g_type_ensure (APP_TYPE_WRAP);
  g_type_ensure (APP_TYPE_MODEL_FOLDERS);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/io/github/calotype/Calotype/app-model-menu.ui");
  gtk_widget_class_bind_template_child (widget_class, AppModelMenu, stack);
  gtk_widget_class_bind_template_child (widget_class, AppModelMenu, search);
  gtk_widget_class_bind_template_child (widget_class, AppModelMenu, view);
  gtk_widget_class_bind_template_child (widget_class, AppModelMenu, state);
  gtk_widget_class_bind_template_child (widget_class, AppModelMenu, hint);
  gtk_widget_class_bind_template_callback (widget_class, on_show);
  gtk_widget_class_bind_template_callback (widget_class, on_search);
  gtk_widget_class_bind_template_callback (widget_class, on_search_activate);
  gtk_widget_class_bind_template_callback (widget_class, on_activate);
  gtk_widget_class_bind_template_callback (widget_class, on_stop_search);
  gtk_widget_class_bind_template_callback (widget_class, on_folders);
  gtk_widget_class_bind_template_callback (widget_class, on_back);
  gtk_widget_class_bind_template_callback (widget_class, on_scroll);
  gtk_widget_class_bind_template_callback (widget_class, on_moved);
}

static void
app_model_menu_init (AppModelMenu *self)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  GtkNoSelection *selection;

  gtk_widget_init_template (GTK_WIDGET (self));
  self->list = app_model_list_new ();
  g_signal_connect_object (self->list, "items-changed", G_CALLBACK (keep_top), self,
                           G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  selection = gtk_no_selection_new (G_LIST_MODEL (g_object_ref (self->list)));
  g_signal_connect (factory, "setup", G_CALLBACK (on_setup), self);
  g_signal_connect (factory, "bind", G_CALLBACK (on_bind), self);
  g_signal_connect (factory, "unbind", G_CALLBACK (on_unbind), self);
  gtk_list_view_set_factory (self->view, factory);
  gtk_list_view_set_model (self->view, GTK_SELECTION_MODEL (selection));
  g_object_unref (factory);
  g_object_unref (selection);
  g_signal_connect_object (gtk_scrollable_get_vadjustment (GTK_SCROLLABLE (self->view)),
                           "value-changed", G_CALLBACK (on_value), self,
                           G_CONNECT_SWAPPED);
  gtk_search_entry_set_key_capture_widget (GTK_SEARCH_ENTRY (self->search),
                                           GTK_WIDGET (self->view));
  g_signal_connect_object (app_library_get (), "changed", G_CALLBACK (on_changed), self,
                           G_CONNECT_SWAPPED);
  set_hint (self);
}

GtkWidget *
app_model_menu_new (void)
{
  return g_object_new (APP_TYPE_MODEL_MENU, NULL);
}
