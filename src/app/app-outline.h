/* app-outline.h: the tree of names as it is shown
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "st/st.h"

#define APP_OUTLINE_NONE G_MAXUINT32

/* A row of the tree. The children of a row lie side by side: ids first_child … +
 * n_children. */
typedef struct
{
  const StNode *node; /* NULL for a range of siblings put together by us */
  const char *label;  /* belongs to the outline or to the tree */
  guint32 parent, first_child, n_children;
} AppOutlineNode;

/* What lies below a row, itself included. */
typedef struct
{
  guint n_tensors;
  guint64 bytes, values;
  guint32 dtypes; /* bits (1 << StDtype) */
} AppOutlineTotals;

/* Immutable, reference counted; does not outlive the tree that it was made from. */
typedef struct _AppOutline AppOutline;

/**
 * app_outline_new:
 * @title: the root's label, copied
 * @human: parts of known models get names for people ("UNet", "in 1"); else those of the
 * file
 *
 * Groups with a single child are folded into one row, more than two thousand siblings are
 * put into ranges. Id 0 is the root. Cost: about 32 bytes a row. Thread: any.
 */
AppOutline *
app_outline_new (const StNode *root, const char *title, guint n_tensors, gboolean human);
AppOutline *app_outline_ref (AppOutline *self);
void app_outline_unref (AppOutline *self);
guint app_outline_size (const AppOutline *self);
guint app_outline_n_tensors (const AppOutline *self);
const AppOutlineNode *app_outline_get (const AppOutline *self, guint32 id);
void app_outline_totals (const AppOutline *self, guint32 id, AppOutlineTotals *totals);
/** app_outline_is_human: whether the row's label is one for people, not the file's */
gboolean app_outline_is_human (const AppOutline *self, guint32 id);
/** app_outline_has_human: whether any row is such a one */
gboolean app_outline_has_human (const AppOutline *self);
/** app_outline_has_capitals: whether any tensor's name has a capital letter (ASCII);
 * looks through all names once */
gboolean app_outline_has_capitals (AppOutline *self);
/** app_outline_find: the row of a tensor, by its index in the model */
guint32 app_outline_find (const AppOutline *self, guint tensor_index);
/** app_outline_find_path: the row of a group or tensor by its full name, or
 * APP_OUTLINE_NONE */
guint32 app_outline_find_path (const AppOutline *self, const char *path);
/** app_outline_tensors: (transfer full): indices of the tensors at and below @id; of
 * guint */
GArray *app_outline_tensors (const AppOutline *self, guint32 id);

/**
 * app_outline_part_name: (nullable): the translated name for people of the group @node
 * @rank: (out) (optional): smaller for parts that stand before others
 */
const char *app_outline_part_name (const StNode *node, guint *rank);
/** app_outline_block_label: (transfer full) (nullable): "in 1" for a block that moves up
 * a level */
char *app_outline_block_label (const StNode *group, const StNode *block);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppOutline, app_outline_unref)
