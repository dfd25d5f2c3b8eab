/* sd-engine-programs.c: an engine's programs and the states that they share
 *
 * Programs are made for a size when it is first used; few are kept, since each holds its
 * states, while weights are shared by all.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-engine-private.h"

#define MAX_PROGRAMS 12
/* Latents' side and prompts of the programs from which the list of weights is had: small,
 * and alike enough to those that will run to know their kernels by. */
#define LOAD_SIZE 16
#define LOAD_PROMPTS 2

static void
program_free (gpointer data)
{
  SdProgram *program = data;
  nn_program_free (program->program);
  nn_state_free (program->in);
  nn_state_free (program->out);
  nn_state_free (program->extra);
  g_free (program);
}

GPtrArray *
sd_engine_programs_new (void)
{
  return g_ptr_array_new_with_free_func (program_free);
}

/* ---- sets of prompts ---- */

guint
sd_set_n (SdSet set)
{
  return set == SD_SET_BOTH ? 2 : set == SD_SET_THREE ? 3 : 1;
}

SdSet
sd_set_of_all (guint n)
{
  return n == 3 ? SD_SET_THREE : n == 2 ? SD_SET_BOTH : SD_SET_FIRST;
}

SdSet
sd_set_of_one (guint index)
{
  return index == 2 ? SD_SET_THIRD : index == 1 ? SD_SET_SECOND : SD_SET_FIRST;
}

/* ---- states ---- */

/* That a pass of the set looks at. */
static guint
chunks_of (const SdEngine *engine, SdSet set)
{
  guint index = set == SD_SET_THIRD ? 2 : set == SD_SET_SECOND ? 1 : 0;
  return MAX (1, engine->shape.chunks[index]);
}

static gboolean
looks_at_text (SdStage stage)
{
  return stage == SD_STAGE_CONTEXT || stage == SD_STAGE_UNET;
}

static gboolean
make_cross (SdEngine *engine, SdSet set, GError **error)
{
  SdCross *cross = &engine->cross[set];
  guint n = sd_set_n (set), chunks = chunks_of (engine, set);
  guint tokens = SD_TEXT_TOKENS * chunks;
  if (cross->context != NULL)
    return TRUE;
  cross->kvs = g_ptr_array_new_with_free_func ((GDestroyNotify) nn_state_free);
  for (guint i = 0; i < sd_unet_n_cross (engine->unet); i++)
    {
      guint width = 2 * sd_unet_cross_width (engine->unet, i);
      NnState *kv
          = nn_state_new (engine->context, n, 1, tokens, width, "keys, values", error);
      if (kv == NULL)
        return FALSE;
      g_ptr_array_add (cross->kvs, kv);
    }
  cross->chunks = chunks;
  cross->context = nn_state_new (engine->context, n, 1, tokens,
                                 sd_unet_context_width (engine->unet), "context", error);
  return cross->context != NULL;
}

static gboolean
make_time_embs (SdEngine *engine, GError **error)
{
  g_autoptr (GPtrArray) embs
      = g_ptr_array_new_with_free_func ((GDestroyNotify) nn_state_free);
  if (engine->time_embs != NULL)
    return TRUE;
  for (guint i = 0; i < sd_unet_n_emb (engine->unet); i++)
    {
      guint width = sd_unet_emb_width (engine->unet, i);
      NnState *emb
          = nn_state_new (engine->context, SD_TIME_ROWS, 1, 1, width, "time", error);
      if (emb == NULL)
        return FALSE;
      g_ptr_array_add (embs, emb);
    }
  engine->time_embs = g_steal_pointer (&embs);
  return TRUE;
}

static gboolean
make_emb (SdEngine *engine, guint rows, GError **error)
{
  NnState **emb = &engine->emb[rows - 1];
  if (*emb == NULL)
    *emb = nn_state_new (engine->context, rows, 1, 1, sd_unet_emb_total (engine->unet),
                         "time of the step", error);
  return *emb != NULL;
}

/* What a stage's program shares with others; made when first needed. */
static gboolean
make_shared (SdEngine *engine, SdStage stage, SdSet set, GError **error)
{
  switch (stage)
    {
    case SD_STAGE_TIME:
      return make_time_embs (engine, error);
    case SD_STAGE_CONTEXT:
      return make_cross (engine, set, error);
    case SD_STAGE_UNET:
      return make_cross (engine, set, error)
             && make_emb (engine, sd_engine_embed_rows (engine, sd_set_n (set)), error);
    case SD_STAGE_TEXT:
    case SD_STAGE_TEXT_2:
    case SD_STAGE_DECODE:
    case SD_STAGE_ENCODE:
    case SD_STAGE_TINY:
    case SD_N_STAGES:
      break;
    }
  return TRUE;
}

/* ---- programs ---- */

typedef struct
{
  guint n, h, w, c;
} Shape;

static void
program_shapes (
    SdEngine *engine, const SdProgram *program, Shape *in, Shape *out, Shape *extra)
{
  guint n = program->n, h = program->h, w = program->w;
  switch (program->stage)
    {
    case SD_STAGE_TEXT:
      *in = *out = (Shape){ n, 1, SD_TEXT_TOKENS, sd_text_width (engine->texts[0]) };
      break;
    case SD_STAGE_TEXT_2:
      *in = *out = *extra
          = (Shape){ n, 1, SD_TEXT_TOKENS, sd_text_width (engine->texts[1]) };
      break;
    case SD_STAGE_TIME:
      *in = (Shape){ SD_TIME_ROWS, 1, 1, 1 };
      if (sd_engine_label_width (engine) > 0)
        *extra = (Shape){ SD_TIME_ROWS, 1, 1, sd_engine_label_width (engine) };
      break;
    case SD_STAGE_UNET:
      *in = (Shape){ n, h, w, sd_unet_in_channels (engine->unet) };
      *out = (Shape){ n, h, w, SD_LATENT_CHANNELS };
      break;
    case SD_STAGE_DECODE:
    case SD_STAGE_TINY:
      *in = (Shape){ 1, h, w, SD_LATENT_CHANNELS };
      *out = (Shape){ 1, 8 * h, 8 * w, 3 };
      break;
    case SD_STAGE_ENCODE:
      *in = (Shape){ 1, 8 * h, 8 * w, 3 };
      *out = (Shape){ 1, h, w, 2 * SD_LATENT_CHANNELS };
      break;
    case SD_STAGE_CONTEXT: /* between states of the engine */
    case SD_N_STAGES:
      break;
    }
}

static gboolean
make_state (
    SdEngine *engine, Shape shape, const char *name, NnState **state, GError **error)
{
  if (shape.n == 0)
    return TRUE;
  *state
      = nn_state_new (engine->context, shape.n, shape.h, shape.w, shape.c, name, error);
  return *state != NULL;
}

static NnProgram *
build_program (SdEngine *engine, const SdProgram *p, GError **error)
{
  gboolean profile = engine->profiling;
  SdCross *cross = &engine->cross[p->set];

  switch (p->stage)
    {
    case SD_STAGE_TEXT:
      return sd_text_build (engine->texts[0], p->h, p->in, p->out, NULL, profile, error);
    case SD_STAGE_TEXT_2:
      return sd_text_build (engine->texts[1], p->h, p->in, p->out, p->extra, profile,
                            error);
    case SD_STAGE_TIME:
      return sd_unet_build_time (engine->unet, p->in, p->extra,
                                 (NnState **) engine->time_embs->pdata, profile, error);
    case SD_STAGE_CONTEXT:
      return sd_unet_build_context (engine->unet, cross->context,
                                    (NnState **) cross->kvs->pdata, profile, error);
    case SD_STAGE_UNET:
      return sd_unet_build (engine->unet, p->in,
                            engine->emb[sd_engine_embed_rows (engine, p->n) - 1],
                            (NnState **) cross->kvs->pdata, p->out, profile, error);
    case SD_STAGE_DECODE:
      return sd_vae_build_decoder (engine->vae, p->in, p->out, profile, error);
    case SD_STAGE_ENCODE:
      return sd_vae_build_encoder (engine->vae, p->in, p->out, profile, error);
    case SD_STAGE_TINY:
      return sd_taesd_build (engine->weights, p->in, p->out, profile, error);
    case SD_N_STAGES:
      break;
    }
  g_return_val_if_reached (NULL);
}

/* Of a text encoder, where nothing else is wished; else 0. */
static guint
layers_of (const SdEngine *engine, SdStage stage)
{
  return stage == SD_STAGE_TEXT || stage == SD_STAGE_TEXT_2 ? sd_text_layers (
             engine->texts[stage == SD_STAGE_TEXT_2], 0, SD_GRAMMAR_A1111)
                                                            : 0;
}

static SdProgram *
make_program (
    SdEngine *engine, SdStage stage, SdSet set, guint n, guint h, guint w, GError **error)
{
  SdProgram *program = g_new0 (SdProgram, 1);
  Shape in = { 0 }, out = { 0 }, extra = { 0 };

  program->stage = stage;
  program->n = n;
  program->set = set;
  program->h = h;
  program->w = w;
  program->chunks = looks_at_text (stage) ? chunks_of (engine, set) : 0;
  program_shapes (engine, program, &in, &out, &extra);
  if (make_shared (engine, stage, set, error)
      && make_state (engine, in, "input", &program->in, error)
      && make_state (engine, out, "output", &program->out, error)
      && make_state (engine, extra, "second", &program->extra, error))
    program->program = build_program (engine, program, error);
  if (program->program == NULL)
    {
      program_free (program);
      return NULL;
    }
  return program;
}

static SdProgram *
find_program (
    SdEngine *engine, SdStage stage, SdSet set, guint n, guint h, guint w, GError **error)
{
  GPtrArray *programs = engine->programs;
  if (h == 0)
    h = layers_of (engine, stage);
  for (guint i = 0; i < programs->len; i++)
    {
      SdProgram *program = programs->pdata[i];
      if (program->stage == stage && program->set == set && program->n == n
          && program->h == h && program->w == w)
        {
          g_ptr_array_steal_index (programs, i);
          g_ptr_array_add (programs, program);
          return program;
        }
    }
  if (programs->len >= MAX_PROGRAMS)
    g_ptr_array_remove_index (programs, 0);
  SdProgram *program = make_program (engine, stage, set, n, h, w, error);
  if (program != NULL)
    g_ptr_array_add (programs, program);
  return program;
}

SdProgram *
sd_engine_program (
    SdEngine *engine, SdStage stage, guint n, guint h, guint w, GError **error)
{
  return find_program (engine, stage, sd_set_of_all (n), n, h, w, error);
}

SdProgram *
sd_engine_program_of (
    SdEngine *engine, SdStage stage, SdSet set, guint h, guint w, GError **error)
{
  return find_program (engine, stage, set, sd_set_n (set), h, w, error);
}

/* Programs hold on to the states that they were made with. */
static void
drop_cross (SdEngine *engine, SdSet set)
{
  SdCross *cross = &engine->cross[set];

  for (guint i = engine->programs->len; i-- > 0;)
    {
      const SdProgram *program = engine->programs->pdata[i];
      if (looks_at_text (program->stage) && program->set == set)
        g_ptr_array_remove_index (engine->programs, i);
    }
  g_clear_pointer (&cross->kvs, g_ptr_array_unref);
  g_clear_pointer (&cross->context, nn_state_free);
  cross->chunks = 0;
  engine->context_owner = 0;
}

void
sd_engine_set_shape (SdEngine *engine, const SdShape *shape)
{
  engine->shape = *shape;
  for (guint i = 0; i < SD_N_SETS; i++)
    if (engine->cross[i].chunks != 0 && engine->cross[i].chunks != chunks_of (engine, i))
      drop_cross (engine, i);
}

void
sd_engine_drop_programs (SdEngine *engine)
{
  g_ptr_array_set_size (engine->programs, 0);
  for (guint i = 0; i < G_N_ELEMENTS (engine->cross); i++)
    {
      g_clear_pointer (&engine->cross[i].kvs, g_ptr_array_unref);
      g_clear_pointer (&engine->cross[i].context, nn_state_free);
      engine->cross[i].chunks = 0;
    }
  for (guint i = 0; i < G_N_ELEMENTS (engine->emb); i++)
    g_clear_pointer (&engine->emb[i], nn_state_free);
  g_clear_pointer (&engine->time_embs, g_ptr_array_unref);
  engine->context_owner = 0;
}

gboolean
sd_engine_name_weights (SdEngine *engine, GError **error)
{
  static const SdStage stages[] = { SD_STAGE_TEXT,    SD_STAGE_TEXT_2, SD_STAGE_TIME,
                                    SD_STAGE_CONTEXT, SD_STAGE_UNET,   SD_STAGE_DECODE };
  for (guint i = 0; i < G_N_ELEMENTS (stages); i++)
    {
      if (stages[i] == SD_STAGE_TEXT_2 && engine->texts[1] == NULL)
        continue;
      guint layers = layers_of (engine, stages[i]);
      SdProgram *program
          = make_program (engine, stages[i], SD_SET_BOTH, LOAD_PROMPTS,
                          layers != 0 ? layers : LOAD_SIZE, LOAD_SIZE, error);
      if (program == NULL)
        return FALSE;
      if (stages[i] != SD_STAGE_DECODE)
        nn_program_rehearse (program->program);
      program_free (program);
    }
  return TRUE;
}
