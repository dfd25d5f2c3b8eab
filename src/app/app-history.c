/* app-history.c: see app-history.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-history.h"

#include <glib/gi18n.h>

#define TILE 96

struct _AppHistory
{
  GtkWidget parent_instance;

  GtkWidget *scroller, *menu;
  GtkGridView *grid;
  GtkSingleSelection *selection;
  gboolean quiet;
};

G_DEFINE_FINAL_TYPE (AppHistory, app_history, GTK_TYPE_WIDGET)

static guint selected_signal;

/* The parts of a tile; kept on its overlay. */
typedef struct
{
  GtkWidget *picture, *mark, *live;
  AppPicture *item; /* the list's */
} Tile;

static const char *
tile_words (AppPicture *picture, char **buffer)
{
  const ImageMeta *meta = app_picture_get_meta (picture);
  AppJob *job = app_picture_get_job (picture);

  if (job != NULL)
    return *buffer = g_strdup (app_job_get_params (job)->prompt);
  if (meta != NULL && meta->prompt != NULL)
    return *buffer = g_strdup (meta->prompt);
  return *buffer = g_path_get_basename (app_picture_get_path (picture));
}

static const char *
live_text (AppJob *job)
{
  switch (app_job_get_state (job))
    {
    case APP_JOB_WAITING:
      return _ ("waiting");
    case APP_JOB_RUNNING:
      return _ ("live");
    case APP_JOB_STOPPED:
      return _ ("stopped");
    case APP_JOB_FAILED:
      return _ ("failed");
    case APP_JOB_DONE:
    default:
      return "";
    }
}

/* What the marks say, in words. */
static char *
tile_name (AppPicture *picture, const char *words)
{
  AppJob *job = app_picture_get_job (picture);
  GString *name = g_string_new (words);

  if (app_picture_get_path (picture) == NULL && job != NULL)
    g_string_append_printf (name, ", %s", live_text (job));
  else if (!app_picture_get_seen (picture))
    g_string_append_printf (name, ", %s", _ ("new"));
  if (app_picture_get_pinned (picture))
    g_string_append_printf (name, ", %s", _ ("pinned"));
  return g_string_free (name, FALSE);
}

static void
update_tile (AppPicture *picture, GtkWidget *overlay)
{
  Tile *tile = g_object_get_data (G_OBJECT (overlay), "tile");
  AppJob *job = app_picture_get_job (picture);
  g_autofree char *words = NULL, *name = NULL;
  gboolean unsaved = app_picture_get_path (picture) == NULL;

  gtk_picture_set_paintable (GTK_PICTURE (tile->picture),
                             GDK_PAINTABLE (app_picture_get_thumbnail (picture)));
  gtk_widget_set_visible (tile->live, unsaved);
  if (unsaved && job != NULL)
    gtk_label_set_text (GTK_LABEL (tile->live), live_text (job));
  /* Shape and not only colour: ◆ pinned, ● new. */
  gtk_label_set_text (GTK_LABEL (tile->mark),
                      app_picture_get_pinned (picture)              ? "◆"
                      : !app_picture_get_seen (picture) && !unsaved ? "●"
                                                                    : "");
  gtk_widget_set_visible (tile->mark,
                          gtk_label_get_text (GTK_LABEL (tile->mark))[0] != '\0');
  tile_words (picture, &words);
  gtk_widget_set_tooltip_text (overlay, words);
  name = tile_name (picture, words);
  gtk_accessible_update_property (GTK_ACCESSIBLE (tile->picture),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

static GdkContentProvider *
on_drag_prepare (GtkDragSource *source, double x, double y, GtkListItem *item)
{
  AppPicture *picture = gtk_list_item_get_item (item);

  return picture != NULL ? app_history_content (picture) : NULL;
}

void
app_history_set_drag_icon (GtkDragSource *source, AppPicture *picture)
{
  GdkTexture *texture = app_picture_get_thumbnail (picture);
  g_autoptr (GtkSnapshot) snapshot = NULL;
  g_autoptr (GdkPaintable) icon = NULL;

  if (texture == NULL)
    return;
  snapshot = gtk_snapshot_new ();
  double scale
      = (double) TILE
        / MAX (gdk_texture_get_width (texture), gdk_texture_get_height (texture));
  gdk_paintable_snapshot (GDK_PAINTABLE (texture), snapshot,
                          gdk_texture_get_width (texture) * scale,
                          gdk_texture_get_height (texture) * scale);
  icon = gtk_snapshot_to_paintable (snapshot, NULL);
  gtk_drag_source_set_icon (source, icon, 0, 0);
}

static void
on_drag_begin (GtkDragSource *source, GdkDrag *drag, GtkListItem *item)
{
  AppPicture *picture = gtk_list_item_get_item (item);

  if (picture != NULL)
    app_history_set_drag_icon (source, picture);
}

GdkContentProvider *
app_history_content (AppPicture *picture)
{
  GdkContentProvider *both[2];
  guint n = 0;
  GdkTexture *texture = app_picture_get_texture (picture);

  if (app_picture_get_path (picture) == NULL)
    return NULL;
  GFile *file = g_file_new_for_path (app_picture_get_path (picture));
  GSList list = { file, NULL };
  both[n++] = gdk_content_provider_new_typed (GDK_TYPE_FILE_LIST, &list);
  g_object_unref (file);
  if (texture != NULL)
    both[n++] = gdk_content_provider_new_typed (GDK_TYPE_TEXTURE, texture);
  return gdk_content_provider_new_union (both, n);
}

static void
popup_menu (AppHistory *self, GtkWidget *widget, double x, double y)
{
  graphene_point_t at;

  if (!gtk_widget_compute_point (widget, GTK_WIDGET (self),
                                 &GRAPHENE_POINT_INIT ((float) x, (float) y), &at))
    return;
  gtk_popover_set_pointing_to (GTK_POPOVER (self->menu),
                               &(GdkRectangle){ (int) at.x, (int) at.y, 1, 1 });
  gtk_popover_popup (GTK_POPOVER (self->menu));
}

static void
on_menu (GtkGestureClick *gesture, int n, double x, double y, GtkListItem *item)
{
  GtkWidget *widget = gtk_event_controller_get_widget (GTK_EVENT_CONTROLLER (gesture));
  AppHistory *self = APP_HISTORY (gtk_widget_get_ancestor (widget, APP_TYPE_HISTORY));

  gtk_single_selection_set_selected (self->selection, gtk_list_item_get_position (item));
  popup_menu (self, widget, x, y);
}

/* The keyboard's way to the menu: at the focused tile. */
static gboolean
on_key (GtkEventControllerKey *controller,
        guint key,
        guint code,
        GdkModifierType state,
        AppHistory *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;

  if (key != GDK_KEY_Menu && !(key == GDK_KEY_F10 && (state & GDK_SHIFT_MASK) != 0))
    return GDK_EVENT_PROPAGATE;
  if (focus == NULL || !gtk_widget_is_ancestor (focus, GTK_WIDGET (self)))
    return GDK_EVENT_PROPAGATE;
  popup_menu (self, focus, gtk_widget_get_width (focus) / 2.0,
              gtk_widget_get_height (focus) / 2.0);
  return GDK_EVENT_STOP;
}

static void
on_setup (GtkSignalListItemFactory *factory, GtkListItem *item, AppHistory *self)
{
  GtkWidget *overlay = gtk_overlay_new ();
  GtkDragSource *source = gtk_drag_source_new ();
  GtkGesture *click = gtk_gesture_click_new ();
  Tile *tile = g_new0 (Tile, 1);

  tile->picture = gtk_picture_new ();
  gtk_widget_set_size_request (tile->picture, TILE, TILE);
  tile->mark = gtk_label_new ("");
  gtk_widget_set_halign (tile->mark, GTK_ALIGN_END);
  gtk_widget_set_valign (tile->mark, GTK_ALIGN_START);
  gtk_widget_add_css_class (tile->mark, "app-mark");
  tile->live = gtk_label_new ("");
  gtk_widget_set_valign (tile->live, GTK_ALIGN_END);
  gtk_widget_set_halign (tile->live, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (tile->live, "app-live");
  gtk_overlay_set_child (GTK_OVERLAY (overlay), tile->picture);
  gtk_overlay_add_overlay (GTK_OVERLAY (overlay), tile->mark);
  gtk_overlay_add_overlay (GTK_OVERLAY (overlay), tile->live);
  g_object_set_data_full (G_OBJECT (overlay), "tile", tile, g_free);
  g_signal_connect (source, "prepare", G_CALLBACK (on_drag_prepare), item);
  g_signal_connect (source, "drag-begin", G_CALLBACK (on_drag_begin), item);
  gtk_widget_add_controller (overlay, GTK_EVENT_CONTROLLER (source));
  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (click), GDK_BUTTON_SECONDARY);
  g_signal_connect (click, "pressed", G_CALLBACK (on_menu), item);
  gtk_widget_add_controller (overlay, GTK_EVENT_CONTROLLER (click));
  gtk_list_item_set_child (item, overlay);
}

static void
on_bind (GtkSignalListItemFactory *factory, GtkListItem *item, AppHistory *self)
{
  AppPicture *picture = gtk_list_item_get_item (item);
  GtkWidget *overlay = gtk_list_item_get_child (item);

  ((Tile *) g_object_get_data (G_OBJECT (overlay), "tile"))->item = picture;
  g_signal_connect_object (picture, "changed", G_CALLBACK (update_tile), overlay, 0);
  update_tile (picture, overlay);
}

static void
on_unbind (GtkSignalListItemFactory *factory, GtkListItem *item, AppHistory *self)
{
  g_signal_handlers_disconnect_by_func (gtk_list_item_get_item (item), update_tile,
                                        gtk_list_item_get_child (item));
}

static void
on_selected (AppHistory *self)
{
  AppPicture *picture = gtk_single_selection_get_selected_item (self->selection);

  if (!self->quiet && picture != NULL)
    g_signal_emit (self, selected_signal, 0, picture);
}

void
app_history_set_session (AppHistory *self, AppSession *session)
{
  self->quiet = TRUE;
  gtk_single_selection_set_model (self->selection, app_session_get_history (session));
  gtk_single_selection_set_selected (self->selection, GTK_INVALID_LIST_POSITION);
  self->quiet = FALSE;
}

void
app_history_select (AppHistory *self, AppPicture *picture)
{
  guint position = GTK_INVALID_LIST_POSITION;
  GListModel *model = gtk_single_selection_get_model (self->selection);

  for (guint i = 0;
       picture != NULL && model != NULL && i < g_list_model_get_n_items (model); i++)
    {
      g_autoptr (AppPicture) item = g_list_model_get_item (model, i);

      if (item == picture)
        position = i;
    }
  self->quiet = TRUE;
  gtk_single_selection_set_selected (self->selection, position);
  self->quiet = FALSE;
}

void
app_history_move (AppHistory *self, int by)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->selection));
  guint at = gtk_single_selection_get_selected (self->selection);

  if (n == 0)
    return;
  gtk_single_selection_set_selected (self->selection,
                                     at == GTK_INVALID_LIST_POSITION
                                         ? 0
                                         : (guint) CLAMP ((int) at + by, 0, (int) n - 1));
  gtk_widget_activate_action (GTK_WIDGET (self->grid), "list.scroll-to-item", "u",
                              gtk_single_selection_get_selected (self->selection));
}

/* The grid goes to where it was last; people look for the picture that is chosen. */
gboolean
app_history_focus (AppHistory *self)
{
  AppPicture *chosen = gtk_single_selection_get_selected_item (self->selection);
  GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self->grid));

  if (g_list_model_get_n_items (G_LIST_MODEL (self->selection)) == 0)
    return FALSE;
  for (; chosen != NULL && child != NULL; child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *overlay = gtk_widget_get_first_child (child);
      Tile *tile
          = overlay != NULL ? g_object_get_data (G_OBJECT (overlay), "tile") : NULL;

      if (tile != NULL && tile->item == chosen)
        return gtk_widget_grab_focus (child);
    }
  return gtk_widget_child_focus (GTK_WIDGET (self), GTK_DIR_TAB_FORWARD);
}

GMenuModel *
app_history_menu (void)
{
  GMenu *menu = g_menu_new ();
  g_autoptr (GMenu) first = g_menu_new (), modes = g_menu_new (), last = g_menu_new ();

  g_menu_append (modes, _ ("_Vary"), "win.vary-picture");
  g_menu_append (modes, _ ("_Edit Here"), "win.edit-picture");
  g_menu_append (modes, _ ("E_xtend"), "win.extend-picture");
  g_menu_append (modes, _ ("Change by _Instruction"), "win.instruct-picture");

  g_menu_append (first, _ ("_Use These Settings"), "win.use-settings");
  g_menu_append (first, _ ("_Pin for Comparing"), "win.pin-picture");
  g_menu_append (first, _ ("C_opy"), "win.copy-picture");
  g_menu_append (first, _ ("_Save a Copy…"), "win.save-copy");
  g_menu_append (last, _ ("Move to the _Trash"), "win.trash-picture");
  g_menu_append_section (menu, NULL, G_MENU_MODEL (modes));
  g_menu_append_section (menu, NULL, G_MENU_MODEL (first));
  g_menu_append_section (menu, NULL, G_MENU_MODEL (last));
  return G_MENU_MODEL (menu);
}

static GtkWidget *
make_menu (AppHistory *self)
{
  g_autoptr (GMenuModel) menu = app_history_menu ();
  GtkWidget *popover = gtk_popover_menu_new_from_model (menu);

  gtk_widget_set_parent (popover, GTK_WIDGET (self));
  gtk_popover_set_has_arrow (GTK_POPOVER (popover), FALSE);
  return popover;
}

static void
app_history_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  AppHistory *self = APP_HISTORY (widget);

  gtk_widget_size_allocate (self->scroller, &(GtkAllocation){ 0, 0, width, height },
                            baseline);
  gtk_popover_present (GTK_POPOVER (self->menu));
}

static void
app_history_measure (GtkWidget *widget,
                     GtkOrientation orientation,
                     int for_size,
                     int *minimum,
                     int *natural,
                     int *minimum_baseline,
                     int *natural_baseline)
{
  gtk_widget_measure (APP_HISTORY (widget)->scroller, orientation, for_size, minimum,
                      natural, minimum_baseline, natural_baseline);
}

static void
app_history_dispose (GObject *object)
{
  AppHistory *self = APP_HISTORY (object);

  g_clear_pointer (&self->menu, gtk_widget_unparent);
  g_clear_pointer (&self->scroller, gtk_widget_unparent);
  G_OBJECT_CLASS (app_history_parent_class)->dispose (object);
}

static void
app_history_class_init (AppHistoryClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = app_history_dispose;
  widget_class->measure = app_history_measure;
  widget_class->size_allocate = app_history_size_allocate;
  selected_signal = g_signal_new ("selected", APP_TYPE_HISTORY, G_SIGNAL_RUN_LAST, 0,
                                  NULL, NULL, NULL, G_TYPE_NONE, 1, APP_TYPE_PICTURE);
}

static void
app_history_init (AppHistory *self)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  GtkEventController *keys = gtk_event_controller_key_new ();

  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_key), self);
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
  self->selection = gtk_single_selection_new (NULL);
  gtk_single_selection_set_autoselect (self->selection, FALSE);
  gtk_single_selection_set_can_unselect (self->selection, TRUE);
  g_signal_connect_swapped (self->selection, "notify::selected-item",
                            G_CALLBACK (on_selected), self);
  g_signal_connect (factory, "setup", G_CALLBACK (on_setup), self);
  g_signal_connect (factory, "bind", G_CALLBACK (on_bind), self);
  g_signal_connect (factory, "unbind", G_CALLBACK (on_unbind), self);
  self->grid = GTK_GRID_VIEW (
      gtk_grid_view_new (GTK_SELECTION_MODEL (self->selection), factory));
  gtk_widget_add_css_class (GTK_WIDGET (self->grid), "app-history");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->grid),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("History"), -1);
  self->scroller = gtk_scrolled_window_new ();
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (self->scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (self->scroller),
                                 GTK_WIDGET (self->grid));
  gtk_widget_set_parent (self->scroller, GTK_WIDGET (self));
  self->menu = make_menu (self);
}

GtkWidget *
app_history_new (void)
{
  return g_object_new (APP_TYPE_HISTORY, NULL);
}
