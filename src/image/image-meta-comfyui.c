/* image-meta-comfyui.c: from the graph that ComfyUI ran to what made the picture
 *
 * The `prompt` chunk is an object of nodes, { "3": { "class_type": "KSampler", "inputs":
 * { "seed": 5, "model": ["4", 0], … } }, … }; an input is a value or a link, the number
 * of a node and of its output. From the sampler we walk to where the texts, the size and
 * the model come from. Of several samplers (a second pass at a larger size) the one
 * counts that begins with empty latents. Nodes that we do not know are walked through by
 * the names of their inputs. Links may form rings, and every node may link to every
 * other: a graph has a budget of nodes that may be looked at.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image-private.h"

#include <math.h>
#include <string.h>

#define BUDGET 2000
#define MAX_DEPTH 50

typedef struct
{
  JsonObject *nodes;
  guint budget;
} Graph;

/* The inputs of the node that @link leads to, or NULL. */
static JsonObject *
follow (Graph *graph, JsonNode *link)
{
  JsonArray *pair;
  JsonNode *id;
  const char *name;

  if (link == NULL || !JSON_NODE_HOLDS_ARRAY (link) || graph->budget == 0)
    return NULL;
  pair = json_node_get_array (link);
  id = json_array_get_length (pair) == 2 ? json_array_get_element (pair, 0) : NULL;
  name = id != NULL && JSON_NODE_HOLDS_VALUE (id) ? json_node_get_string (id) : NULL;
  if (name == NULL)
    return NULL;
  graph->budget--;
  return image_json_object (image_json_object (graph->nodes, name), "inputs");
}

static JsonObject *
follow_input (Graph *graph, JsonObject *inputs, const char *name)
{
  return follow (graph, json_object_get_member (inputs, name));
}

/* Input @name as a value, also where a node of one value (a primitive, a seed, a text)
 * is linked to it. */
static JsonNode *
value_of (Graph *graph, JsonObject *inputs, const char *name, guint depth)
{
  static const char *const names[]
      = { "value", "seed",   "noise_seed", "int",  "float",  "number",
          "text",  "string", "String",     "Text", "prompt", "Value" };
  JsonNode *node = inputs != NULL ? json_object_get_member (inputs, name) : NULL;
  JsonObject *next;

  if (node == NULL || JSON_NODE_HOLDS_VALUE (node))
    return node;
  next = depth < MAX_DEPTH ? follow (graph, node) : NULL;
  for (guint i = 0; next != NULL && i < G_N_ELEMENTS (names); i++)
    if (json_object_has_member (next, names[i]))
      return value_of (graph, next, names[i], depth + 1);
  return NULL;
}

static const char *
string_of (Graph *graph, JsonObject *inputs, const char *name)
{
  JsonNode *node = value_of (graph, inputs, name, 0);

  return node != NULL ? json_node_get_string (node) : NULL;
}

/* Input @name of a sampler; SamplerCustom and its kin keep theirs in nodes of their own.
 */
static JsonNode *
sampler_value (Graph *graph, JsonObject *sampler, const char *name)
{
  static const char *const parts[] = { "noise", "sampler", "sigmas", "guider" };
  JsonNode *node = value_of (graph, sampler, name, 0);

  for (guint i = 0; node == NULL && i < G_N_ELEMENTS (parts); i++)
    node = value_of (graph, follow_input (graph, sampler, parts[i]), name, 0);
  return node;
}

static JsonNode *
sampler_link (Graph *graph, JsonObject *sampler, const char *name)
{
  JsonNode *node = json_object_get_member (sampler, name);
  JsonObject *guider = node == NULL ? follow_input (graph, sampler, "guider") : NULL;

  return guider != NULL ? json_object_get_member (guider, name) : node;
}

/* The text that conditioning comes from. @side is "positive" or "negative": nodes with
 * both, such as a ControlNet's, are left by the side on which they were entered. The node
 * with the text is told in @encoder. */
static char *
find_text (
    Graph *graph, JsonNode *link, const char *side, JsonObject **encoder, guint depth)
{
  const char *const onward[]
      = { side, "conditioning", "conditioning_1", "conditioning_to", "cond", "cond1" };
  JsonObject *inputs = depth < MAX_DEPTH ? follow (graph, link) : NULL;
  const char *text;

  if (inputs == NULL)
    return NULL;
  text = string_of (graph, inputs, "text");
  if (text == NULL)
    text = string_of (graph, inputs, "text_g"); /* SDXL: for the larger encoder */
  if (text == NULL)
    text = string_of (graph, inputs, "prompt");
  if (text != NULL)
    {
      *encoder = inputs;
      return g_strdup (text);
    }
  for (guint i = 0; i < G_N_ELEMENTS (onward); i++)
    {
      JsonNode *next = json_object_get_member (inputs, onward[i]);
      char *found
          = next != NULL ? find_text (graph, next, side, encoder, depth + 1) : NULL;

      if (found != NULL)
        return found;
    }
  return NULL;
}

/* Walks from @start against the inputs called @name to the node that has @wanted. */
static JsonObject *
find_source (Graph *graph, JsonObject *start, const char *name, const char *wanted)
{
  JsonObject *inputs = start;

  for (guint i = 0; inputs != NULL && i < MAX_DEPTH; i++)
    {
      if (json_object_has_member (inputs, wanted))
        return inputs;
      inputs = follow_input (graph, inputs, name);
    }
  return NULL;
}

/* The node with width and height that @sampler's latents come from at once: a node
 * between may repeat or mask them, but another sampler or a picture may not stand there.
 */
static JsonObject *
empty_latents (Graph *graph, JsonObject *sampler)
{
  JsonObject *inputs = follow_input (graph, sampler, "latent_image");
  double side;

  inputs = inputs != NULL ? find_source (graph, inputs, "samples", "width") : NULL;
  if (inputs == NULL || json_object_has_member (inputs, "samples")
      || !image_json_number (value_of (graph, inputs, "width", 0), &side))
    return NULL;
  return inputs;
}

/* The sampler that made the picture, and where its latents' size stands. */
static JsonObject *
find_sampler (Graph *graph, JsonObject **latents)
{
  g_autoptr (GList) nodes = json_object_get_values (graph->nodes);
  JsonObject *first = NULL;

  for (GList *l = nodes; l != NULL; l = l->next)
    {
      JsonObject *node
          = JSON_NODE_HOLDS_OBJECT (l->data) ? json_node_get_object (l->data) : NULL;
      const char *type = image_json_string (node, "class_type");
      JsonObject *inputs = image_json_object (node, "inputs");

      if (type == NULL || inputs == NULL || strstr (type, "Sampler") == NULL
          || !json_object_has_member (inputs, "latent_image"))
        continue;
      if (first == NULL)
        first = inputs;
      *latents = empty_latents (graph, inputs);
      if (*latents != NULL)
        return inputs;
    }
  return first;
}

static void
read_int (JsonNode *node, int *dst)
{
  double value;

  if (image_json_number (node, &value) && value >= 0 && value <= G_MAXINT)
    *dst = (int) value;
}

static const char *
as_string (JsonNode *node)
{
  return node != NULL ? json_node_get_string (node) : NULL;
}

static void
read_sampler (Graph *graph, JsonObject *sampler, ImageMeta *meta)
{
  const char *name = as_string (sampler_value (graph, sampler, "sampler_name"));
  const char *schedule = as_string (sampler_value (graph, sampler, "scheduler"));
  JsonNode *seed = sampler_value (graph, sampler, "seed");

  if (seed == NULL)
    seed = sampler_value (graph, sampler, "noise_seed");
  meta->has_seed = image_json_uint64 (seed, &meta->seed);
  read_int (sampler_value (graph, sampler, "steps"), &meta->steps);
  image_json_number (sampler_value (graph, sampler, "cfg"), &meta->cfg);
  if (name != NULL)
    image_meta_set_sampler (meta, name);
  if (schedule != NULL)
    image_meta_set_schedule (meta, schedule);
  image_meta_count_ddim_steps (meta);
}

static void
read_texts (Graph *graph, JsonObject *sampler, ImageMeta *meta)
{
  JsonObject *encoder = NULL, *unused = NULL, *clip;
  JsonNode *positive = sampler_link (graph, sampler, "positive");
  int skip = 0;

  if (positive == NULL) /* BasicGuider has one only */
    positive = sampler_link (graph, sampler, "conditioning");
  meta->prompt = find_text (graph, positive, "positive", &encoder, 0);
  meta->negative = find_text (graph, sampler_link (graph, sampler, "negative"),
                              "negative", &unused, 0);
  clip = encoder != NULL ? find_source (graph, encoder, "clip", "stop_at_clip_layer")
                         : NULL;
  if (clip != NULL)
    {
      double layer;

      if (image_json_number (value_of (graph, clip, "stop_at_clip_layer", 0), &layer)
          && layer < 0 && layer > -100)
        skip = (int) -layer;
    }
  if (skip > 0)
    meta->clip_skip = skip;
}

static void
read_model (Graph *graph, JsonObject *sampler, ImageMeta *meta)
{
  static const char *const names[] = { "ckpt_name", "unet_name" };
  JsonNode *link = sampler_link (graph, sampler, "model");

  for (guint i = 0; meta->model == NULL && i < G_N_ELEMENTS (names); i++)
    {
      JsonObject *first = follow (graph, link);
      JsonObject *loader
          = first != NULL ? find_source (graph, first, "model", names[i]) : NULL;

      meta->model = g_strdup (string_of (graph, loader, names[i]));
    }
}

ImageMeta *
image_meta_from_comfyui (const char *json)
{
  g_autoptr (JsonNode) root = image_json_parse (json);
  Graph graph = { .budget = BUDGET };
  JsonObject *sampler, *latents = NULL;
  ImageMeta *meta;

  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return NULL;
  graph.nodes = json_node_get_object (root);
  sampler = find_sampler (&graph, &latents);
  if (sampler == NULL)
    return NULL;
  graph.budget = BUDGET;
  meta = image_meta_new ();
  meta->source = g_strdup ("comfyui");
  meta->rng = g_strdup ("cpu"); /* ComfyUI draws its noise there */
  read_sampler (&graph, sampler, meta);
  read_texts (&graph, sampler, meta);
  read_model (&graph, sampler, meta);
  if (latents != NULL)
    {
      read_int (value_of (&graph, latents, "width", 0), &meta->width);
      read_int (value_of (&graph, latents, "height", 0), &meta->height);
    }
  return meta;
}
