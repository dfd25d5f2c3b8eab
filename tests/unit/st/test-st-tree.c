/* test-st-tree.c: names as a tree: order, sums, and names made to hurt
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "scratch.h"

#include "st/st.h"

#include <string.h>

static char *folder;

/* A model of one-byte tensors with these names; a name may be a count's pattern. */
static StModel *
make_model (const char *const *names, guint n)
{
  static const guint8 byte = 0;
  g_autofree StWriteTensor *tensors = g_new (StWriteTensor, n);
  g_autofree char *path = g_build_filename (folder, "tree.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  StModel *model;

  for (guint i = 0; i < n; i++)
    tensors[i] = (StWriteTensor){ names[i], ST_DTYPE_U8, 0, NULL, &byte };
  g_assert_true (st_write (path, tensors, n, NULL, &error));
  model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  return model;
}

static StTree *
make_tree (const char *const *names, guint n)
{
  g_autoptr (StModel) model = make_model (names, n);
  g_autoptr (GError) error = NULL;
  StTree *tree = st_tree_new (model, NULL, &error);

  g_assert_no_error (error);
  return tree;
}

static void
describe (const StNode *node, GString *text)
{
  g_string_append_printf (text, "%s%s", node->label, node->tensor != NULL ? "=" : "");
  if (node->n_children == 0)
    return;
  g_string_append_c (text, '(');
  for (guint i = 0; i < node->n_children; i++)
    {
      g_string_append (text, i > 0 ? " " : "");
      g_assert_true (node->children[i]->parent == node);
      describe (node->children[i], text);
    }
  g_string_append_c (text, ')');
}

static void
assert_tree (const char *const *names, guint n, const char *expected)
{
  g_autoptr (StTree) tree = make_tree (names, n);
  GString *text = g_string_new (NULL);

  describe (st_tree_root (tree), text);
  g_assert_cmpstr (text->str, ==, expected);
  g_assert_cmpuint (st_tree_root (tree)->n_tensors, ==, n);
  g_assert_cmpuint (st_tree_root (tree)->bytes, ==, n);
  g_string_free (text, TRUE);
}

static void
test_natural_order (void)
{
  static const char *const names[]
      = { "b.10.w", "b.9.w", "b.9.b", "b.1.w", "b.01.w", "a", "b.x2y", "b.x10y" };

  assert_tree (names, G_N_ELEMENTS (names),
               "tree(a= b(1(w=) 01(w=) 9(b= w=) 10(w=) x2y= x10y=))");
}

static void
test_group_and_tensor (void)
{
  static const char *const names[] = { "a.b", "a.b.c", "a", "", ".", "..x" };

  assert_tree (names, G_N_ELEMENTS (names), "tree(((x=) =) = a(b(c=) b=) a=)");
}

/* Groups that are left and entered again are the same group. */
static void
test_interleaved (void)
{
  static const char *const names[]
      = { "a.b.x", "c.b.x", "a.b.y", "c.b.y", "a.z", "aa.b" };

  assert_tree (names, G_N_ELEMENTS (names), "tree(a(b(x= y=) z=) aa(b=) c(b(x= y=)))");
}

static void
test_control_characters (void)
{
  static const char *const names[] = { "a\nb.c\x7f", "a\342\200\256.d" };
  g_autoptr (StTree) tree = make_tree (names, 2);
  const StNode *first = st_tree_root (tree)->children[0];

  g_assert_cmpstr (first->label, ==, "a\\u000ab");
  g_assert_cmpstr (first->children[0]->label, ==, "c\\u007f");
  g_assert_cmpstr (first->children[0]->path, ==, "a\\u000ab.c\\u007f");
  g_assert_cmpstr (st_tree_root (tree)->children[1]->label, ==, "a\\u202e");
}

static void
test_sums (void)
{
  static const guint64 shape[] = { 3, 2 };
  static const guint8 zeros[24];
  const StWriteTensor tensors[] = {
    { "m.f", ST_DTYPE_F32, 2, shape, zeros },
    { "m.h", ST_DTYPE_F16, 2, shape, zeros },
    { "n", ST_DTYPE_F4, 2, shape, zeros },
  };
  g_autofree char *path = g_build_filename (folder, "sums.safetensors", NULL);
  g_autoptr (StModel) model = NULL;
  g_autoptr (StTree) tree = NULL;
  const StNode *root, *m;

  g_assert_true (st_write (path, tensors, 3, NULL, NULL));
  model = st_model_open (path, NULL, NULL);
  tree = st_tree_new (model, NULL, NULL);
  root = st_tree_root (tree);
  m = root->children[0];
  g_assert_cmpstr (m->path, ==, "m");
  g_assert_cmpuint (m->n_tensors, ==, 2);
  g_assert_cmpuint (m->bytes, ==, 36);
  g_assert_cmpuint (m->values, ==, 12);
  g_assert_cmphex (m->dtypes, ==, 1u << ST_DTYPE_F32 | 1u << ST_DTYPE_F16);
  g_assert_cmpuint (root->bytes, ==, 39);
  g_assert_cmpuint (root->values, ==, 18);
  g_assert_cmpstr (m->children[1]->path, ==, "m.h");
  g_assert_true (m->children[1]->tensor
                 == st_model_tensor (model, m->children[1]->index));
}

/* A name of a million dots must cost neither a million levels nor the stack. */
static void
test_deep (void)
{
  g_autofree char *name = g_malloc0 (1000001);
  const char *const names[] = { name, "b" };
  g_autoptr (StTree) tree = NULL;
  const StNode *node;
  guint depth = 0;

  memset (name, '.', 1000000);
  tree = make_tree (names, 2);
  for (node = st_tree_root (tree); node->n_children > 0; node = node->children[0])
    depth++;
  g_assert_cmpuint (depth, ==, 65);
  g_assert_cmpuint (strlen (node->label), ==, 1000000 - 64);
}

static void
test_empty (void)
{
  assert_tree (NULL, 0, "tree");
}

static void
test_many (void)
{
  const guint n = 200000;
  g_autofree const char **names = g_new (const char *, n);
  g_autoptr (GStringChunk) chunk = g_string_chunk_new (1 << 20);
  g_autoptr (StTree) tree = NULL;
  gint64 start;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("model.layers.%u.experts.%u.w%u", i % 50,
                                               i / 50 % 500, i / 25000);

      names[i] = g_string_chunk_insert (chunk, name);
    }
  start = g_get_monotonic_time ();
  tree = make_tree (names, n);
  g_test_message ("%u names: %.0f ms", n, (g_get_monotonic_time () - start) / 1e3);
  g_assert_cmpuint (st_tree_root (tree)->n_tensors, ==, n);
  g_assert_cmpuint (st_tree_root (tree)->children[0]->children[0]->n_children, ==, 50);
}

static void
test_cancelled (void)
{
  static const char *const names[] = { "a" };
  g_autoptr (StModel) model = make_model (names, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const BaseTask task = { .cancellable = cancellable };
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (st_tree_new (model, &task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("st-tree-XXXXXX", NULL);
  g_test_add_func ("/st/tree/natural-order", test_natural_order);
  g_test_add_func ("/st/tree/group-and-tensor", test_group_and_tensor);
  g_test_add_func ("/st/tree/interleaved", test_interleaved);
  g_test_add_func ("/st/tree/control-characters", test_control_characters);
  g_test_add_func ("/st/tree/sums", test_sums);
  g_test_add_func ("/st/tree/deep", test_deep);
  g_test_add_func ("/st/tree/empty", test_empty);
  g_test_add_func ("/st/tree/many", test_many);
  g_test_add_func ("/st/tree/cancelled", test_cancelled);
  status = g_test_run ();
  scratch_remove (folder);
  g_free (folder);
  return status;
}
