/* app-outline.c: the tree of names as it is shown
 *
 * The reader's tree has one node for each part of a name. A person wants less: chains of
 * groups with one child are one row ("model.diffusion_model"), the blocks of a UNet stand
 * right below it, and half a million siblings are put into ranges, because GTK keeps
 * something for every row of an unfolded group.
 *
 * Rows are numbered breadth first, so that the children of a row are a run of ids: a list
 * model, a filter and a set of unfolded rows are then plain arrays.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-outline.h"

#include <string.h>

#include "app/app-format.h"

#define MAX_SIBLINGS 2000
#define RANGE 1000

/* The siblings of a range: children first … + n of a node of the reader's tree. */
typedef struct
{
  guint32 id;
  StNode **first;
  guint n;
} Range;

struct _AppOutline
{
  gatomicrefcount ref_count;
  gboolean human;
  GArray *nodes;  /* AppOutlineNode */
  GArray *ranges; /* Range, ids ascending */
  GStringChunk *labels;
  GHashTable *human_ids; /* set of ids whose label is one for people */
  guint32 *of_tensor;
  guint n_tensors;
  int capitals; /* in names: 1: some, -1: none, 0: not known; atomic */
};

static void
append (AppOutline *self, const AppOutlineNode *child, gboolean human)
{
  if (human)
    g_hash_table_add (self->human_ids, GUINT_TO_POINTER (self->nodes->len));
  if (child->node != NULL && child->node->tensor != NULL
      && child->node->index < self->n_tensors)
    self->of_tensor[child->node->index] = self->nodes->len;
  g_array_append_val (self->nodes, *child);
}

/* The last node of the chain that starts at @node, the label for the whole of it, and its
 * rank: below G_MAXUINT for a part with a name for people. */
static const StNode *
follow_chain (AppOutline *self, const StNode *node, const char **label, guint *rank)
{
  gsize above = strlen (node->parent->path);
  /* Past the parent's path and the dot. A name shown with escapes may not have it. */
  gsize start = above > 0 && strlen (node->path) > above ? above + 1 : 0;
  const char *part = NULL;

  *rank = G_MAXUINT;
  if (self->human)
    part = app_outline_part_name (node, rank);
  while (node->tensor == NULL && node->n_children == 1)
    {
      const StNode *child = node->children[0];
      if (part != NULL && child->tensor != NULL)
        break;
      node = child;
      if (part == NULL && self->human)
        part = app_outline_part_name (node, rank);
    }
  *label = part != NULL ? part : node->path + start;
  return node;
}

static void
append_child (AppOutline *self, guint32 parent, const StNode *node)
{
  AppOutlineNode child = { .parent = parent };
  guint rank;

  child.node = follow_chain (self, node, &child.label, &rank);
  append (self, &child, rank < G_MAXUINT);
}

static void
append_blocks (AppOutline *self, guint32 parent, const StNode *group)
{
  for (guint i = 0; i < group->n_children; i++)
    {
      const StNode *block = group->children[i];
      g_autofree char *label = app_outline_block_label (group, block);
      AppOutlineNode child = { .parent = parent };
      const char *unused;
      guint rank;

      child.node = follow_chain (self, block, &unused, &rank);
      child.label = g_string_chunk_insert_const (self->labels, label);
      append (self, &child, TRUE);
    }
}

static void
append_ranges (AppOutline *self, guint32 parent, StNode **nodes, guint n)
{
  guint size = MAX (RANGE, n / RANGE + 1);

  for (guint i = 0; i < n; i += size)
    {
      Range range = { self->nodes->len, nodes + i, MIN (size, n - i) };
      AppOutlineNode child = { .parent = parent };
      g_autofree char *label
          = app_format_range (nodes[i]->label, nodes[i + range.n - 1]->label);

      child.label = g_string_chunk_insert_const (self->labels, label);
      append (self, &child, FALSE);
      g_array_append_val (self->ranges, range);
    }
}

/* A group whose blocks stand beside it: "input_blocks" below a UNet. */
static gboolean
is_lifted (const StNode *group)
{
  g_autofree char *label = NULL;

  if (group->tensor != NULL || group->n_children == 0
      || group->children[0]->tensor != NULL)
    return FALSE;
  label = app_outline_block_label (group, group->children[0]);
  return label != NULL;
}

typedef struct
{
  StNode *node;
  guint rank, place;
} Ranked;

static int
compare_ranked (gconstpointer a, gconstpointer b)
{
  const Ranked *x = a, *y = b;

  if (x->rank != y->rank)
    return x->rank < y->rank ? -1 : 1;
  return x->place < y->place ? -1 : 1;
}

/* (transfer full): known parts in the order of their ranks, then the rest as it was. */
static StNode **
order_parts (AppOutline *self, StNode **nodes, guint n)
{
  g_autoptr (GArray) ranked = g_array_sized_new (FALSE, FALSE, sizeof (Ranked), n);
  StNode **ordered = g_new (StNode *, n);
  const char *label;

  for (guint i = 0; i < n; i++)
    {
      Ranked item = { nodes[i], G_MAXUINT, i };
      follow_chain (self, nodes[i], &label, &item.rank);
      g_array_append_val (ranked, item);
    }
  g_array_sort (ranked, compare_ranked);
  for (guint i = 0; i < n; i++)
    ordered[i] = g_array_index (ranked, Ranked, i).node;
  return ordered;
}

static void
append_children (AppOutline *self, guint32 id, guint *next_range)
{
  const StNode *node = g_array_index (self->nodes, AppOutlineNode, id).node;
  guint32 parent = g_array_index (self->nodes, AppOutlineNode, id).parent;
  guint32 first = self->nodes->len;
  g_autofree StNode **ordered = NULL;
  StNode **children;
  guint n;

  if (node == NULL)
    {
      const Range *range = &g_array_index (self->ranges, Range, (*next_range)++);
      children = range->first;
      n = range->n;
    }
  else
    {
      children = node->children;
      n = node->n_children;
    }
  /* Parts of a model are at most two levels down. */
  if (self->human && (id == 0 || parent == 0) && n <= MAX_SIBLINGS)
    children = ordered = order_parts (self, children, n);
  if (node != NULL && n > MAX_SIBLINGS)
    append_ranges (self, id, children, n);
  else
    for (guint i = 0; i < n; i++)
      {
        if (self->human && is_lifted (children[i]))
          append_blocks (self, id, children[i]);
        else
          append_child (self, id, children[i]);
      }
  g_array_index (self->nodes, AppOutlineNode, id).first_child = first;
  g_array_index (self->nodes, AppOutlineNode, id).n_children = self->nodes->len - first;
}

AppOutline *
app_outline_new (const StNode *root, const char *title, guint n_tensors, gboolean human)
{
  AppOutline *self = g_new0 (AppOutline, 1);
  AppOutlineNode top = { .node = root, .parent = APP_OUTLINE_NONE };
  guint next_range = 0;

  g_atomic_ref_count_init (&self->ref_count);
  self->human = human;
  self->nodes = g_array_new (FALSE, TRUE, sizeof (AppOutlineNode));
  self->ranges = g_array_new (FALSE, FALSE, sizeof (Range));
  self->labels = g_string_chunk_new (1024);
  self->human_ids = g_hash_table_new (NULL, NULL);
  self->n_tensors = n_tensors;
  self->of_tensor = g_new (guint32, n_tensors);
  memset (self->of_tensor, 0xff, n_tensors * sizeof (guint32));
  top.label = g_string_chunk_insert (self->labels, title);
  append (self, &top, FALSE);
  for (guint32 id = 0; id < self->nodes->len; id++)
    append_children (self, id, &next_range);
  return self;
}

AppOutline *
app_outline_ref (AppOutline *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
app_outline_unref (AppOutline *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_array_unref (self->nodes);
  g_array_unref (self->ranges);
  g_string_chunk_free (self->labels);
  g_hash_table_unref (self->human_ids);
  g_free (self->of_tensor);
  g_free (self);
}

guint
app_outline_size (const AppOutline *self)
{
  return self->nodes->len;
}

guint
app_outline_n_tensors (const AppOutline *self)
{
  return self->n_tensors;
}

const AppOutlineNode *
app_outline_get (const AppOutline *self, guint32 id)
{
  g_return_val_if_fail (id < self->nodes->len, NULL);
  return &g_array_index (self->nodes, AppOutlineNode, id);
}

void
app_outline_totals (const AppOutline *self, guint32 id, AppOutlineTotals *totals)
{
  const AppOutlineNode *node = app_outline_get (self, id);

  if (node->node != NULL)
    {
      *totals = (AppOutlineTotals){ node->node->n_tensors, node->node->bytes,
                                    node->node->values, node->node->dtypes };
      return;
    }
  *totals = (AppOutlineTotals){ 0 };
  for (guint i = 0; i < node->n_children; i++)
    {
      AppOutlineTotals part;
      app_outline_totals (self, node->first_child + i, &part);
      totals->n_tensors += part.n_tensors;
      totals->bytes += part.bytes;
      totals->values += part.values;
      totals->dtypes |= part.dtypes;
    }
}

gboolean
app_outline_is_human (const AppOutline *self, guint32 id)
{
  return g_hash_table_contains (self->human_ids, GUINT_TO_POINTER (id));
}

gboolean
app_outline_has_human (const AppOutline *self)
{
  return g_hash_table_size (self->human_ids) > 0;
}

gboolean
app_outline_has_capitals (AppOutline *self)
{
  int known = g_atomic_int_get (&self->capitals);

  if (known != 0)
    return known > 0;
  known = -1;
  for (guint32 id = 0; id < self->nodes->len && known < 0; id++)
    {
      const StNode *node = g_array_index (self->nodes, AppOutlineNode, id).node;
      const char *at = node != NULL && node->tensor != NULL ? node->tensor->name : "";

      for (; *at != '\0' && known < 0; at++)
        if (*at >= 'A' && *at <= 'Z')
          known = 1;
    }
  g_atomic_int_set (&self->capitals, known);
  return known > 0;
}

guint32
app_outline_find (const AppOutline *self, guint tensor_index)
{
  return tensor_index < self->n_tensors ? self->of_tensor[tensor_index]
                                        : APP_OUTLINE_NONE;
}

guint32
app_outline_find_path (const AppOutline *self, const char *path)
{
  for (guint32 id = 0; id < self->nodes->len; id++)
    {
      const AppOutlineNode *node = app_outline_get (self, id);
      if (node->node != NULL && g_strcmp0 (node->node->path, path) == 0)
        return id;
    }
  return APP_OUTLINE_NONE;
}

static void
collect (const StNode *node, GArray *indices)
{
  if (node->tensor != NULL)
    g_array_append_val (indices, node->index);
  for (guint i = 0; i < node->n_children; i++)
    collect (node->children[i], indices);
}

GArray *
app_outline_tensors (const AppOutline *self, guint32 id)
{
  const AppOutlineNode *node = app_outline_get (self, id);
  GArray *indices = g_array_new (FALSE, FALSE, sizeof (guint));

  if (node->node != NULL)
    collect (node->node, indices);
  else
    for (guint i = 0; i < node->n_children; i++)
      collect (app_outline_get (self, node->first_child + i)->node, indices);
  return indices;
}
