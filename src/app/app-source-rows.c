/* app-source-rows.c: see app-source-rows.h
 *
 * One grid for all modes, of which each shows its rows. A picture's thumbnail is made on
 * a thread: a source may have sixty million pixels.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-source-rows.h"

#include "app/app-texture.h"

#include <glib/gi18n.h>
#include <math.h>

#define THUMB 48

typedef enum
{
  ROW_STRENGTH,
  ROW_MASKED,
  ROW_ONLY,
  ROW_PADDING,
  ROW_SOFT,
  ROW_ACROSS,
  ROW_DOWN,
  ROW_GUIDANCE,
  ROW_RESIZE,
  N_ROWS
} Row;

struct _AppSourceRows
{
  GtkWidget parent_instance;

  GtkWidget *box, *grid, *picture, *edit;
  GtkLabel *title, *name;
  GtkWidget *names[N_ROWS], *values[N_ROWS];
  GtkSpinButton *strength, *padding, *extend[4], *guidance;
  GtkCheckButton *only, *soft;
  GtkDropDown *masked, *resize;
  AppSession *session;
  ImageBuffer *shown; /* whose thumbnail it is */
  gboolean filling;
};

G_DEFINE_FINAL_TYPE (AppSourceRows, app_source_rows, GTK_TYPE_WIDGET)

AppMode
app_mode_of (const SdParams *params)
{
  const SdSource *source = params != NULL ? params->source : NULL;

  if (source == NULL)
    return APP_MODE_NEW;
  if (source->instruct)
    return APP_MODE_INSTRUCT;
  if (source->extend[0] + source->extend[1] + source->extend[2] + source->extend[3] > 0)
    return APP_MODE_EXTEND;
  return source->mask != NULL ? APP_MODE_EDIT : APP_MODE_VARY;
}

static const char *
mode_title (AppMode mode)
{
  switch (mode)
    {
    case APP_MODE_VARY:
      return _ ("Varied from");
    case APP_MODE_EDIT:
      return _ ("Edited in");
    case APP_MODE_EXTEND:
      return _ ("Extended from");
    case APP_MODE_INSTRUCT:
      return _ ("Changed from");
    case APP_MODE_NEW:
    default:
      return "";
    }
}

/* ---- the thumbnail ---- */

static void
shrink_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const ImageBuffer *image = data;
  guint longer = MAX (image->width, image->height);
  g_autoptr (ImageBuffer) small
      = image_buffer_resize (image, MAX (1, image->width * 2 * THUMB / longer),
                             MAX (1, image->height * 2 * THUMB / longer));

  g_task_return_pointer (task, small != NULL ? app_texture_from_image (small) : NULL,
                         g_object_unref);
}

static void
on_shrunk (GObject *source, GAsyncResult *result, gpointer unused)
{
  AppSourceRows *self = APP_SOURCE_ROWS (source);
  g_autoptr (GdkTexture) texture = g_task_propagate_pointer (G_TASK (result), NULL);

  if (g_task_get_task_data (G_TASK (result)) == self->shown)
    gtk_image_set_from_paintable (GTK_IMAGE (self->picture), GDK_PAINTABLE (texture));
}

static void
show_picture (AppSourceRows *self, const SdSource *source)
{
  g_autoptr (GTask) task = NULL;

  if (self->shown == source->image)
    return;
  image_buffer_free (self->shown);
  self->shown = image_buffer_ref (source->image);
  gtk_image_clear (GTK_IMAGE (self->picture));
  task = g_task_new (self, NULL, on_shrunk, NULL);
  g_task_set_task_data (task, image_buffer_ref (source->image),
                        (GDestroyNotify) image_buffer_free);
  g_task_run_in_thread (task, shrink_thread);
}

/* ---- from the session ---- */

static gboolean
proportions_differ (const SdParams *params)
{
  const ImageBuffer *image = params->source->image;
  double there = (double) image->width / image->height;
  double here = (double) params->width / params->height;

  return fabs (there / here - 1) > 0.02;
}

static void
show_rows (AppSourceRows *self, AppMode mode, const SdParams *params)
{
  gboolean edit = mode == APP_MODE_EDIT, extend = mode == APP_MODE_EXTEND;
  gboolean seen[N_ROWS] = {
    [ROW_STRENGTH] = mode != APP_MODE_INSTRUCT,
    [ROW_MASKED] = edit || extend,
    [ROW_ONLY] = edit || extend,
    [ROW_PADDING] = (edit || extend) && params->source->only_masked,
    [ROW_SOFT] = edit,
    [ROW_ACROSS] = extend,
    [ROW_DOWN] = extend,
    [ROW_GUIDANCE] = mode == APP_MODE_INSTRUCT,
    [ROW_RESIZE]
    = (mode == APP_MODE_VARY || mode == APP_MODE_INSTRUCT) && proportions_differ (params),
  };

  for (guint i = 0; i < N_ROWS; i++)
    {
      gtk_widget_set_visible (self->names[i], seen[i]);
      gtk_widget_set_visible (self->values[i], seen[i]);
    }
  gtk_widget_set_visible (self->edit, edit || extend);
  gtk_button_set_label (GTK_BUTTON (self->edit),
                        edit ? _ ("Edit Mask") : _ ("Drag the Frame"));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->edit),
                                  edit ? "win.edit-mask" : "win.edit-extent");
}

static void
show_params (AppSourceRows *self)
{
  const SdParams *params = app_session_get_params (self->session);
  const SdSource *source = params != NULL ? params->source : NULL;
  AppMode mode = app_mode_of (params);
  g_autofree char *name = NULL, *text = NULL;

  gtk_widget_set_visible (self->box, source != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self), source != NULL);
  if (source == NULL)
    {
      g_clear_pointer (&self->shown, image_buffer_free);
      return;
    }
  self->filling = TRUE;
  show_picture (self, source);
  gtk_label_set_text (self->title, mode_title (mode));
  name = source->path != NULL ? g_filename_display_basename (source->path)
                              : g_strdup (_ ("a picture"));
  text = g_strdup_printf ("%s · \u2066%u × %u\u2069", name, source->image->width,
                          source->image->height);
  gtk_label_set_text (self->name, name);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->name), text);
  gtk_spin_button_set_value (self->strength, source->strength);
  gtk_drop_down_set_selected (self->masked, source->masked);
  gtk_check_button_set_active (self->only, source->only_masked);
  gtk_spin_button_set_value (self->padding, source->padding);
  gtk_check_button_set_active (self->soft, source->soft);
  for (guint i = 0; i < 4; i++)
    gtk_spin_button_set_value (self->extend[i], source->extend[i]);
  gtk_spin_button_set_value (self->guidance, source->image_cfg);
  gtk_drop_down_set_selected (self->resize, source->resize);
  show_rows (self, mode, params);
  self->filling = FALSE;
}

/* ---- to the session ---- */

static void
take (AppSourceRows *self, GtkWidget *widget)
{
  const SdParams *params
      = self->session != NULL ? app_session_get_params (self->session) : NULL;
  g_autoptr (SdParams) edited = NULL;
  SdSource *source;

  if (self->filling || params == NULL || params->source == NULL)
    return;
  source = sd_source_copy (params->source);
  source->strength = round (gtk_spin_button_get_value (self->strength) * 100) / 100;
  source->masked = (SdMasked) gtk_drop_down_get_selected (self->masked);
  source->only_masked = gtk_check_button_get_active (self->only);
  source->padding = (guint) gtk_spin_button_get_value_as_int (self->padding);
  source->soft = gtk_check_button_get_active (self->soft);
  for (guint i = 0; i < 4; i++)
    source->extend[i]
        = (guint) gtk_spin_button_get_value_as_int (self->extend[i]) / 8 * 8;
  source->image_cfg = round (gtk_spin_button_get_value (self->guidance) * 10) / 10;
  source->resize = (SdResize) gtk_drop_down_get_selected (self->resize);
  edited = sd_params_copy (params);
  sd_source_unref (edited->source);
  edited->source = source;
  app_session_edit (self->session, "source", edited);
}

static void
on_value (GtkSpinButton *spin, AppSourceRows *self)
{
  take (self, GTK_WIDGET (spin));
}

static void
on_toggled (GtkCheckButton *check, AppSourceRows *self)
{
  take (self, GTK_WIDGET (check));
}

static void
on_selected (GtkDropDown *drop, GParamSpec *property, AppSourceRows *self)
{
  take (self, GTK_WIDGET (drop));
}

/* ---- building ---- */

/* The wheel scrolls the panel, never a number under the pointer. */
static void
leave_wheel (GtkWidget *widget)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);

      if (GTK_IS_EVENT_CONTROLLER_SCROLL (controller))
        gtk_event_controller_set_propagation_phase (controller, GTK_PHASE_NONE);
    }
}

static GtkSpinButton *
make_spin (AppSourceRows *self,
           double low,
           double high,
           double step,
           guint digits,
           const char *name)
{
  GtkWidget *spin = gtk_spin_button_new_with_range (low, high, step);

  gtk_spin_button_set_digits (GTK_SPIN_BUTTON (spin), digits);
  gtk_spin_button_set_numeric (GTK_SPIN_BUTTON (spin), TRUE);
  gtk_editable_set_width_chars (GTK_EDITABLE (spin), 3);
  gtk_accessible_update_property (GTK_ACCESSIBLE (spin), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  name, -1);
  leave_wheel (spin);
  g_signal_connect (spin, "value-changed", G_CALLBACK (on_value), self);
  return GTK_SPIN_BUTTON (spin);
}

static GtkCheckButton *
make_check (AppSourceRows *self, const char *name, const char *tip)
{
  GtkWidget *check = gtk_check_button_new_with_mnemonic (name);

  gtk_widget_set_tooltip_text (check, tip);
  g_signal_connect (check, "toggled", G_CALLBACK (on_toggled), self);
  return GTK_CHECK_BUTTON (check);
}

static GtkDropDown *
make_choice (AppSourceRows *self, const char *const *choices, const char *name)
{
  g_autoptr (GtkStringList) list = gtk_string_list_new (NULL);
  GtkWidget *drop;

  for (guint i = 0; choices[i] != NULL; i++)
    gtk_string_list_append (list, _ (choices[i]));
  drop = gtk_drop_down_new (G_LIST_MODEL (g_steal_pointer (&list)), NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (drop), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  name, -1);
  g_signal_connect (drop, "notify::selected", G_CALLBACK (on_selected), self);
  return GTK_DROP_DOWN (drop);
}

static void
add_row (
    AppSourceRows *self, Row row, const char *name, GtkWidget *target, GtkWidget *value)
{
  self->names[row] = gtk_label_new_with_mnemonic (name);
  self->values[row] = value;
  gtk_label_set_xalign (GTK_LABEL (self->names[row]), 0);
  gtk_label_set_mnemonic_widget (GTK_LABEL (self->names[row]), target);
  gtk_widget_set_hexpand (value, TRUE);
  gtk_grid_attach (GTK_GRID (self->grid), self->names[row], 0, (int) row, 1, 1);
  gtk_grid_attach (GTK_GRID (self->grid), value, 1, (int) row, 1, 1);
}

static GtkWidget *
pair (GtkWidget *first, GtkWidget *second)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  gtk_widget_set_hexpand (first, TRUE);
  gtk_widget_set_hexpand (second, TRUE);
  gtk_box_append (GTK_BOX (box), first);
  gtk_box_append (GTK_BOX (box), second);
  return box;
}

static void
add_mask_rows (AppSourceRows *self)
{
  static const char *const masked[]
      = { N_ ("As it is"), N_ ("Filled"), N_ ("Noise"), N_ ("Nothing"), NULL };

  self->masked = make_choice (self, masked, _ ("What stands under the mask at first"));
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->masked),
                               _ ("What stands under the mask at first"));
  self->only
      = make_check (self, _ ("Only masked"),
                    _ ("Makes the masked part alone, at the full size, and puts it "
                       "back into the picture"));
  self->padding = make_spin (self, 0, 256, 8, 0, _ ("Pixels around the masked part"));
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->padding),
                               _ ("Pixels around the masked part"));
  self->soft = make_check (self, _ ("Soft"),
                           _ ("Greys of the mask let as much of the picture through at "
                              "each step"));
  add_row (self, ROW_MASKED, _ ("_Masked"), GTK_WIDGET (self->masked),
           GTK_WIDGET (self->masked));
  add_row (self, ROW_ONLY, _ ("Ar_ea"), GTK_WIDGET (self->only), GTK_WIDGET (self->only));
  add_row (self, ROW_PADDING, _ ("Ar_ound it"), GTK_WIDGET (self->padding),
           GTK_WIDGET (self->padding));
  add_row (self, ROW_SOFT, _ ("Ed_ge"), GTK_WIDGET (self->soft), GTK_WIDGET (self->soft));
}

static void
add_rows (AppSourceRows *self)
{
  static const char *const resize[]
      = { N_ ("Cropped"), N_ ("Filled up"), N_ ("Stretched"), NULL };
  const char *sides[4] = { _ ("New pixels on the left"), _ ("New pixels above"),
                           _ ("New pixels on the right"), _ ("New pixels below") };

  self->strength = make_spin (self, 0, 1, 0.05, 2, _ ("Strength"));
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->strength),
                               _ ("How far the new picture may go from the old one"));
  add_row (self, ROW_STRENGTH, _ ("S_trength"), GTK_WIDGET (self->strength),
           GTK_WIDGET (self->strength));
  add_mask_rows (self);
  for (guint i = 0; i < 4; i++)
    {
      self->extend[i] = make_spin (self, 0, 4096, 8, 0, sides[i]);
      gtk_widget_add_css_class (GTK_WIDGET (self->extend[i]), "app-slim");
      gtk_widget_set_tooltip_text (GTK_WIDGET (self->extend[i]), sides[i]);
    }
  /* Left stays on the left in every language: they are sides of a picture. */
  GtkWidget *across = pair (GTK_WIDGET (self->extend[0]), GTK_WIDGET (self->extend[2]));
  gtk_widget_set_direction (across, GTK_TEXT_DIR_LTR);
  add_row (self, ROW_ACROSS, _ ("Left, right"), GTK_WIDGET (self->extend[0]), across);
  add_row (self, ROW_DOWN, _ ("Above, below"), GTK_WIDGET (self->extend[1]),
           pair (GTK_WIDGET (self->extend[1]), GTK_WIDGET (self->extend[3])));
  self->guidance = make_spin (self, 1, 10, 0.1, 1, _ ("Guidance by the picture"));
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->guidance),
                               _ ("How closely the new picture follows the old one"));
  add_row (self, ROW_GUIDANCE, _ ("Li_keness"), GTK_WIDGET (self->guidance),
           GTK_WIDGET (self->guidance));
  self->resize = make_choice (self, resize, _ ("How the picture is brought to the size"));
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->resize),
                               _ ("How the picture is brought to the size"));
  add_row (self, ROW_RESIZE, _ ("_Fitted"), GTK_WIDGET (self->resize),
           GTK_WIDGET (self->resize));
}

static GtkWidget *
make_head (AppSourceRows *self)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9);
  GtkWidget *words = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *remove = gtk_button_new_from_icon_name ("window-close-symbolic");

  self->picture = gtk_image_new ();
  gtk_image_set_pixel_size (GTK_IMAGE (self->picture), THUMB);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->picture),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("The picture to begin from"), -1);
  self->title = GTK_LABEL (gtk_label_new (""));
  self->name = GTK_LABEL (gtk_label_new (""));
  gtk_label_set_xalign (self->title, 0);
  gtk_label_set_xalign (self->name, 0);
  gtk_label_set_ellipsize (self->title, PANGO_ELLIPSIZE_END);
  gtk_label_set_ellipsize (self->name, PANGO_ELLIPSIZE_MIDDLE);
  gtk_widget_add_css_class (GTK_WIDGET (self->name), "caption");
  gtk_widget_add_css_class (GTK_WIDGET (self->name), "dim-label");
  gtk_widget_add_css_class (GTK_WIDGET (self->name), "numeric");
  gtk_box_append (GTK_BOX (words), GTK_WIDGET (self->title));
  gtk_box_append (GTK_BOX (words), GTK_WIDGET (self->name));
  gtk_widget_set_valign (words, GTK_ALIGN_CENTER);
  gtk_widget_set_hexpand (words, TRUE);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (remove), "win.remove-source");
  gtk_widget_set_tooltip_text (remove, _ ("Begin from words alone"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (remove), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Begin from words alone"), -1);
  gtk_widget_add_css_class (remove, "flat");
  gtk_widget_add_css_class (remove, "circular");
  gtk_widget_set_valign (remove, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (row), self->picture);
  gtk_box_append (GTK_BOX (row), words);
  gtk_box_append (GTK_BOX (row), remove);
  return row;
}

/* ---- life ---- */

void
app_source_rows_set_session (AppSourceRows *self, AppSession *session)
{
  g_set_object (&self->session, session);
  g_signal_connect_object (session, "params-changed", G_CALLBACK (show_params), self,
                           G_CONNECT_SWAPPED);
  show_params (self);
}

GPtrArray *
app_source_rows_get_names (AppSourceRows *self)
{
  GPtrArray *names = g_ptr_array_new ();

  for (guint i = 0; i < N_ROWS; i++)
    g_ptr_array_add (names, self->names[i]);
  return names;
}

static void
app_source_rows_dispose (GObject *object)
{
  AppSourceRows *self = APP_SOURCE_ROWS (object);

  g_clear_pointer (&self->box, gtk_widget_unparent);
  g_clear_pointer (&self->shown, image_buffer_free);
  g_clear_object (&self->session);
  G_OBJECT_CLASS (app_source_rows_parent_class)->dispose (object);
}

static void
app_source_rows_class_init (AppSourceRowsClass *class)
{
  G_OBJECT_CLASS (class)->dispose = app_source_rows_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (class),
                                            GTK_TYPE_BIN_LAYOUT);
}

static void
app_source_rows_init (AppSourceRows *self)
{
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 9);
  self->grid = gtk_grid_new ();
  gtk_grid_set_row_spacing (GTK_GRID (self->grid), 6);
  gtk_grid_set_column_spacing (GTK_GRID (self->grid), 12);
  self->edit = gtk_button_new_with_label ("");
  gtk_box_append (GTK_BOX (self->box), make_head (self));
  gtk_box_append (GTK_BOX (self->box), self->edit);
  add_rows (self);
  gtk_box_append (GTK_BOX (self->box), self->grid);
  gtk_widget_add_css_class (self->box, "app-source");
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}

GtkWidget *
app_source_rows_new (void)
{
  return g_object_new (APP_TYPE_SOURCE_ROWS, NULL);
}
