/* app-form.c: see app-form.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-form.h"
#include "app/app-prediction.h"
#include "app/app-vae.h"

#include <glib/gi18n.h>
#include <math.h>

#include "app/app-compat.h"
#include "app/app-prompt.h"
#include "app/app-reading.h"
#include "app/app-size.h"
#include "app/app-source-rows.h"

#define SHOWN_EXAMPLES 3

struct _AppForm
{
  GtkWidget parent_instance;

  GtkWidget *box, *scroller, *content, *unknown, *examples, *grid, *more_grid;
  GtkTextView *prompt;
  GtkLabel *counter, *placeholder, *unknown_label, *more_label, *note;
  GtkEntry *negative, *seed;
  GtkMenuButton *size_button, *queue_button;
  GtkSpinButton *batch, *steps, *cfg;
  GtkDropDown *sampler, *schedule, *rng, *prediction, *vae, *weights, *clip_skip;
  GtkToggleButton *lock;
  GtkExpander *more;
  GtkWidget *generate;
  AppSize *size;
  AppPrompt *editor;
  AppSourceRows *source;
  GtkWidget *reset_size, *reset_steps, *reset_cfg, *reset_sampler;

  AppSession *session;
  gboolean filling;
};

G_DEFINE_FINAL_TYPE (AppForm, app_form, GTK_TYPE_WIDGET)

/* ---- from the session to the widgets ---- */

static void
set_entry (GtkEntry *entry, const char *text)
{
  if (g_strcmp0 (gtk_editable_get_text (GTK_EDITABLE (entry)), text) != 0)
    gtk_editable_set_text (GTK_EDITABLE (entry), text);
}

static void
show_more (AppForm *self, const SdParams *params)
{
  g_autofree char *steps
      = g_strdup_printf (ngettext ("%u step", "%u steps", params->steps), params->steps);
  /* Translators: the values behind “More”: steps, guidance, sampler */
  g_autofree char *text = g_strdup_printf (_ ("%s, %.1f, %s"), steps, params->cfg,
                                           sampler_kind_a1111_name (params->sampler));

  gtk_label_set_text (self->more_label, text);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->more_label), text);
}

static void
show_resets (AppForm *self, const SdParams *params)
{
  const SdParams *defaults = app_session_get_defaults (self->session);

  if (defaults == NULL)
    defaults = params;
  /* Opacity and not visibility: the layout must not move under the pointer. */
  gboolean differs[4] = {
    params->width != defaults->width || params->height != defaults->height,
    params->steps != defaults->steps,
    fabs (params->cfg - defaults->cfg) > 1e-9,
    params->sampler != defaults->sampler || params->schedule != defaults->schedule,
  };
  GtkWidget *buttons[4]
      = { self->reset_size, self->reset_steps, self->reset_cfg, self->reset_sampler };
  for (guint i = 0; i < 4; i++)
    {
      gtk_widget_set_opacity (buttons[i], differs[i] ? 1 : 0);
      gtk_widget_set_sensitive (buttons[i], differs[i]);
    }
}

static void
show_params (AppForm *self)
{
  const SdParams *params = app_session_get_params (self->session);
  const SdParams *defaults = app_session_get_defaults (self->session);
  g_autofree char *seed = NULL, *size = NULL;

  if (params == NULL)
    return;
  self->filling = TRUE;
  app_prompt_set_text (self->editor, params->prompt);
  set_entry (self->negative, params->negative);
  size = app_size_text (params->width, params->height);
  gtk_menu_button_set_label (self->size_button, size);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->size_button),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Size"),
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, size, -1);
  app_size_set (self->size, params->width, params->height,
                defaults != NULL ? defaults->width : params->width,
                defaults != NULL ? defaults->height : params->height);
  gtk_spin_button_set_value (self->batch, params->batch);
  seed = g_strdup_printf ("%" G_GUINT64_FORMAT, params->seed);
  set_entry (self->seed, seed);
  gtk_spin_button_set_value (self->steps, params->steps);
  gtk_spin_button_set_value (self->cfg, params->cfg);
  gtk_drop_down_set_selected (self->sampler, params->sampler);
  gtk_drop_down_set_selected (self->schedule, params->schedule);
  gtk_drop_down_set_selected (self->rng, params->rng == BASE_RANDOM_NV ? 1 : 0);
  app_reading_show (params, self->weights, self->clip_skip);
  app_prompt_set_grammar (self->editor, params->grammar);
  gtk_button_set_icon_name (GTK_BUTTON (self->lock),
                            app_session_get_seed_locked (self->session)
                                ? "changes-prevent-symbolic"
                                : "changes-allow-symbolic");
  gtk_label_set_text (self->placeholder, app_mode_of (params) == APP_MODE_INSTRUCT
                                             ? _ ("What should be changed?")
                                             : _ ("What should the picture show?"));
  show_more (self, params);
  show_resets (self, params);
  self->filling = FALSE;
}

/* ---- from the widgets to the session ---- */

typedef void (*ChangeFunc) (SdParams *params, AppForm *self);

static void
change (AppForm *self, const char *field, ChangeFunc function)
{
  const SdParams *params
      = self->session != NULL ? app_session_get_params (self->session) : NULL;

  if (self->filling || params == NULL)
    return;
  g_autoptr (SdParams) edited = sd_params_copy (params);
  function (edited, self);
  app_session_edit (self->session, field, edited);
}

static void
take_prompt (SdParams *params, AppForm *self)
{
  g_free (params->prompt);
  params->prompt = app_prompt_get_text (self->editor);
}

static void
take_negative (SdParams *params, AppForm *self)
{
  g_free (params->negative);
  params->negative = g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->negative)));
}

static void
take_numbers (SdParams *params, AppForm *self)
{
  params->batch = (guint) gtk_spin_button_get_value_as_int (self->batch);
  params->steps = (guint) gtk_spin_button_get_value_as_int (self->steps);
  params->cfg = round (gtk_spin_button_get_value (self->cfg) * 10) / 10;
}

static void
take_choices (SdParams *params, AppForm *self)
{
  params->sampler = (SamplerKind) gtk_drop_down_get_selected (self->sampler);
  params->schedule = (SamplerSchedule) gtk_drop_down_get_selected (self->schedule);
  params->rng
      = gtk_drop_down_get_selected (self->rng) == 1 ? BASE_RANDOM_NV : BASE_RANDOM_CPU;
  app_reading_take (params, self->weights, self->clip_skip);
}

static void
on_prompt_changed (AppForm *self)
{
  change (self, "prompt", take_prompt);
}

static void
on_negative_changed (AppForm *self)
{
  change (self, "negative", take_negative);
}

static void
on_number_changed (AppForm *self, GtkSpinButton *spin)
{
  change (self,
          spin == self->batch   ? "batch"
          : spin == self->steps ? "steps"
                                : "cfg",
          take_numbers);
}

static void
on_choice_changed (AppForm *self, GParamSpec *property, GtkDropDown *choice)
{
  change (self,
          choice == self->sampler    ? "sampler"
          : choice == self->schedule ? "schedule"
                                     : "noise",
          take_choices);
}

static void
on_size_chosen (AppSize *size, guint width, guint height, AppForm *self)
{
  const SdParams *params = app_session_get_params (self->session);

  if (self->filling || params == NULL)
    return;
  g_autoptr (SdParams) edited = sd_params_copy (params);
  edited->width = width;
  edited->height = height;
  app_session_edit (self->session, "size", edited);
}

/* The seed is taken when the entry is left: half a number is not a seed. */
static void
take_seed (AppForm *self)
{
  const SdParams *params = app_session_get_params (self->session);
  guint64 seed;

  if (self->filling || params == NULL)
    return;
  if (!g_ascii_string_to_unsigned (gtk_editable_get_text (GTK_EDITABLE (self->seed)), 10,
                                   0, G_MAXUINT64, &seed, NULL))
    {
      show_params (self);
      return;
    }
  if (seed == params->seed)
    return;
  g_autoptr (SdParams) edited = sd_params_copy (params);
  edited->seed = seed;
  app_session_edit (self->session, "seed", edited);
  /* Who types a seed wants that one. */
  app_session_set_seed_locked (self->session, TRUE);
}

static void
on_reset (GtkButton *button, AppForm *self)
{
  const SdParams *defaults = app_session_get_defaults (self->session);
  g_autoptr (SdParams) edited = NULL;
  GtkWidget *widget = GTK_WIDGET (button);
  const char *field; /* each is a step of undo, however quickly they follow */

  if (defaults == NULL)
    return;
  edited = sd_params_copy (app_session_get_params (self->session));
  if (widget == self->reset_size)
    {
      edited->width = defaults->width;
      edited->height = defaults->height;
      field = "reset-size";
    }
  else if (widget == self->reset_steps)
    {
      edited->steps = defaults->steps;
      field = "reset-steps";
    }
  else if (widget == self->reset_cfg)
    {
      edited->cfg = defaults->cfg;
      field = "reset-cfg";
    }
  else
    {
      field = "reset-sampler";
      edited->sampler = defaults->sampler;
      edited->schedule = defaults->schedule;
    }
  app_session_edit (self->session, field, edited);
}

/* ---- the model's words and examples ---- */

static void
on_example (GtkButton *button, AppForm *self)
{
  app_prompt_set_text (self->editor, gtk_widget_get_tooltip_text (GTK_WIDGET (button)));
  change (self, "prompt", take_prompt);
  gtk_widget_grab_focus (GTK_WIDGET (self->prompt));
}

static void
fill_examples (AppForm *self, const SdInfo *info)
{
  GtkWidget *child;
  guint n = info != NULL && info->prompts != NULL ? g_strv_length (info->prompts) : 0;

  while ((child = gtk_widget_get_first_child (self->examples)) != NULL)
    gtk_box_remove (GTK_BOX (self->examples), child);
  gtk_widget_set_visible (self->examples, n > 0);
  /* Spread over the list: neighbours in it are alike. */
  for (guint i = 0; i < MIN (n, SHOWN_EXAMPLES); i++)
    {
      const char *text = info->prompts[(i + 1) * n / (SHOWN_EXAMPLES + 1) % n];

      GtkWidget *button = gtk_button_new (), *label = gtk_label_new (text);

      gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
      gtk_label_set_xalign (GTK_LABEL (label), 0);
      gtk_button_set_child (GTK_BUTTON (button), label);
      gtk_widget_set_tooltip_text (button, text);
      gtk_widget_add_css_class (button, "flat");
      gtk_widget_add_css_class (button, "caption");
      gtk_widget_add_css_class (button, "app-example");
      gtk_accessible_update_property (GTK_ACCESSIBLE (button),
                                      GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
      g_signal_connect (button, "clicked", G_CALLBACK (on_example), self);
      gtk_box_append (GTK_BOX (self->examples), button);
    }
}

void
app_form_set_info (AppForm *self, const SdInfo *info, const char *path)
{
  app_prediction_bind (self->prediction, path, info);
  app_vae_bind (self->vae, path, info);
  app_prompt_set_info (self->editor, info);
  fill_examples (self, info);
}

static void
on_unknown (AppPrompt *editor, const char *word, AppForm *self)
{
  g_autofree char *text = NULL;

  gtk_widget_set_visible (self->unknown, word != NULL);
  if (word == NULL)
    return;
  text = g_strdup_printf (_ ("The sample model was not taught ‘%s’."), word);
  gtk_label_set_text (self->unknown_label, text);
}

/* ---- outside ---- */

void
app_form_set_session (AppForm *self, AppSession *session)
{
  g_set_object (&self->session, session);
  app_source_rows_set_session (self->source, session);
  app_prompt_set_session (self->editor, session);
  g_signal_connect_object (session, "params-changed", G_CALLBACK (show_params), self,
                           G_CONNECT_SWAPPED);
  show_params (self);
}

void
app_form_set_note (AppForm *self, const char *reason, const char *line)
{
  gtk_label_set_text (self->note, reason != NULL ? reason : line != NULL ? line : "");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->generate),
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  reason != NULL ? reason : "", -1);
}

void
app_form_set_waiting (AppForm *self, guint n)
{
  g_autofree char *text = g_strdup_printf (ngettext ("%u waiting", "%u waiting", n), n);

  gtk_menu_button_set_label (self->queue_button, text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->queue_button),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
  gtk_widget_set_visible (GTK_WIDGET (self->queue_button), n > 0);
}

void
app_form_set_queue (AppForm *self, GtkWidget *popover)
{
  gtk_menu_button_set_popover (self->queue_button, popover);
}

guint
app_form_n_captions (AppForm *self)
{
  return (guint) gtk_widget_get_visible (self->unknown);
}

void
app_form_focus_prompt (AppForm *self)
{
  gtk_widget_grab_focus (GTK_WIDGET (self->prompt));
}

void
app_form_focus_settings (AppForm *self)
{
  gtk_widget_grab_focus (GTK_WIDGET (self->negative));
}

gboolean
app_form_has_prompt_focus (AppForm *self)
{
  return gtk_widget_has_focus (GTK_WIDGET (self->prompt));
}

/* ---- the wheel scrolls the panel, never a number under the pointer ---- */

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

/* A scrolled window takes the wheel even where it has nothing to scroll: then it is the
 * panel's. As far as a scrolled window goes for a click of the wheel. */
static gboolean
on_prompt_wheel (GtkEventControllerScroll *wheel, double dx, double dy, AppForm *self)
{
  GtkWidget *inner = gtk_event_controller_get_widget (GTK_EVENT_CONTROLLER (wheel));
  GtkAdjustment *own = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (inner));
  GtkAdjustment *panel
      = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (self->scroller));
  double by = gtk_event_controller_scroll_get_unit (wheel) == GDK_SCROLL_UNIT_WHEEL
                  ? pow (gtk_adjustment_get_page_size (panel), 2.0 / 3)
                  : 1;

  if (gtk_adjustment_get_upper (own) > gtk_adjustment_get_page_size (own))
    return GDK_EVENT_PROPAGATE;
  gtk_adjustment_set_value (panel, gtk_adjustment_get_value (panel) + dy * by);
  return GDK_EVENT_STOP;
}

static void
connect_wheel (AppForm *self)
{
  GtkEventController *wheel
      = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_VERTICAL);

  gtk_event_controller_set_propagation_phase (wheel, GTK_PHASE_CAPTURE);
  g_signal_connect (wheel, "scroll", G_CALLBACK (on_prompt_wheel), self);
  gtk_widget_add_controller (
      gtk_widget_get_ancestor (GTK_WIDGET (self->prompt), GTK_TYPE_SCROLLED_WINDOW),
      wheel);
  leave_wheel (GTK_WIDGET (self->batch));
  leave_wheel (GTK_WIDGET (self->steps));
  leave_wheel (GTK_WIDGET (self->cfg));
}

/* ---- life ---- */

static void
app_form_dispose (GObject *object)
{
  AppForm *self = APP_FORM (object);

  g_clear_object (&self->editor);
  g_clear_object (&self->session);
  gtk_widget_dispose_template (GTK_WIDGET (self), APP_TYPE_FORM);
  G_OBJECT_CLASS (app_form_parent_class)->dispose (object);
}

static void
app_form_class_init (AppFormClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = app_form_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/io/github/calotype/Calotype/app-form.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, AppForm, name)
  BIND (box);
  BIND (scroller);
  BIND (content);
  BIND (unknown);
  BIND (examples);
  BIND (grid);
  BIND (more_grid);
  BIND (prompt);
  BIND (counter);
  BIND (placeholder);
  BIND (unknown_label);
  BIND (more_label);
  BIND (note);
  BIND (negative);
  BIND (seed);
  BIND (size_button);
  BIND (queue_button);
  BIND (batch);
  BIND (steps);
  BIND (cfg);
  BIND (sampler);
  BIND (schedule);
  BIND (rng);
  BIND (weights);
  BIND (clip_skip);
  BIND (prediction);
  BIND (vae);
  BIND (lock);
  BIND (more);
  BIND (generate);
#undef BIND
}

static GtkWidget *
make_reset (AppForm *self, GtkWidget *grid, int row)
{
  GtkWidget *button = gtk_button_new_from_icon_name ("edit-undo-symbolic");

  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, _ ("Back to the model’s value"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Back to the model’s value"), -1);
  gtk_grid_attach (GTK_GRID (grid), button, 2, row, 1, 1);
  g_signal_connect (button, "clicked", G_CALLBACK (on_reset), self);
  return button;
}

/* The names in both grids take the same width, so that the controls stand in one line. */
static void
align_names (AppForm *self)
{
  g_autoptr (GtkSizeGroup) group = gtk_size_group_new (GTK_SIZE_GROUP_HORIZONTAL);
  GtkWidget *grids[2] = { self->grid, self->more_grid };
  g_autoptr (GPtrArray) names = app_source_rows_get_names (self->source);

  for (guint i = 0; i < names->len; i++)
    gtk_size_group_add_widget (group, names->pdata[i]);

  for (guint i = 0; i < 2; i++)
    for (GtkWidget *child = gtk_widget_get_first_child (grids[i]); child != NULL;
         child = gtk_widget_get_next_sibling (child))
      if (GTK_IS_LABEL (child))
        gtk_size_group_add_widget (group, child);
}

static void
fill_choices (AppForm *self)
{
  g_autoptr (GtkStringList) samplers = gtk_string_list_new (NULL),
                            schedules = gtk_string_list_new (NULL);

  for (guint i = 0; i < SAMPLER_N_KINDS; i++)
    gtk_string_list_append (samplers, sampler_kind_a1111_name (i));
  for (guint i = 0; i < SAMPLER_N_SCHEDULES; i++)
    gtk_string_list_append (schedules, sampler_schedule_a1111_name (i));
  gtk_drop_down_set_model (self->sampler, G_LIST_MODEL (samplers));
  gtk_drop_down_set_model (self->schedule, G_LIST_MODEL (schedules));
  app_reading_fill (self->weights, self->clip_skip);
}

static void
connect_fields (AppForm *self)
{
  GtkEventController *focus = gtk_event_controller_focus_new ();

  g_signal_connect_swapped (self->editor, "changed", G_CALLBACK (on_prompt_changed),
                            self);
  g_signal_connect (self->editor, "unknown", G_CALLBACK (on_unknown), self);
  g_signal_connect_swapped (self->negative, "changed", G_CALLBACK (on_negative_changed),
                            self);
  g_signal_connect_swapped (self->seed, "activate", G_CALLBACK (take_seed), self);
  g_signal_connect_swapped (focus, "leave", G_CALLBACK (take_seed), self);
  gtk_widget_add_controller (GTK_WIDGET (self->seed), focus);
  g_signal_connect_swapped (self->batch, "value-changed", G_CALLBACK (on_number_changed),
                            self);
  g_signal_connect_swapped (self->steps, "value-changed", G_CALLBACK (on_number_changed),
                            self);
  g_signal_connect_swapped (self->cfg, "value-changed", G_CALLBACK (on_number_changed),
                            self);
  g_signal_connect_swapped (self->sampler, "notify::selected",
                            G_CALLBACK (on_choice_changed), self);
  g_signal_connect_swapped (self->schedule, "notify::selected",
                            G_CALLBACK (on_choice_changed), self);
  g_signal_connect_swapped (self->rng, "notify::selected", G_CALLBACK (on_choice_changed),
                            self);
  g_signal_connect_swapped (self->weights, "notify::selected",
                            G_CALLBACK (on_choice_changed), self);
  g_signal_connect_swapped (self->clip_skip, "notify::selected",
                            G_CALLBACK (on_choice_changed), self);
  g_signal_connect (self->size, "chosen", G_CALLBACK (on_size_chosen), self);
}

static void
app_form_init (AppForm *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->size = APP_SIZE (app_size_new ());
  gtk_menu_button_set_popover (self->size_button, GTK_WIDGET (self->size));
  self->editor
      = app_prompt_new (self->prompt, self->counter, GTK_WIDGET (self->placeholder));
  self->source = APP_SOURCE_ROWS (app_source_rows_new ());
  gtk_box_insert_child_after (GTK_BOX (self->content), GTK_WIDGET (self->source),
                              gtk_widget_get_first_child (self->content));
  self->reset_size = make_reset (self, self->grid, 1);
  self->reset_steps = make_reset (self, self->more_grid, 0);
  self->reset_cfg = make_reset (self, self->more_grid, 1);
  self->reset_sampler = make_reset (self, self->more_grid, 2);
  align_names (self);
  fill_choices (self);
  connect_fields (self);
  connect_wheel (self);
}
