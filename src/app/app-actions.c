/* app-actions.c: every action of the window with its keys, in one table
 *
 * The accelerators and the window of keyboard shortcuts are both made from it, so that
 * they cannot disagree. Rows without a name are keys that only the focused widget takes
 * (the picture, the tree): they are listed, not installed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-actions.h"

#include <glib/gi18n.h>

const AppActionInfo app_actions[] = {
  { "win.open", "<Control>o", N_ ("Open a model"), APP_ACTIONS_GENERAL },
  { "app.new-window", "<Control>n", N_ ("New window"), APP_ACTIONS_GENERAL },
  { "win.show-page('pictures')", "<Alt>1", N_ ("Show Pictures"), APP_ACTIONS_GENERAL },
  { "win.show-page('tensors')", "<Alt>2", N_ ("Show Tensors"), APP_ACTIONS_GENERAL },
  { "win.next-pane", "F6", N_ ("Go to the next part of the window"),
    APP_ACTIONS_GENERAL },
  { "win.model-menu", "<Control>m", N_ ("Choose a model"), APP_ACTIONS_GENERAL },
  { "app.preferences", "<Control>comma", N_ ("Preferences"), APP_ACTIONS_GENERAL },
  { "app.shortcuts", "<Control>question <Control>F1", N_ ("Keyboard shortcuts"),
    APP_ACTIONS_GENERAL },
  { "win.reload", "<Control>r F5", N_ ("Open the model again"), APP_ACTIONS_GENERAL },
  { "win.close", "<Control>w", N_ ("Close the window"), APP_ACTIONS_GENERAL },
  { "app.quit", "<Control>q", N_ ("Quit"), APP_ACTIONS_GENERAL },

  { "win.generate", "<Control>Return", N_ ("Generate"), APP_ACTIONS_PICTURES },
  { "win.generate-next", "<Shift><Control>Return", N_ ("Same settings, next seed"),
    APP_ACTIONS_PICTURES },
  { NULL, "Escape", N_ ("Stop"), APP_ACTIONS_PICTURES },
  { "win.lock-seed", "<Control>l", N_ ("Lock the seed"), APP_ACTIONS_PICTURES },
  { NULL, "<Alt>Up", N_ ("Earlier prompt"), APP_ACTIONS_PICTURES },
  { NULL, "<Alt>Down", N_ ("Later prompt"), APP_ACTIONS_PICTURES },
  { NULL, "<Control>Up <Control>Down",
    N_ ("In the prompt: more weight, less weight for a word"), APP_ACTIONS_PICTURES },
  { "win.undo-settings", "<Control>z", N_ ("Undo a change of the settings"),
    APP_ACTIONS_PICTURES },
  { "win.redo-settings", "<Shift><Control>z", N_ ("Redo a change of the settings"),
    APP_ACTIONS_PICTURES },
  { "win.toggle-history", "F9", N_ ("Show or hide the history"), APP_ACTIONS_PICTURES },
  { "win.save-copy", "<Control>s", N_ ("Save a copy"), APP_ACTIONS_PICTURES },

  { NULL, "Left Right", N_ ("Step back, step forward"), APP_ACTIONS_PICTURE },
  { NULL, "Home End", N_ ("First step, last step or live"), APP_ACTIONS_PICTURE },
  { NULL, "Page_Up Page_Down", N_ ("Previous picture, next picture"),
    APP_ACTIONS_PICTURE },
  { NULL, "c", N_ ("Pin for comparing"), APP_ACTIONS_PICTURE },
  { NULL, "space", N_ ("Hold: show the pinned picture"), APP_ACTIONS_PICTURE },
  { NULL, "b", N_ ("Both side by side, with a handle"), APP_ACTIONS_PICTURE },
  { NULL, "plus minus", N_ ("Zoom in, zoom out"), APP_ACTIONS_PICTURE },
  { "win.zoom-fit", "<Control>0", N_ ("Fit in the window"), APP_ACTIONS_PICTURE },
  { "win.zoom-original", "<Control>1", N_ ("Original size"), APP_ACTIONS_PICTURE },
  { "win.picture-alone", "F11", N_ ("The picture alone"), APP_ACTIONS_PICTURE },
  { NULL, "Delete", N_ ("Move to the trash"), APP_ACTIONS_PICTURE },

  { NULL, "b e l r", N_ ("Brush, eraser, lasso, rectangle"), APP_ACTIONS_MASK },
  { NULL, "x", N_ ("Add or take away"), APP_ACTIONS_MASK },
  { NULL, "bracketleft bracketright", N_ ("Smaller brush, larger brush"),
    APP_ACTIONS_MASK },
  { NULL, "braceleft braceright", N_ ("Softer brush, harder brush"), APP_ACTIONS_MASK },
  { NULL, "space", N_ ("Hold: drag the picture"), APP_ACTIONS_MASK },
  { NULL, "<Control>z <Shift><Control>z", N_ ("Undo a stroke, redo it"),
    APP_ACTIONS_MASK },
  { NULL, "<Control>i", N_ ("Invert the mask"), APP_ACTIONS_MASK },
  { NULL, "Delete", N_ ("Clear the mask"), APP_ACTIONS_MASK },
  { NULL, "Escape", N_ ("Leave the mask"), APP_ACTIONS_MASK },

  { "win.find", "<Control>f", N_ ("Search tensors"), APP_ACTIONS_TENSORS },
  { NULL, "Left Right", N_ ("Fold, unfold"), APP_ACTIONS_TENSORS },
  { NULL, "<Control>c", N_ ("Copy the name"), APP_ACTIONS_TENSORS },
  { "win.expand-all", "<Control>e", N_ ("Unfold all"), APP_ACTIONS_TENSORS },
  { "win.collapse-all", "<Shift><Control>e", N_ ("Fold all"), APP_ACTIONS_TENSORS },
  { "win.pin-tensor", "<Control>p", N_ ("Pin for comparing"), APP_ACTIONS_TENSORS },
  { NULL, "Left Right", N_ ("In the histogram: read the bars"), APP_ACTIONS_TENSORS },
};

const guint app_n_actions = G_N_ELEMENTS (app_actions);

const char *
app_action_group_title (AppActionGroup group)
{
  switch (group)
    {
    case APP_ACTIONS_GENERAL:
      return _ ("Anywhere");
    case APP_ACTIONS_PICTURES:
      return _ ("Pictures");
    case APP_ACTIONS_PICTURE:
      return _ ("On the picture");
    case APP_ACTIONS_MASK:
      return _ ("While a mask is painted");
    case APP_ACTIONS_TENSORS:
      return _ ("Tensors");
    case APP_N_ACTION_GROUPS:
    default:
      g_return_val_if_reached (NULL);
    }
}

void
app_actions_install (GtkApplication *application)
{
  for (guint i = 0; i < app_n_actions; i++)
    {
      if (app_actions[i].name == NULL)
        continue;
      g_auto (GStrv) keys = g_strsplit (app_actions[i].keys, " ", -1);
      gtk_application_set_accels_for_action (application, app_actions[i].name,
                                             (const char *const *) keys);
    }
}
