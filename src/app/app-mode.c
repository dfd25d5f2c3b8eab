/* app-mode.c: making pictures from pictures, as the page sees it
 *
 * There are no modes to be in: the settings begin from a picture or not, and what that is
 * for follows from them (app_mode_of). Only painting a mask and dragging a frame are
 * states: then the picture's place shows the source, whatever goes on beside it. What is
 * painted goes into the settings a moment after each stroke, as a mask of their own.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"

#include "app/app-texture.h"

#include <glib/gi18n.h>
#include <math.h>

#define COMMIT_AFTER 250 /* ms after a stroke */
#define MAX_SIDE 4096u   /* of what a model makes */

gboolean
app_mode_is_editing (AppPicturesPage *self)
{
  return self->editing != APP_EDITING_NOTHING;
}

static const SdSource *
source_of (AppPicturesPage *self)
{
  const SdParams *params = app_session_get_params (self->session);

  return params != NULL ? params->source : NULL;
}

/* ---- the mask ---- */

/* @mask is the settings' from now on. */
static void
take_mask (AppPicturesPage *self, ImageMask *mask)
{
  const SdSource *now = source_of (self);
  SdSource *source;

  if (now == NULL || mask == NULL || now->image != self->edited)
    return;
  source = sd_source_copy (now);
  image_mask_free (source->mask);
  source->mask = image_mask_ref (mask);
  app_session_set_source (self->session, source);
  sd_source_unref (source);
}

void
app_mode_commit (AppPicturesPage *self)
{
  const ImageMask *mask = app_mask_editor_get_mask (self->mask_editor);
  g_autoptr (ImageMask) copy = NULL;

  if (self->commit_source == 0)
    return;
  g_clear_handle_id (&self->commit_source, g_source_remove);
  if (mask == NULL)
    return;
  copy = image_mask_copy (mask);
  take_mask (self, copy);
}

/* Until the copy is there the settings count as not up to date: who needs them at once
 * commits. */
static gboolean
on_commit_time (gpointer data)
{
  AppPicturesPage *self = data;

  app_mask_editor_copy (self->mask_editor);
  return G_SOURCE_CONTINUE;
}

static void
on_copied (AppMaskEditor *editor, ImageMask *mask, AppPicturesPage *self)
{
  if (self->commit_source == 0)
    return;
  g_clear_handle_id (&self->commit_source, g_source_remove);
  take_mask (self, mask);
}

static void
on_edited (AppMaskEditor *editor, AppPicturesPage *self)
{
  if (self->commit_source != 0)
    g_source_remove (self->commit_source);
  self->commit_source = g_timeout_add (COMMIT_AFTER, on_commit_time, self);
}

static void
on_failed (AppMaskEditor *editor, const char *message, AppPicturesPage *self)
{
  if (app_pictures_window (self) != NULL)
    app_window_toast (app_pictures_window (self), message, NULL, NULL);
}

gboolean
app_mode_undo (AppPicturesPage *self, gboolean back)
{
  GtkWidget *focus = gtk_root_get_focus (gtk_widget_get_root (GTK_WIDGET (self)));

  if (self->editing != APP_EDITING_MASK || focus == NULL
      || !gtk_widget_is_ancestor (focus, GTK_WIDGET (self->stage)))
    return FALSE;
  app_mask_editor_undo (self->mask_editor, back);
  return TRUE;
}

/* ---- sizes ---- */

static guint
to_eight (double side)
{
  return (guint) CLAMP (round (side / 8) * 8, 64, MAX_SIDE);
}

/* What the model makes: the whole result where that is near to what it is made for; of a
 * larger one the part that is masked, or all of it smaller. */
static void
choose_size (SdParams *params, const SdParams *defaults)
{
  SdSource *source = params->source;
  const guint *e = source->extend;
  guint w = source->image->width + e[0] + e[2], h = source->image->height + e[1] + e[3];
  double usual = (double) defaults->width * defaults->height;
  guint width = (w + 7) / 8 * 8, height = (h + 7) / 8 * 8;
  double scale = sqrt (usual / ((double) w * h));

  params->width = width;
  params->height = height;
  if ((double) width * height <= 2.25 * usual && MAX (width, height) <= MAX_SIDE)
    return;
  if (source->mask != NULL || e[0] + e[1] + e[2] + e[3] > 0)
    {
      source->only_masked = TRUE;
      params->width = defaults->width;
      params->height = defaults->height;
      return;
    }
  params->width = to_eight (w * scale);
  params->height = to_eight (h * scale);
}

/* ---- starting ---- */

static SdSource *
make_source (AppSource *from, AppMode mode)
{
  SdSource *source = sd_source_new (image_buffer_ref (from->image));
  guint quarter = MAX (8, (from->image->width / 4 + 4) / 8 * 8);

  source->path = g_strdup (from->path);
  if (mode == APP_MODE_EDIT)
    source->mask = from->mask != NULL
                       ? image_mask_ref (from->mask)
                       : image_mask_new (from->image->width, from->image->height);
  if (mode == APP_MODE_EDIT && from->mask != NULL)
    source->masked = SD_MASKED_FILL; /* under what is transparent there is nothing */
  if (mode == APP_MODE_EXTEND)
    {
      source->extend[0] = source->extend[2] = quarter;
      source->masked = SD_MASKED_FILL;
      source->strength = 1;
    }
  source->instruct = mode == APP_MODE_INSTRUCT;
  return source;
}

void
app_mode_start (AppPicturesPage *self,
                AppSource *from,
                AppMode mode,
                const ImageMeta *meta)
{
  const SdParams *now = app_session_get_params (self->session);
  const SdParams *defaults = app_session_get_defaults (self->session);
  g_autoptr (SdParams) params = NULL;

  if (now == NULL)
    return;
  app_mode_leave (self, FALSE);
  params = sd_params_copy (now);
  if (meta != NULL)
    app_pictures_take_meta (params, meta, FALSE);
  if (mode == APP_MODE_INSTRUCT)
    {
      g_free (params->prompt);
      params->prompt = g_strdup ("");
    }
  if (from->mask != NULL && mode == APP_MODE_VARY)
    mode = APP_MODE_EDIT;
  sd_source_unref (params->source);
  params->source = make_source (from, mode);
  choose_size (params, defaults != NULL ? defaults : now);
  app_session_edit (self->session, "mode", params);
  if (mode == APP_MODE_EDIT)
    app_mode_edit (self, APP_EDITING_MASK);
  else if (mode == APP_MODE_EXTEND)
    app_mode_edit (self, APP_EDITING_EXTENT);
  else if (mode == APP_MODE_INSTRUCT)
    app_form_focus_prompt (self->form);
}

/* ---- editing ---- */

/* The size that is seen in the bar while the frame is dragged. */
static void
show_extent (AppPicturesPage *self)
{
  const SdSource *source = source_of (self);
  g_autofree char *text = NULL;

  if (source == NULL)
    return;
  text = g_strdup_printf ("\u2066%u × %u → %u × %u\u2069", source->image->width,
                          source->image->height,
                          source->image->width + source->extend[0] + source->extend[2],
                          source->image->height + source->extend[1] + source->extend[3]);
  gtk_label_set_text (GTK_LABEL (self->extent_label), text);
  app_extend_view_set (self->extend_view, source->image->width, source->image->height,
                       source->extend);
}

void
app_mode_edit (AppPicturesPage *self, AppEditing editing)
{
  const SdSource *source = source_of (self);
  g_autoptr (GdkTexture) texture = NULL;
  gboolean mask = editing == APP_EDITING_MASK;

  if (source == NULL)
    return;
  app_mode_leave (self, FALSE);
  self->edited = image_buffer_ref (source->image);
  self->editing = editing;
  self->following = FALSE;
  texture = app_texture_share_image (source->image);
  app_foot_set_job (app_stage_get_foot (self->stage), NULL, 0);
  app_stage_show_picture (self->stage, texture, source->image->width,
                          source->image->height, APP_CANVAS_CUT);
  if (mask)
    app_mask_editor_start (self->mask_editor, source->mask, source->image->width,
                           source->image->height);
  else
    show_extent (self);
  gtk_widget_set_visible (GTK_WIDGET (self->mask_view), mask);
  gtk_widget_set_visible (GTK_WIDGET (self->extend_view), !mask);
  app_stage_show_bar (self->stage, mask ? "mask" : "extent");
  gtk_widget_grab_focus (mask ? GTK_WIDGET (self->mask_view)
                              : GTK_WIDGET (self->extend_view));
  app_pictures_update_actions (self);
}

void
app_mode_leave (AppPicturesPage *self, gboolean show)
{
  AppCanvas *canvas = app_stage_get_canvas (self->stage);

  if (self->editing == APP_EDITING_NOTHING)
    return;
  app_mode_commit (self);
  app_mask_editor_cancel (self->mask_editor);
  self->editing = APP_EDITING_NOTHING;
  g_clear_pointer (&self->edited, image_buffer_free);
  gtk_widget_set_visible (GTK_WIDGET (self->mask_view), FALSE);
  gtk_widget_set_visible (GTK_WIDGET (self->extend_view), FALSE);
  app_extend_view_set (self->extend_view, 0, 0, (guint[4]){ 0 });
  app_canvas_set_margins (canvas, NULL);
  app_canvas_zoom_fit (canvas);
  app_stage_show_bar (self->stage, "modes");
  if (show)
    {
      app_pictures_show (self, APP_CANVAS_CUT);
      if (app_session_get_shown (self->session) != NULL)
        app_picture_set_seen (app_session_get_shown (self->session), TRUE);
      app_stage_focus_picture (self->stage);
    }
  app_pictures_update_actions (self);
}

static void
on_extent (AppExtendView *view, AppPicturesPage *self)
{
  const SdParams *params = app_session_get_params (self->session);
  const SdParams *defaults = app_session_get_defaults (self->session);
  g_autoptr (SdParams) edited = NULL;
  SdSource *source;

  if (params == NULL || params->source == NULL)
    return;
  source = sd_source_copy (params->source);
  app_extend_view_get (view, source->extend);
  edited = sd_params_copy (params);
  sd_source_unref (edited->source);
  edited->source = source;
  choose_size (edited, defaults != NULL ? defaults : params);
  app_session_edit (self->session, "extent", edited);
}

/* Settings change with each key: millions of pixels are looked at when they are others.
 */
static void
look_at_mask (AppPicturesPage *self, ImageMask *mask)
{
  if (mask == self->looked_at)
    return;
  image_mask_free (self->looked_at);
  self->looked_at = image_mask_ref (mask);
  self->mask_is_empty = mask != NULL && image_mask_is_empty (mask);
}

/* Numbers typed in the form move the frame; another source ends the editing. */
static void
on_params_changed (AppPicturesPage *self)
{
  const SdSource *source = source_of (self);

  look_at_mask (self, source != NULL ? source->mask : NULL);
  if (self->editing == APP_EDITING_NOTHING)
    return;
  if (source == NULL || source->image != self->edited)
    app_mode_leave (self, TRUE);
  else if (self->editing == APP_EDITING_EXTENT)
    show_extent (self);
}

static void
on_leave (AppPicturesPage *self)
{
  app_mode_leave (self, TRUE);
}

/* ---- what cannot be made ---- */

char *
app_mode_fault (AppPicturesPage *self)
{
  const SdInfo *info = self->model != NULL ? app_model_get_info (self->model) : NULL;
  const SdSource *source = source_of (self);
  gboolean instructs = info != NULL && info->unet_in_channels == SD_INSTRUCT_CHANNELS;

  if (info == NULL)
    return NULL;
  if (source == NULL && instructs)
    return g_strdup (
        _ ("This model changes pictures by instruction: choose a picture and "
           "press Instruct."));
  if (source == NULL)
    return NULL;
  if (source->instruct && !instructs)
    return g_strdup (
        _ ("Changing by instruction needs an InstructPix2Pix model: its UNet "
           "takes 8 channels."));
  if (app_mode_of (app_session_get_params (self->session)) == APP_MODE_EDIT
      && self->mask_is_empty)
    return g_strdup (_ ("Paint over what is to be made anew."));
  return NULL;
}

/* ---- descent ---- */

/* Whether @name, a path or the name of a file alone, is that of @path. */
static gboolean
is_file (const char *name, const char *path)
{
  g_autofree char *base = NULL;

  if (name == NULL || path == NULL)
    return FALSE;
  if (g_path_is_absolute (name))
    return g_str_equal (name, path);
  base = g_path_get_basename (path);
  return g_str_equal (name, base);
}

void
app_mode_update (AppPicturesPage *self)
{
  AppPicture *shown = app_session_get_shown (self->session), *parent = NULL;
  GListModel *history = app_session_get_history (self->session);
  g_autoptr (GPtrArray) children = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; shown != NULL && i < g_list_model_get_n_items (history); i++)
    {
      g_autoptr (AppPicture) other = g_list_model_get_item (history, i);

      if (other == shown)
        continue;
      if (parent == NULL
          && is_file (app_picture_get_parent (shown), app_picture_get_path (other)))
        parent = other; /* the history keeps it */
      if (is_file (app_picture_get_parent (other), app_picture_get_path (shown)))
        g_ptr_array_add (children, g_object_ref (other));
    }
  app_mode_bar_set_descent (self->mode_bar, parent, children);
}

static void
on_chosen (AppModeBar *bar, AppPicture *picture, AppPicturesPage *self)
{
  app_pictures_choose (self, picture);
}

/* ---- widgets ---- */

static GtkWidget *
make_extent_bar (AppPicturesPage *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *hint = gtk_label_new (_ ("Drag the frame’s sides"));
  GtkWidget *done = gtk_button_new_with_mnemonic (_ ("_Done"));

  self->extent_label = gtk_label_new ("");
  gtk_widget_add_css_class (self->extent_label, "numeric");
  gtk_label_set_ellipsize (GTK_LABEL (hint), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (hint, "dim-label");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (done), "win.mask-done");
  gtk_accessible_update_property (GTK_ACCESSIBLE (done), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Done"), -1);
  gtk_box_append (GTK_BOX (box), hint);
  gtk_box_append (GTK_BOX (box), self->extent_label);
  gtk_box_append (GTK_BOX (box), done);
  gtk_widget_set_halign (box, GTK_ALIGN_CENTER);
  return box;
}

void
app_mode_make_widgets (AppPicturesPage *self)
{
  AppCanvas *canvas = app_stage_get_canvas (self->stage);

  self->mask_editor = app_mask_editor_new ();
  self->mask_view = APP_MASK_VIEW (app_mask_view_new (canvas, self->mask_editor));
  self->extend_view = APP_EXTEND_VIEW (app_extend_view_new (canvas));
  self->mode_bar = APP_MODE_BAR (app_mode_bar_new ());
  app_stage_add_over (self->stage, GTK_WIDGET (self->mask_view));
  app_stage_add_over (self->stage, GTK_WIDGET (self->extend_view));
  app_stage_add_bar (self->stage, "modes", GTK_WIDGET (self->mode_bar));
  app_stage_add_bar (self->stage, "mask", app_mask_bar_new (self->mask_editor));
  app_stage_add_bar (self->stage, "extent", make_extent_bar (self));
  g_signal_connect_object (self->mask_editor, "edited", G_CALLBACK (on_edited), self, 0);
  g_signal_connect_object (self->mask_editor, "failed", G_CALLBACK (on_failed), self, 0);
  g_signal_connect_object (self->mask_editor, "copied", G_CALLBACK (on_copied), self, 0);
  g_signal_connect_object (self->mask_editor, "tool-changed",
                           G_CALLBACK (app_mode_update_actions), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->mask_editor, "undo-changed",
                           G_CALLBACK (app_mode_update_actions), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->mask_view, "leave", G_CALLBACK (on_leave), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->extend_view, "changed", G_CALLBACK (on_extent), self, 0);
  g_signal_connect_object (self->extend_view, "leave", G_CALLBACK (on_leave), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->mode_bar, "chosen", G_CALLBACK (on_chosen), self, 0);
  app_source_accept_pixels (self);
  g_signal_connect_object (self->session, "params-changed",
                           G_CALLBACK (on_params_changed), self, G_CONNECT_SWAPPED);
}

void
app_mode_clear (AppPicturesPage *self)
{
  g_clear_handle_id (&self->commit_source, g_source_remove);
  g_clear_pointer (&self->edited, image_buffer_free);
  g_clear_pointer (&self->looked_at, image_mask_free);
  g_clear_object (&self->mask_editor);
}
