/* app-json.h: JSON as a tree to look at
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gtk/gtk.h>

/* What a row shows. Immutable; belongs to its tree. */
typedef struct _AppJsonNode AppJsonNode;
struct _AppJsonNode
{
  char *name;  /* of a member; "3" for an element */
  char *value; /* for people: of an object, how many it holds */
  AppJsonNode *children;
  guint n_children;
};

/* Reference counted. Thread: any. */
typedef struct _AppJsonTree AppJsonTree;

/**
 * app_json_tree_read: (nullable): of a text that is a JSON object or array
 *
 * Strings that hold JSON themselves become branches. NULL where it is none, or has more
 * than 16 MB. Takes seconds for megabytes: not for the main thread.
 */
AppJsonTree *app_json_tree_read (const char *text, gsize length);
/** app_json_tree_read_tags: (nullable): of "ss_tag_frequency": tags with their counts,
 * the most frequent first */
AppJsonTree *app_json_tree_read_tags (const char *text, gsize length);
AppJsonTree *app_json_tree_ref (AppJsonTree *tree);
void app_json_tree_unref (AppJsonTree *tree);
const AppJsonNode *app_json_tree_root (AppJsonTree *tree);

/** app_json_view_new: a list of its rows, that unfold; makes widgets for what is seen
 * only
 */
GtkWidget *app_json_view_new (AppJsonTree *tree, const char *label);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppJsonTree, app_json_tree_unref)
