/* app-stage.c: see app-stage.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-stage.h"

#include <glib/gi18n.h>
#include <math.h>

#include "app/app-compat.h"
#include "app/app-wrap.h"

#define SHORT_REST 2.0 /* seconds under which no countdown is shown */

struct _AppStage
{
  GtkWidget parent_instance;

  GtkWidget *box, *stack, *sheet, *foot, *after, *line;
  GtkWidget *empty_title, *empty_text;
  GtkWidget *status, *stop, *message, *go_on, *keep, *discard, *details, *warning;
  AppCanvas *canvas;
  AppScrubber *scrubber;
  AppJob *job;
};

G_DEFINE_FINAL_TYPE (AppStage, app_stage, GTK_TYPE_WIDGET)

enum
{
  SIGNAL_SHEET_CHOSEN,
  SIGNAL_STEP_CHOSEN,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

/* ---- words ---- */

static char *
loading_text (guint64 done, guint64 total)
{
  g_autofree char *of = g_format_size (total), *now = g_format_size (done);

  /* Translators: sizes: “Loading the model, 1.2 GB of 2.1 GB” */
  return g_strdup_printf (_ ("Loading the model, %s of %s"), now, of);
}

static char *
step_text (AppJob *job)
{
  guint step = app_job_get_step (job), n = app_job_get_n_steps (job);
  double rest = app_job_get_seconds_per_step (job) * (n - step);

  if (rest >= 90)
    /* Translators: steps made / all steps, minutes that remain */
    return g_strdup_printf (_ ("\u2066%u / %u\u2069 · %.0f min"), step, n,
                            ceil (rest / 60));
  if (rest >= SHORT_REST)
    /* Translators: steps made / all steps, seconds that remain */
    return g_strdup_printf (_ ("\u2066%u / %u\u2069 · %.0f s"), step, n, ceil (rest));
  return g_strdup_printf ("\u2066%u / %u\u2069", step, n);
}

char *
app_stage_status_text (AppJob *job)
{
  guint64 done, total;
  const char *stage = app_job_get_stage (job, &done, &total);

  if (app_job_get_state (job) == APP_JOB_WAITING)
    return g_strdup (_ ("Waiting"));
  if (app_job_get_state (job) != APP_JOB_RUNNING)
    return g_strdup_printf ("\u2066%u / %u\u2069", app_job_get_step (job),
                            app_job_get_n_steps (job));
  if (g_str_equal (stage, "weights"))
    return loading_text (done, total);
  if (g_str_equal (stage, "kernels"))
    return g_strdup_printf (_ ("Compiling shaders, %u of %u, once for this device"),
                            (guint) done, (guint) total);
  if (g_str_equal (stage, "text"))
    return g_strdup (_ ("Reading the prompt"));
  if (g_str_equal (stage, "decode"))
    return g_strdup (_ ("Developing the picture"));
  if (app_job_get_step (job) > 0)
    return step_text (job);
  return g_strdup (_ ("Starting"));
}

static char *
ended_text (AppJob *job)
{
  const GError *error = app_job_get_error (job);

  if (app_job_get_state (job) == APP_JOB_FAILED)
    return g_strdup (error != NULL ? error->message
                                   : _ ("The picture could not be made."));
  return g_strdup_printf (_ ("Stopped at \u2066%u of %u\u2069"), app_job_get_step (job),
                          app_job_get_n_steps (job));
}

/* ---- the foot ---- */

static void
show_after (AppStage *self)
{
  AppJobState state = self->job != NULL ? app_job_get_state (self->job) : APP_JOB_DONE;
  gboolean failed = state == APP_JOB_FAILED, ended = failed || state == APP_JOB_STOPPED;

  gtk_widget_set_visible (self->after, ended);
  if (!ended)
    return;
  g_autofree char *text = ended_text (self->job);
  gtk_label_set_text (GTK_LABEL (self->message), text);
  gtk_widget_set_visible (self->details, failed);
  gtk_widget_set_visible (self->warning, failed);
  gtk_button_set_label (GTK_BUTTON (self->go_on),
                        failed ? _ ("Try Again") : _ ("Continue"));
  gtk_widget_set_visible (self->keep, app_job_get_step (self->job) > 0
                                          && app_job_get_run_state (self->job) != NULL);
}

static void
update_foot (AppStage *self)
{
  g_autofree char *text = NULL;
  gboolean active = FALSE;

  if (self->job != NULL)
    {
      AppJobState state = app_job_get_state (self->job);

      active = state == APP_JOB_RUNNING || state == APP_JOB_WAITING;
      text = app_stage_status_text (self->job);
      app_scrubber_set_steps (self->scrubber, app_job_get_n_steps (self->job),
                              app_job_get_step (self->job));
    }
  gtk_label_set_text (GTK_LABEL (self->status), text != NULL ? text : "");
  /* The place of the button stays when it goes. */
  gtk_widget_set_opacity (self->stop, active ? 1 : 0);
  gtk_widget_set_sensitive (self->stop, active);
  gtk_widget_set_sensitive (GTK_WIDGET (self->scrubber), self->job != NULL);
  show_after (self);
}

static void
on_step (AppJob *job, guint step, AppStage *self)
{
  app_scrubber_set_thumbnail (self->scrubber, step, app_job_get_preview (job, 0, step));
  update_foot (self);
}

static void
on_sharpened (AppJob *job, guint step, AppStage *self)
{
  app_scrubber_set_thumbnail (self->scrubber, step, app_job_get_preview (job, 0, step));
}

void
app_stage_set_job (AppStage *self, AppJob *job)
{
  if (self->job == job)
    {
      update_foot (self);
      return;
    }
  if (self->job != NULL)
    g_signal_handlers_disconnect_by_data (self->job, self);
  g_set_object (&self->job, job);
  app_scrubber_clear (self->scrubber);
  if (job != NULL)
    {
      g_signal_connect_object (job, "state-changed", G_CALLBACK (update_foot), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (job, "progress", G_CALLBACK (update_foot), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (job, "step", G_CALLBACK (on_step), self, 0);
      g_signal_connect_object (job, "sharpened", G_CALLBACK (on_sharpened), self, 0);
      app_scrubber_set_steps (self->scrubber, app_job_get_n_steps (job),
                              app_job_get_step (job));
      for (guint i = 1; i <= app_job_get_step (job); i++)
        app_scrubber_set_thumbnail (self->scrubber, i, app_job_get_preview (job, 0, i));
    }
  update_foot (self);
}

/* ---- the picture ---- */

void
app_stage_show_picture (AppStage *self,
                        GdkTexture *texture,
                        guint width,
                        guint height,
                        AppCanvasChange change)
{
  app_canvas_set_picture (self->canvas, texture, (int) width, (int) height, change);
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
}

void
app_stage_set_line (AppStage *self, const char *text)
{
  gtk_label_set_text (GTK_LABEL (self->line), text != NULL ? text : "");
  gtk_widget_set_visible (self->line, text != NULL);
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
  gtk_widget_set_visible (self->foot, !alone);
}

AppCanvas *
app_stage_get_canvas (AppStage *self)
{
  return self->canvas;
}

AppScrubber *
app_stage_get_scrubber (AppStage *self)
{
  return self->scrubber;
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

static void
on_details (GtkButton *button, AppStage *self)
{
  const GError *error = app_job_get_error (self->job);
  g_autofree char *text = NULL;

  if (error == NULL)
    return;
  text = g_strdup_printf (
      "Calotype %s\n%s\n%s %d: %s\n", BASE_VERSION,
      app_job_get_device (self->job) != NULL ? app_job_get_device (self->job) : "",
      g_quark_to_string (error->domain), error->code, error->message);
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), text);
  app_compat_announce (GTK_WIDGET (self), _ ("Copied"));
}

static GtkWidget *
make_button (const char *label, const char *action)
{
  GtkWidget *button = gtk_button_new_with_label (label);

  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  return button;
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
  gtk_stack_add_named (GTK_STACK (self->stack), GTK_WIDGET (self->canvas), "canvas");
  gtk_stack_add_named (GTK_STACK (self->stack), self->sheet, "sheet");
  gtk_widget_set_vexpand (self->stack, TRUE);
  gtk_widget_add_css_class (self->stack, "app-stage");
  return self->stack;
}

static GtkWidget *
make_after (AppStage *self)
{
  GtkWidget *buttons = app_wrap_new (6, 6, FALSE);

  self->after = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  self->message = gtk_label_new ("");
  gtk_label_set_wrap (GTK_LABEL (self->message), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (self->message), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (GTK_LABEL (self->message), 0);
  gtk_label_set_selectable (GTK_LABEL (self->message), TRUE);
  gtk_widget_set_hexpand (self->message, TRUE);
  self->go_on = make_button (_ ("Continue"), "win.continue");
  self->keep = make_button (_ ("Keep Preview"), "win.keep-preview");
  self->discard = make_button (_ ("Discard"), "win.discard");
  self->details = gtk_button_new_with_label (_ ("Copy Details"));
  g_signal_connect (self->details, "clicked", G_CALLBACK (on_details), self);
  /* The icon stands with the buttons: a box of an icon and a wrapped label gets its
   * height wrong by a pixel in GTK 4.8. */
  self->warning = gtk_image_new_from_icon_name ("dialog-warning-symbolic");
  app_wrap_append (APP_WRAP (buttons), self->warning);
  app_wrap_append (APP_WRAP (buttons), self->details);
  app_wrap_append (APP_WRAP (buttons), self->go_on);
  app_wrap_append (APP_WRAP (buttons), self->keep);
  app_wrap_append (APP_WRAP (buttons), self->discard);
  gtk_box_append (GTK_BOX (self->after), self->message);
  gtk_box_append (GTK_BOX (self->after), buttons);
  gtk_widget_set_visible (self->after, FALSE);
  return self->after;
}

static GtkWidget *
make_foot (AppStage *self)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);

  self->foot = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  self->line = gtk_label_new ("");
  gtk_label_set_ellipsize (GTK_LABEL (self->line), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (self->line, "caption");
  gtk_widget_set_visible (self->line, FALSE);
  self->scrubber = APP_SCRUBBER (app_scrubber_new ());
  g_signal_connect (self->scrubber, "position-changed", G_CALLBACK (on_position), self);
  self->status = gtk_label_new ("");
  gtk_label_set_width_chars (GTK_LABEL (self->status), 12);
  gtk_label_set_xalign (GTK_LABEL (self->status), 1);
  gtk_label_set_ellipsize (GTK_LABEL (self->status), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (self->status, "numeric");
  self->stop = make_button (_ ("Stop"), "win.stop");
  gtk_box_append (GTK_BOX (row), GTK_WIDGET (self->scrubber));
  gtk_box_append (GTK_BOX (row), self->status);
  gtk_box_append (GTK_BOX (row), self->stop);
  gtk_box_append (GTK_BOX (self->foot), self->line);
  gtk_box_append (GTK_BOX (self->foot), row);
  gtk_box_append (GTK_BOX (self->foot), make_after (self));
  gtk_widget_add_css_class (self->foot, "app-foot");
  return self->foot;
}

static void
app_stage_dispose (GObject *object)
{
  AppStage *self = APP_STAGE (object);

  if (self->job != NULL)
    g_signal_handlers_disconnect_by_data (self->job, self);
  g_clear_object (&self->job);
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
  gtk_box_append (GTK_BOX (self->box), make_foot (self));
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  update_foot (self);
}

GtkWidget *
app_stage_new (void)
{
  return g_object_new (APP_TYPE_STAGE, NULL);
}
