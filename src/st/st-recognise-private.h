/* st-recognise-private.h: the patterns of a model's names, and the table they are held
 * against
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "st/st-verdict.h"

/* ---- patterns: names with "#" for each number that stands alone ---- */

typedef struct
{
  char *text;
  guint32 length;
  guint32 count;              /* tensors */
  const StModelTensor *first; /* an example */
  guint64 bytes, values;
} StPatternEntry;

typedef struct _StPatterns StPatterns;

/** st_patterns_new: of all names of @model. Of names that hold no numbers there may be as
 * many as tensors: those beyond some thousands of patterns are counted as "rest" */
StPatterns *st_patterns_new (StModel *model);
void st_patterns_free (StPatterns *patterns);
guint st_patterns_size (const StPatterns *patterns);
const StPatternEntry *st_patterns_get (const StPatterns *patterns, guint index);
/** st_patterns_rest: tensors that are in none */
guint st_patterns_rest (const StPatterns *patterns);
/** st_pattern_of: (transfer full): "layers.0.q1" gives "layers.#.q1" */
char *st_pattern_of (const char *name, gsize length);
/** st_pattern_match: "*" in @glob stands for any text */
gboolean st_pattern_match (const char *glob, const char *text);

/* ---- the table ---- */

typedef struct
{
  char *text;    /* a name, or a pattern with "#" and "*" */
  gboolean glob; /* the latter */
  gboolean any_shape;
  guint rank;
  gint64 sides[6]; /* -1: any */
} StRuleName;

typedef struct
{
  StRuleName *names; /* one of them */
  guint n_names;
} StRuleItem;

typedef struct
{
  char *id, *name, *sure, *kind, *variant, *family, *form, *body;
  char **prefixes, **blocks, **with, **config;
  StRuleItem *has, *not, *needs;
  guint n_has, n_not, n_needs, max_tensors;
} StRule;

/* What a network is for. */
typedef struct
{
  char *id, *name, *family, *kind;
  char **told;
  GHashTable *items; /* of StRuleItem, by the kind of network: "lora", "control" … */
} StRuleBase;

/* What stands in front of names, or is left over, and what it is called. */
typedef struct
{
  char *text; /* a prefix; a pattern */
  char *id;
  gsize length;
} StRuleText;

typedef struct
{
  GPtrArray *rules;   /* of StRule */
  GPtrArray *bases;   /* of StRuleBase */
  GArray *parts;      /* of StRuleText: prefixes */
  GArray *leftovers;  /* of StRuleText: patterns */
  GArray *companions; /* of StRuleText: ends of names, and those of their weights */
} StRuleTable;

/** st_rule_table_new: reads @text; for tests, and for the table that is built in. Errors:
 * what is wrong with which group */
StRuleTable *st_rule_table_new (const char *text, gsize length, GError **error);
void st_rule_table_free (StRuleTable *table);
/** st_rule_table_get: the one that is built in; never freed. Thread: any */
const StRuleTable *st_rule_table_get (void);

extern const guint8 st_recognition[];
extern const gsize st_recognition_size;

/* ---- what fits ---- */

typedef struct
{
  StModel *model;
  StPatterns *patterns;
} StRuleSubject;

/** st_rule_item_find: (nullable): the tensor behind @prefix that fulfils @item */
const StModelTensor *st_rule_item_find (const StRuleSubject *subject,
                                        const StRuleItem *item,
                                        const char *prefix);
/** st_rule_holds: @prefix: (out): behind which; @keys: (nullable): gets the names that
 * decided, of const char * */
gboolean st_rule_holds (const StRuleSubject *subject,
                        const StRule *rule,
                        const char **prefix,
                        GPtrArray *keys);
/** st_blocks_check: adds to @missing what some blocks of the list @list ("layers.#.")
 * behind @prefix have and others have not */
void st_blocks_check (const StRuleSubject *subject,
                      const char *prefix,
                      const char *list,
                      GPtrArray *missing);
