/* st-tree.c: the tensors of a model as a tree of their dotted names
 *
 * One pass in file order: names that follow each other share most of their path, so the
 * groups of the name before are kept at hand, and only where the paths part is a table
 * asked. Sorting is left to the end and to each group's children alone. A million names
 * take about half a second.
 *
 * A hostile file could hold a name of fifty million dots. Parts beyond MAX_DEPTH, and all
 * new groups beyond MAX_GROUPS, stay together in the label of the leaf.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-header-private.h"

#include <string.h>

#define MAX_DEPTH 64
#define MAX_GROUPS 2000000
#define CHECK_EVERY 8192

struct _StTree
{
  StModel *model;
  StArena *arena;
  char *title;
  StNode *root;
};

typedef struct
{
  StNode node;
  const char *part; /* as in the name, without the dot */
  gsize part_length;
  guint64 hash;
} Group;

typedef struct
{
  guint32 hash;
  guint32 group; /* index + 1; 0: free */
} Slot;

typedef struct
{
  StTree *tree;
  GPtrArray *nodes; /* parents before children */
  GPtrArray *groups;
  StHashKey key;
  Slot *slots;
  guint32 mask;
  /* The way to the name before: its groups, and where in the name each ends. */
  Group *way[MAX_DEPTH];
  gsize way_end[MAX_DEPTH];
  guint depth;
  const StModelTensor *before;
} Builder;

static gboolean
is_digit (char c)
{
  return c >= '0' && c <= '9';
}

/* "2" before "10"; where numbers are equal, fewer leading zeros first. */
static int
compare_natural (const char *a, const char *b)
{
  int zeros = 0;

  while (*a != 0 && *b != 0)
    {
      if (is_digit (*a) && is_digit (*b))
        {
          const char *const from_a = a, *const from_b = b;
          gsize n_a = 0, n_b = 0;
          int order;

          while (*a == '0')
            a++;
          while (*b == '0')
            b++;
          if (zeros == 0)
            zeros = (int) CLAMP ((a - from_a) - (b - from_b), -1, 1);
          while (is_digit (a[n_a]))
            n_a++;
          while (is_digit (b[n_b]))
            n_b++;
          if (n_a != n_b)
            return n_a < n_b ? -1 : 1;
          order = memcmp (a, b, n_a);
          if (order != 0)
            return order;
          a += n_a;
          b += n_b;
          continue;
        }
      if (*a != *b)
        return (guchar) *a < (guchar) *b ? -1 : 1;
      a++;
      b++;
    }
  if (*a != *b)
    return *a == 0 ? -1 : 1;
  return zeros;
}

/* A name can be both a tensor and the beginning of others: the group stands first. */
static int
compare_nodes (const StNode *a, const StNode *b)
{
  const int order = compare_natural (a->label, b->label);

  if (order != 0)
    return order;
  if ((a->tensor == NULL) != (b->tensor == NULL))
    return a->tensor == NULL ? -1 : 1;
  return a->index < b->index ? -1 : a->index > b->index;
}

static int
compare_node_pointers (gconstpointer a, gconstpointer b)
{
  return compare_nodes (*(StNode *const *) a, *(StNode *const *) b);
}

/* @length bytes of a name, as they can be shown: mostly the name itself, when it ends
 * there. */
static char *
shown (Builder *builder, const char *text, gsize length, gboolean at_end)
{
  g_autofree char *escaped = NULL;

  if (st_name_is_plain (text, length))
    return at_end ? (char *) text : st_arena_copy (builder->tree->arena, text, length);
  escaped = st_name_escape (text, length);
  return st_arena_copy (builder->tree->arena, escaped, strlen (escaped));
}

static void
add_node (Builder *builder, StNode *node, StNode *parent)
{
  node->parent = parent;
  parent->n_children++;
  g_ptr_array_add (builder->nodes, node);
}

static guint64
group_hash (Builder *builder, const StNode *parent, const char *part, gsize length)
{
  return st_hash (&builder->key, part, length)
         ^ (guintptr) parent * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
}

/* Groups lie all over memory: only one whose hash is the same is looked at. */
static guint32
group_slot (
    Builder *builder, guint64 hash, const StNode *parent, const char *part, gsize length)
{
  guint32 i = (guint32) (hash >> 24) & builder->mask;

  for (; builder->slots[i].group != 0; i = (i + 1) & builder->mask)
    {
      const Group *group;

      if (builder->slots[i].hash != (guint32) hash)
        continue;
      group = g_ptr_array_index (builder->groups, builder->slots[i].group - 1);
      if (group->node.parent == parent && group->part_length == length
          && memcmp (group->part, part, length) == 0)
        break;
    }
  return i;
}

static void
grow_groups (Builder *builder)
{
  if (builder->groups->len < builder->mask / 2)
    return;
  g_free (builder->slots);
  builder->mask = builder->mask * 2 + 1;
  builder->slots = g_new0 (Slot, (gsize) builder->mask + 1);
  for (guint i = 0; i < builder->groups->len; i++)
    {
      const Group *group = g_ptr_array_index (builder->groups, i);
      guint32 slot = (guint32) (group->hash >> 24) & builder->mask;

      while (builder->slots[slot].group != 0)
        slot = (slot + 1) & builder->mask;
      builder->slots[slot] = (Slot){ (guint32) group->hash, i + 1 };
    }
}

/* The group of @parent for name[start, end); NULL when there are too many already. */
static Group *
find_group (Builder *builder, StNode *parent, const char *name, gsize start, gsize end)
{
  guint64 hash = group_hash (builder, parent, name + start, end - start);
  guint32 slot;
  Group *group;

  grow_groups (builder);
  slot = group_slot (builder, hash, parent, name + start, end - start);
  if (builder->slots[slot].group != 0)
    return g_ptr_array_index (builder->groups, builder->slots[slot].group - 1);
  if (builder->groups->len == MAX_GROUPS)
    return NULL;
  group = st_arena_alloc (builder->tree->arena, sizeof *group);
  *group = (Group){ .part = name + start, .part_length = end - start, .hash = hash };
  group->node.label = shown (builder, name + start, end - start, FALSE);
  group->node.path = shown (builder, name, end, FALSE);
  add_node (builder, &group->node, parent);
  g_ptr_array_add (builder->groups, group);
  builder->slots[slot] = (Slot){ (guint32) hash, builder->groups->len };
  return group;
}

/* How much of the way to the name before leads to this one too. */
static void
shorten_way (Builder *builder, const StModelTensor *tensor)
{
  gsize common = 0, most;

  if (builder->before == NULL)
    return;
  most = MIN (tensor->name_length, builder->before->name_length);
  while (common < most && tensor->name[common] == builder->before->name[common])
    common++;
  while (builder->depth > 0 && builder->way_end[builder->depth - 1] >= common)
    builder->depth--;
}

static void
add_tensor (Builder *builder, const StModelTensor *tensor, guint index)
{
  const char *const name = tensor->name;
  const gsize length = tensor->name_length;
  /* In a folder the part stands in front, before a slash. */
  const gsize prefix = length - tensor->tensor->name_length;
  StNode *parent = builder->tree->root;
  StNode *leaf;
  gsize start = 0;

  shorten_way (builder, tensor);
  builder->before = tensor;
  if (builder->depth > 0)
    {
      parent = &builder->way[builder->depth - 1]->node;
      start = builder->way_end[builder->depth - 1] + 1;
    }
  while (builder->depth < MAX_DEPTH)
    {
      const gboolean in_prefix = start < prefix;
      const char *dot
          = in_prefix ? name + prefix - 1 : memchr (name + start, '.', length - start);
      Group *group = NULL;

      if (dot != NULL)
        group = find_group (builder, parent, name, start, (gsize) (dot - name));
      if (group == NULL)
        break;
      parent = &group->node;
      builder->way[builder->depth] = group;
      builder->way_end[builder->depth++] = (gsize) (dot - name);
      start = (gsize) (dot - name) + 1;
    }
  leaf = st_arena_alloc (builder->tree->arena, sizeof *leaf);
  *leaf = (StNode){ .tensor = tensor, .index = index, .n_tensors = 1 };
  leaf->label = shown (builder, name + start, length - start, TRUE);
  leaf->path = shown (builder, name, length, TRUE);
  leaf->bytes = tensor->tensor->end - tensor->tensor->begin;
  leaf->values = tensor->tensor->count;
  leaf->dtypes = 1u << tensor->tensor->dtype;
  add_node (builder, leaf, parent);
}

/* Gives every node its children, in the order in which they came, and the sums. */
static void
link_children (Builder *builder)
{
  for (guint i = 0; i < builder->nodes->len; i++)
    {
      StNode *node = g_ptr_array_index (builder->nodes, i);

      if (node->n_children > 0)
        node->children
            = st_arena_alloc (builder->tree->arena, sizeof (StNode *) * node->n_children);
      node->n_children = 0;
      if (node->parent != NULL)
        node->parent->children[node->parent->n_children++] = node;
    }
  for (guint i = builder->nodes->len; i-- > 1;)
    {
      const StNode *node = g_ptr_array_index (builder->nodes, i);

      node->parent->n_tensors += node->n_tensors;
      node->parent->bytes += node->bytes;
      node->parent->values += node->values;
      node->parent->dtypes |= node->dtypes;
    }
}

static void
sort_children (StNode *node)
{
  for (guint i = 1; i < node->n_children; i++)
    if (compare_nodes (node->children[i - 1], node->children[i]) > 0)
      {
        qsort (node->children, node->n_children, sizeof *node->children,
               compare_node_pointers);
        return;
      }
}

static gboolean
build (Builder *builder, const BaseTask *task, GError **error)
{
  StModel *model = builder->tree->model;
  const guint n = st_model_n_tensors (model);

  for (guint i = 0; i < n; i++)
    {
      if (i % CHECK_EVERY == 0)
        {
          if (!base_task_check (task, error))
            return FALSE;
          base_task_progress (task, "tree", i, n);
        }
      add_tensor (builder, st_model_tensor (model, i), i);
    }
  link_children (builder);
  for (guint i = 0; i < builder->nodes->len; i++)
    {
      if (i % CHECK_EVERY == 0 && !base_task_check (task, error))
        return FALSE;
      sort_children (g_ptr_array_index (builder->nodes, i));
    }
  return TRUE;
}

StTree *
st_tree_new (StModel *model, const BaseTask *task, GError **error)
{
  g_autoptr (StTree) tree = g_new0 (StTree, 1);
  Builder builder = { .tree = tree, .mask = 255 };
  gboolean ok;

  tree->model = st_model_ref (model);
  tree->arena = st_arena_new ();
  tree->title = st_model_title (model);
  tree->root = st_arena_alloc (tree->arena, sizeof *tree->root);
  *tree->root = (StNode){ .label = tree->title };
  tree->root->path = st_arena_copy (tree->arena, "", 0);
  builder.nodes = g_ptr_array_new ();
  builder.groups = g_ptr_array_new ();
  builder.slots = g_new0 (Slot, builder.mask + 1);
  st_hash_key_init (&builder.key);
  g_ptr_array_add (builder.nodes, tree->root);

  ok = build (&builder, task, error);

  g_ptr_array_unref (builder.nodes);
  g_ptr_array_unref (builder.groups);
  g_free (builder.slots);
  return ok ? g_steal_pointer (&tree) : NULL;
}

void
st_tree_free (StTree *tree)
{
  if (tree == NULL)
    return;
  st_arena_free (tree->arena);
  g_free (tree->title);
  st_model_unref (tree->model);
  g_free (tree);
}

StNode *
st_tree_root (StTree *tree)
{
  return tree->root;
}
