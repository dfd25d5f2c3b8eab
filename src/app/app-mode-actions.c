/* app-mode-actions.c: what can be made from a picture, and the tools of its mask, as
 * actions
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/app-compat.h"

#define BLUR 4.0 /* pixels: sigma of one “Blur” */
#define GROW 8.0 /* pixels of one “Grow” */

static const char *const tool_names[APP_N_MASK_TOOLS]
    = { "brush", "eraser", "lasso", "rectangle" };

/* ---- a picture to begin from ---- */

typedef struct
{
  AppPicturesPage *page;
  AppMode mode;
  ImageMeta *meta; /* (nullable): instead of what the file tells */
} Taking;

static void
on_source (GObject *unused, GAsyncResult *result, gpointer data)
{
  Taking *taking = data;
  AppPicturesPage *self = taking->page;
  g_autoptr (GError) error = NULL;
  g_autoptr (AppSource) source = app_source_load_finish (result, &error);

  if (source != NULL)
    app_mode_start (self, source, taking->mode,
                    taking->meta != NULL ? taking->meta : source->meta);
  else if (app_pictures_window (self) != NULL)
    app_window_toast (app_pictures_window (self), error->message, NULL, NULL);
  image_meta_free (taking->meta);
  g_object_unref (taking->page);
  g_free (taking);
}

static void
take (AppPicturesPage *self,
      const char *path,
      GdkTexture *texture,
      AppMode mode,
      ImageMeta *meta)
{
  Taking *taking = g_new0 (Taking, 1);

  taking->page = g_object_ref (self);
  taking->mode = mode;
  taking->meta = meta;
  app_source_load_async (path, texture, on_source, taking);
}

void
app_mode_take_file (AppPicturesPage *self, const char *path, AppMode mode)
{
  take (self, path, NULL, mode, NULL);
}

void
app_mode_take_texture (AppPicturesPage *self, GdkTexture *texture, AppMode mode)
{
  take (self, NULL, texture, mode, NULL);
}

/* What is seen: the saved picture, or pixels that are in no file yet. */
static void
take_shown (AppPicturesPage *self, AppMode mode)
{
  AppPicture *shown = app_session_get_shown (self->session);
  AppScrubber *scrubber = app_foot_get_scrubber (app_stage_get_foot (self->stage));
  GdkTexture *texture = app_canvas_get_texture (app_stage_get_canvas (self->stage));

  if (shown == NULL || app_mode_is_editing (self))
    return;
  ImageMeta *meta = app_pictures_meta_of (shown);
  if (app_picture_get_path (shown) != NULL && app_scrubber_is_live (scrubber))
    take (self, app_picture_get_path (shown), NULL, mode, meta);
  else if (texture != NULL)
    take (self, NULL, texture, mode, meta);
  else
    image_meta_free (meta);
}

static void
on_vary (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  take_shown (self, APP_MODE_VARY);
}

static void
on_edit (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  take_shown (self, APP_MODE_EDIT);
}

static void
on_extend (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  take_shown (self, APP_MODE_EXTEND);
}

static void
on_instruct (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;
  const SdInfo *info = self->model != NULL ? app_model_get_info (self->model) : NULL;

  if (info != NULL && info->unet_in_channels == SD_INSTRUCT_CHANNELS)
    take_shown (self, APP_MODE_INSTRUCT);
  else if (app_pictures_window (self) != NULL)
    app_window_toast (app_pictures_window (self),
                      _ ("Changing by instruction needs an InstructPix2Pix model: its "
                         "UNet takes 8 channels."),
                      _ ("Choose a Model"), "win.model-menu");
}

static void
on_remove_source (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;
  const SdParams *now = app_session_get_params (self->session);
  g_autoptr (SdParams) params = NULL;

  if (now == NULL || now->source == NULL)
    return;
  params = sd_params_copy (now);
  g_clear_pointer (&params->source, sd_source_unref);
  app_session_edit (self->session, "mode", params);
}

static void
on_edit_mask (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  app_mode_edit (self, APP_EDITING_MASK);
}

static void
on_edit_extent (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  app_mode_edit (self, APP_EDITING_EXTENT);
}

static void
on_start_file (GFile *file, gpointer data)
{
  g_autoptr (AppPicturesPage) self = data;
  g_autofree char *path = file != NULL ? g_file_get_path (file) : NULL;

  if (path != NULL)
    app_mode_take_file (self, path, APP_MODE_VARY);
}

static void
on_begin_from (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  app_mode_take_file (self, g_variant_get_string (parameter, NULL), APP_MODE_VARY);
}

static GListModel *
picture_filters (const char *name, gboolean png_only)
{
  GListStore *filters = g_list_store_new (GTK_TYPE_FILE_FILTER);
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();

  gtk_file_filter_set_name (filter, name);
  gtk_file_filter_add_suffix (filter, "png");
  if (!png_only)
    {
      gtk_file_filter_add_suffix (filter, "jpg");
      gtk_file_filter_add_suffix (filter, "jpeg");
      gtk_file_filter_add_suffix (filter, "webp");
    }
  g_list_store_append (filters, filter);
  return G_LIST_MODEL (filters);
}

static void
on_open_picture (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;
  g_autoptr (GListModel) filters = picture_filters (_ ("Pictures"), FALSE);

  app_compat_choose_file (GTK_WINDOW (app_pictures_window (self)), APP_COMPAT_OPEN_FILE,
                          _ ("Begin from a Picture"), _ ("_Open"), filters, NULL, NULL,
                          on_start_file, g_object_ref (self));
}

/* A picture that was dropped or pasted and offered. */
static void
on_use_offered (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;

  if (self->offered_path != NULL)
    app_mode_take_file (self, self->offered_path, APP_MODE_VARY);
  else if (self->offered_texture != NULL)
    app_mode_take_texture (self, self->offered_texture, APP_MODE_VARY);
}

/* ---- the mask ---- */

static void
on_tool (GSimpleAction *action, GVariant *value, gpointer data)
{
  AppPicturesPage *self = data;

  for (guint i = 0; i < APP_N_MASK_TOOLS; i++)
    if (g_str_equal (tool_names[i], g_variant_get_string (value, NULL)))
      app_mask_editor_set_tool (self->mask_editor, i);
}

static void
on_mask (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;
  const char *name = g_action_get_name (G_ACTION (action)) + strlen ("mask-");

  if (g_str_equal (name, "invert"))
    app_mask_editor_invert (self->mask_editor);
  else if (g_str_equal (name, "blur"))
    app_mask_editor_blur (self->mask_editor, BLUR);
  else if (g_str_equal (name, "grow"))
    app_mask_editor_grow (self->mask_editor, GROW);
  else if (g_str_equal (name, "shrink"))
    app_mask_editor_grow (self->mask_editor, -GROW);
  else if (g_str_equal (name, "clear"))
    app_mask_editor_clear (self->mask_editor);
  else if (g_str_equal (name, "undo"))
    app_mask_editor_undo (self->mask_editor, TRUE);
  else if (g_str_equal (name, "redo"))
    app_mask_editor_undo (self->mask_editor, FALSE);
  else if (g_str_equal (name, "done"))
    app_mode_leave (self, TRUE);
}

static void
on_import_file (GFile *file, gpointer data)
{
  g_autoptr (AppPicturesPage) self = data;
  g_autofree char *path = file != NULL ? g_file_get_path (file) : NULL;

  if (path != NULL)
    app_mask_editor_import (self->mask_editor, path);
}

static void
on_export_file (GFile *file, gpointer data)
{
  g_autoptr (AppPicturesPage) self = data;
  g_autofree char *path = file != NULL ? g_file_get_path (file) : NULL;

  if (path != NULL)
    app_mask_editor_export (self->mask_editor, path);
}

static void
on_import (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;
  g_autoptr (GListModel) filters = picture_filters (_ ("Masks"), TRUE);

  app_compat_choose_file (GTK_WINDOW (app_pictures_window (self)), APP_COMPAT_OPEN_FILE,
                          _ ("Import a Mask"), _ ("_Open"), filters, NULL, NULL,
                          on_import_file, g_object_ref (self));
}

static void
on_export (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;

  app_compat_choose_file (GTK_WINDOW (app_pictures_window (self)), APP_COMPAT_SAVE_FILE,
                          _ ("Export the Mask"), _ ("_Save"), NULL, NULL, "mask.png",
                          on_export_file, g_object_ref (self));
}

/* ---- all ---- */

static const GActionEntry entries[] = {
  { "vary-picture", on_vary },
  { "edit-picture", on_edit },
  { "extend-picture", on_extend },
  { "instruct-picture", on_instruct },
  { "remove-source", on_remove_source },
  { "edit-mask", on_edit_mask },
  { "edit-extent", on_edit_extent },
  { "open-picture", on_open_picture },
  { "begin-from", on_begin_from, "s" },
  { "use-offered", on_use_offered },
  { "mask-tool", NULL, "s", "'brush'", on_tool },
  { "mask-invert", on_mask },
  { "mask-blur", on_mask },
  { "mask-grow", on_mask },
  { "mask-shrink", on_mask },
  { "mask-clear", on_mask },
  { "mask-undo", on_mask },
  { "mask-redo", on_mask },
  { "mask-done", on_mask },
  { "mask-import", on_import },
  { "mask-export", on_export },
};

static void
enable (AppPicturesPage *self, const char *name, gboolean enabled)
{
  g_simple_action_set_enabled (
      G_SIMPLE_ACTION (g_action_map_lookup_action (self->map, name)), enabled);
}

void
app_mode_update_actions (AppPicturesPage *self)
{
  static const char *const changes[]
      = { "mask-invert", "mask-blur",   "mask-grow",  "mask-shrink",
          "mask-clear",  "mask-import", "mask-export" };
  AppPicture *shown = app_session_get_shown (self->session);
  const SdParams *params = app_session_get_params (self->session);
  const SdSource *source = params != NULL ? params->source : NULL;
  gboolean can = shown != NULL && params != NULL && !app_mode_is_editing (self)
                 && app_canvas_get_texture (app_stage_get_canvas (self->stage)) != NULL;
  gboolean paints = self->editing == APP_EDITING_MASK;
  gboolean busy = app_mask_editor_is_busy (self->mask_editor);

  if (self->map == NULL)
    return;
  enable (self, "vary-picture", can);
  enable (self, "edit-picture", can);
  enable (self, "extend-picture", can);
  enable (self, "instruct-picture", can);
  enable (self, "open-picture", params != NULL);
  enable (self, "remove-source", source != NULL);
  enable (self, "edit-mask", source != NULL && source->mask != NULL && !paints);
  enable (self, "edit-extent", source != NULL && self->editing != APP_EDITING_EXTENT);
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    enable (self, changes[i], paints && !busy);
  enable (self, "mask-undo",
          paints && app_mask_editor_can_undo (self->mask_editor, TRUE));
  enable (self, "mask-redo",
          paints && app_mask_editor_can_undo (self->mask_editor, FALSE));
  enable (self, "mask-done", app_mode_is_editing (self));
  g_simple_action_set_state (
      G_SIMPLE_ACTION (g_action_map_lookup_action (self->map, "mask-tool")),
      g_variant_new_string (tool_names[app_mask_editor_get_tool (self->mask_editor)]));
  app_mode_update (self);
}

void
app_mode_add_actions (AppPicturesPage *self, GActionMap *map)
{
  g_action_map_add_action_entries (map, entries, G_N_ELEMENTS (entries), self);
}
