/* nn-graph.c: graphs, tensors, loads and stores
 *
 * A graph is a list of operators in the order of their construction, which is a valid
 * order of execution. What is stored to a state is written there by the operator that
 * makes it, without a copy, unless the same state is also read by the graph: then its old
 * value must stay until every reader is through, and a copying operator comes last.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"
#include "nn/nn-graph-private.h"

G_DEFINE_QUARK (nn_error_quark, nn_error)

/**
 * nn_graph_new:
 * @context: must outlive the graph
 * @name: for messages and profiles
 */
NnGraph *
nn_graph_new (NnContext *context, const char *name)
{
  NnGraph *graph = g_new0 (NnGraph, 1);

  graph->context = context;
  graph->name = g_strdup (name);
  graph->tensors = g_ptr_array_new_with_free_func (g_free);
  graph->ops = g_ptr_array_new_with_free_func (g_free);
  return graph;
}

void
nn_graph_set_exact (NnGraph *graph, gboolean exact)
{
  graph->exact = exact;
}

void
nn_graph_free (NnGraph *graph)
{
  if (graph == NULL)
    return;
  g_ptr_array_unref (graph->ops);
  g_ptr_array_unref (graph->tensors);
  g_clear_error (&graph->fault);
  g_free (graph->name);
  g_free (graph);
}

guint
nn_tensor_n (const NnTensor *x)
{
  return x->n;
}

guint
nn_tensor_h (const NnTensor *x)
{
  return x->h;
}

guint
nn_tensor_w (const NnTensor *x)
{
  return x->w;
}

guint
nn_tensor_c (const NnTensor *x)
{
  return x->c;
}

/* ---- for the constructors ---- */

/** nn_graph_fault: keeps the first shape that does not fit; the constructor goes on */
void
nn_graph_fault (NnGraph *graph, const char *label, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  if (graph->fault != NULL)
    return;
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  graph->fault
      = g_error_new (NN_ERROR, NN_ERROR_SHAPE, "%s: %s: %s", graph->name, label, text);
}

/** nn_graph_tensor: a new tensor; sizes of 0, which only a fault makes, become 1 */
NnTensor *
nn_graph_tensor (NnGraph *graph, guint n, guint h, guint w, guint c)
{
  NnTensor *x = g_new0 (NnTensor, 1);

  x->graph = graph;
  x->n = MAX (n, 1);
  x->h = MAX (h, 1);
  x->w = MAX (w, 1);
  x->c = MAX (c, 1);
  x->last_use = -1;
  x->exact = graph->exact;
  g_ptr_array_add (graph->tensors, x);
  return x;
}

/** nn_graph_op: appends an operator whose output is @y */
NnOp *
nn_graph_op (NnGraph *graph, NnOpKind kind, NnTensor *y, const char *label)
{
  NnOp *op = g_new0 (NnOp, 1);

  op->kind = kind;
  op->y = y;
  op->level = 1;
  g_strlcpy (op->label, label, sizeof op->label);
  y->producer = op;
  g_ptr_array_add (graph->ops, op);
  return op;
}

/** nn_op_read: notes that @op reads @x (nullable), and with it the op's level */
void
nn_op_read (NnOp *op, NnTensor *x)
{
  if (x == NULL)
    return;
  g_assert (op->n_inputs < NN_MAX_INPUTS);
  op->inputs[op->n_inputs++] = x;
  if (x->producer != NULL)
    op->level = MAX (op->level, x->producer->level + 1);
}

/** nn_op_use: notes that @op uses @weight (nullable) */
void
nn_op_use (NnOp *op, NnWeight *weight)
{
  if (weight == NULL)
    return;
  g_assert (op->n_weights < NN_MAX_WEIGHTS);
  op->weights[op->n_weights++] = weight;
}

/* ---- states ---- */

static NnTensor *
find_by_state (NnGraph *graph, NnState *state)
{
  for (guint i = graph->tensors->len; i-- > 0;)
    {
      NnTensor *x = g_ptr_array_index (graph->tensors, i);

      if (x->state == state)
        return x;
    }
  return NULL;
}

/**
 * nn_load:
 *
 * Returns: what @state holds when the program begins; or, when the graph has stored to it
 *   before, what was stored
 */
NnTensor *
nn_load (NnGraph *graph, NnState *state)
{
  NnTensor *x = find_by_state (graph, state);

  if (x == NULL)
    {
      x = nn_graph_tensor (graph, state->n, state->h, state->w, state->c);
      x->state = state;
    }
  return x;
}

/** nn_store: @state holds @x when the program has run */
void
nn_store (NnGraph *graph, NnTensor *x, NnState *state)
{
  if (x->n != state->n || x->h != state->h || x->w != state->w || x->c != state->c)
    {
      nn_graph_fault (graph, state->name,
                      "%u×%u×%u×%u values are stored to a state of %u×%u×%u×%u", x->n,
                      x->h, x->w, x->c, state->n, state->h, state->w, state->c);
      return;
    }
  if (x->state == state)
    return;
  if (x->state != NULL || find_by_state (graph, state) != NULL)
    {
      guint level = 0;

      for (guint i = 0; i < graph->ops->len; i++)
        level = MAX (level, ((NnOp *) g_ptr_array_index (graph->ops, i))->level);
      x = nn_act (graph, x, NN_ACT_NONE, state->name);
      x->producer->level = level + 1;
    }
  x->state = state;
}
