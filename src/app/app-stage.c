/* app-stage.c: see app-stage.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-stage.h"

#include <glib/gi18n.h>
#include <math.h>

struct _AppStage
{
  GtkWidget parent_instance;

  GtkWidget *box, *stack, *sheet, *menu, *over, *bars;
  GtkWidget *empty_title, *empty_text;
  AppCanvas *canvas;
  AppFoot *foot;
};

G_DEFINE_FINAL_TYPE (AppStage, app_stage, GTK_TYPE_WIDGET)

enum
{
  SIGNAL_SHEET_CHOSEN,
  SIGNAL_STEP_CHOSEN,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

/* ---- the picture ---- */

void
app_stage_show_picture (AppStage *self,
                        GdkTexture *texture,
                        guint width,
                        guint height,
                        AppCanvasChange change)
{
  app_canvas_set_picture (self->canvas, texture, (int) width, (int) height, change);
  app_foot_show_menu (self->foot, texture != NULL);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack),
                                    texture != NULL ? "canvas" : "empty");
}

/* As many columns as make the sheet's cells largest: about the square root. */
static void
fit_sheet (AppStage *self, guint n)
{
  guint columns = (guint) ceil (sqrt (n));

  gtk_flow_box_set_min_children_per_line (GTK_FLOW_BOX (self->sheet), columns);
  gtk_flow_box_set_max_children_per_line (GTK_FLOW_BOX (self->sheet), columns);
}

static GtkWidget *
make_cell (guint i)
{
  GtkWidget *picture = gtk_picture_new ();
  g_autofree char *name = g_strdup_printf (_ ("Picture %u"), i + 1);

  gtk_widget_set_hexpand (picture, TRUE);
  gtk_widget_set_vexpand (picture, TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (picture), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  name, -1);
  return picture;
}

void
app_stage_show_sheet (AppStage *self, AppJob *job, guint step)
{
  guint n = app_job_get_params (job)->batch;
  guint at = step > 0 ? step : app_job_get_step (job), have = 0;

  while (gtk_flow_box_get_child_at_index (GTK_FLOW_BOX (self->sheet), (int) have) != NULL)
    have++;
  for (; have > n; have--)
    gtk_flow_box_remove (GTK_FLOW_BOX (self->sheet),
                         GTK_WIDGET (gtk_flow_box_get_child_at_index (
                             GTK_FLOW_BOX (self->sheet), (int) have - 1)));
  for (; have < n; have++)
    gtk_flow_box_append (GTK_FLOW_BOX (self->sheet), make_cell (have));
  fit_sheet (self, n);
  for (guint i = 0; i < n; i++)
    {
      GtkFlowBoxChild *child
          = gtk_flow_box_get_child_at_index (GTK_FLOW_BOX (self->sheet), (int) i);
      GdkTexture *texture = step == 0 ? app_job_get_picture (job, i) : NULL;

      if (texture == NULL)
        texture = app_job_get_preview (job, i, at);
      gtk_picture_set_paintable (GTK_PICTURE (gtk_flow_box_child_get_child (child)),
                                 GDK_PAINTABLE (texture));
    }
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), "sheet");
  app_foot_show_menu (self->foot, FALSE);
}

void
app_stage_set_empty (AppStage *self, const char *title, const char *text)
{
  gtk_label_set_text (GTK_LABEL (self->empty_title), title);
  gtk_label_set_text (GTK_LABEL (self->empty_text), text);
}

void
app_stage_set_alone (AppStage *self, gboolean alone)
{
  gtk_widget_set_visible (GTK_WIDGET (self->foot), !alone);
  gtk_widget_set_visible (self->bars, !alone);
}

void
app_stage_add_over (AppStage *self, GtkWidget *widget)
{
  gtk_widget_set_visible (widget, FALSE);
  gtk_overlay_add_overlay (GTK_OVERLAY (self->over), widget);
}

void
app_stage_add_bar (AppStage *self, const char *name, GtkWidget *bar)
{
  gtk_widget_set_valign (bar, GTK_ALIGN_CENTER);
  gtk_stack_add_named (GTK_STACK (self->bars), bar, name);
}

void
app_stage_show_bar (AppStage *self, const char *name)
{
  gtk_stack_set_visible_child_name (GTK_STACK (self->bars), name);
}

gboolean
app_stage_focus_picture (AppStage *self)
{
  if (gtk_widget_get_mapped (GTK_WIDGET (self->canvas)))
    return gtk_widget_grab_focus (GTK_WIDGET (self->canvas));
  return gtk_widget_get_mapped (self->sheet)
         && gtk_widget_child_focus (self->sheet, GTK_DIR_TAB_FORWARD);
}

static void
popup_menu (AppStage *self, double x, double y)
{
  graphene_point_t at;

  if (self->menu == NULL
      || !gtk_widget_compute_point (GTK_WIDGET (self->canvas), GTK_WIDGET (self),
                                    &GRAPHENE_POINT_INIT ((float) x, (float) y), &at))
    return;
  gtk_popover_set_pointing_to (GTK_POPOVER (self->menu),
                               &(GdkRectangle){ (int) at.x, (int) at.y, 1, 1 });
  gtk_popover_popup (GTK_POPOVER (self->menu));
}

static void
on_secondary (GtkGestureClick *gesture, int n, double x, double y, AppStage *self)
{
  popup_menu (self, x, y);
}

static gboolean
on_menu_key (GtkEventControllerKey *controller,
             guint key,
             guint code,
             GdkModifierType state,
             AppStage *self)
{
  GtkWidget *canvas = GTK_WIDGET (self->canvas);

  if (key != GDK_KEY_Menu && !(key == GDK_KEY_F10 && (state & GDK_SHIFT_MASK) != 0))
    return GDK_EVENT_PROPAGATE;
  popup_menu (self, gtk_widget_get_width (canvas) / 2.0,
              gtk_widget_get_height (canvas) / 2.0);
  return GDK_EVENT_STOP;
}

void
app_stage_set_menu (AppStage *self, GMenuModel *menu)
{
  GtkGesture *click = gtk_gesture_click_new ();
  GtkEventController *keys = gtk_event_controller_key_new ();

  app_foot_set_menu (self->foot, menu);
  self->menu = gtk_popover_menu_new_from_model (menu);
  gtk_widget_set_parent (self->menu, GTK_WIDGET (self));
  gtk_popover_set_has_arrow (GTK_POPOVER (self->menu), FALSE);
  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (click), GDK_BUTTON_SECONDARY);
  g_signal_connect (click, "pressed", G_CALLBACK (on_secondary), self);
  gtk_widget_add_controller (GTK_WIDGET (self->canvas), GTK_EVENT_CONTROLLER (click));
  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_menu_key), self);
  gtk_widget_add_controller (GTK_WIDGET (self->canvas), keys);
}

AppCanvas *
app_stage_get_canvas (AppStage *self)
{
  return self->canvas;
}

AppFoot *
app_stage_get_foot (AppStage *self)
{
  return self->foot;
}

/* ---- building ---- */

static void
on_sheet_activated (GtkFlowBox *sheet, GtkFlowBoxChild *child, AppStage *self)
{
  g_signal_emit (self, signals[SIGNAL_SHEET_CHOSEN], 0,
                 (guint) gtk_flow_box_child_get_index (child));
}

static void
on_position (AppScrubber *scrubber, guint step, AppStage *self)
{
  g_signal_emit (self, signals[SIGNAL_STEP_CHOSEN], 0, step);
}

static GtkWidget *
make_empty (AppStage *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);

  self->empty_title = gtk_label_new ("");
  gtk_widget_add_css_class (self->empty_title, "title-2");
  gtk_label_set_wrap (GTK_LABEL (self->empty_title), TRUE);
  gtk_label_set_justify (GTK_LABEL (self->empty_title), GTK_JUSTIFY_CENTER);
  self->empty_text = gtk_label_new ("");
  gtk_label_set_wrap (GTK_LABEL (self->empty_text), TRUE);
  gtk_label_set_justify (GTK_LABEL (self->empty_text), GTK_JUSTIFY_CENTER);
  gtk_label_set_max_width_chars (GTK_LABEL (self->empty_text), 48);
  gtk_box_append (GTK_BOX (box), self->empty_title);
  gtk_box_append (GTK_BOX (box), self->empty_text);
  gtk_widget_set_valign (box, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (box, "app-page");
  return box;
}

static GtkWidget *
make_stack (AppStage *self)
{
  self->stack = gtk_stack_new ();
  self->canvas = APP_CANVAS (app_canvas_new ());
  self->over = gtk_overlay_new ();
  gtk_overlay_set_child (GTK_OVERLAY (self->over), GTK_WIDGET (self->canvas));
  self->sheet = gtk_flow_box_new ();
  gtk_flow_box_set_homogeneous (GTK_FLOW_BOX (self->sheet), TRUE);
  gtk_flow_box_set_row_spacing (GTK_FLOW_BOX (self->sheet), 6);
  gtk_flow_box_set_column_spacing (GTK_FLOW_BOX (self->sheet), 6);
  gtk_flow_box_set_activate_on_single_click (GTK_FLOW_BOX (self->sheet), TRUE);
  g_signal_connect (self->sheet, "child-activated", G_CALLBACK (on_sheet_activated),
                    self);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->sheet),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Contact sheet"), -1);
  gtk_stack_add_named (GTK_STACK (self->stack), make_empty (self), "empty");
  gtk_stack_add_named (GTK_STACK (self->stack), self->over, "canvas");
  gtk_stack_add_named (GTK_STACK (self->stack), self->sheet, "sheet");
  gtk_widget_set_vexpand (self->stack, TRUE);
  gtk_widget_add_css_class (self->stack, "app-stage");
  return self->stack;
}

static void
app_stage_dispose (GObject *object)
{
  AppStage *self = APP_STAGE (object);

  g_clear_pointer (&self->menu, gtk_widget_unparent);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  G_OBJECT_CLASS (app_stage_parent_class)->dispose (object);
}

static void
app_stage_class_init (AppStageClass *class)
{
  G_OBJECT_CLASS (class)->dispose = app_stage_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (class),
                                            GTK_TYPE_BIN_LAYOUT);
  signals[SIGNAL_SHEET_CHOSEN]
      = g_signal_new ("sheet-chosen", APP_TYPE_STAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
  signals[SIGNAL_STEP_CHOSEN]
      = g_signal_new ("step-chosen", APP_TYPE_STAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
}

static void
app_stage_init (AppStage *self)
{
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  gtk_box_append (GTK_BOX (self->box), make_stack (self));
  self->bars = gtk_stack_new ();
  gtk_widget_add_css_class (self->bars, "app-bars");
  gtk_box_append (GTK_BOX (self->box), self->bars);
  self->foot = APP_FOOT (app_foot_new ());
  g_signal_connect (app_foot_get_scrubber (self->foot), "position-changed",
                    G_CALLBACK (on_position), self);
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->foot));
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
}

GtkWidget *
app_stage_new (void)
{
  return g_object_new (APP_TYPE_STAGE, NULL);
}
