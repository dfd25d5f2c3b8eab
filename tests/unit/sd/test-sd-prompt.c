/* test-sd-prompt.c: what prompts say beside their words
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-prompt.h"

#include <string.h>

/* ---- networks ---- */

static void
check_networks (const char *prompt,
                const char *rest,
                const char *expected,
                guint n_warnings)
{
  g_autoptr (GPtrArray) loras
      = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_lora_free);
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *text = sd_prompt_take_networks_full (prompt, loras, warnings);
  g_autofree char *same = sd_prompt_take_networks (prompt, NULL);
  g_autoptr (GString) found = g_string_new (NULL);

  for (guint i = 0; i < loras->len; i++)
    {
      const SdLora *lora = loras->pdata[i];
      g_assert_null (lora->path);
      g_string_append_printf (found, "%s%s %g %g", i > 0 ? "; " : "", lora->name,
                              lora->text, lora->model);
    }
  g_assert_cmpstr (text, ==, rest);
  g_assert_cmpstr (same, ==, rest);
  g_assert_cmpstr (found->str, ==, expected);
  g_assert_cmpuint (warnings->len, ==, n_warnings);
}

static void
test_networks (void)
{
  check_networks ("", "", "", 0);
  check_networks ("a cat", "a cat", "", 0);
  check_networks ("a <lora:ink:0.8> cat", "a  cat", "ink 0.8 0.8", 0);
  check_networks ("<lora:ink>", "", "ink 1 1", 0);
  check_networks ("<lora:ink:-1>x<lyco:b c:.5:0.25>", "x", "ink -1 -1; b c 0.5 0.25", 0);
  check_networks ("<lora:ink:0.5:0.75:8>", "", "ink 0.5 0.75", 0);
  check_networks ("<lora:ink:te=0.5:unet=2>", "", "ink 0.5 2", 0);
  check_networks ("<lora:ink:unet=2>", "", "ink 1 2", 0);
  check_networks ("<lora:ink:unet=2:te=0.5>", "", "ink 0.5 2", 0);
  check_networks ("<lora:ink:1><lora:ink:2>", "", "ink 1 1; ink 2 2", 0);
  check_networks ("<lora:Ж/x.v2:1e-1>", "", "Ж/x.v2 0.1 0.1", 0);
}

static void
test_networks_bad (void)
{
  check_networks ("a <lora:ink:much> b", "a  b", "", 1);
  check_networks ("a <lora:ink:1:nan> b", "a  b", "", 1);
  check_networks ("a <lora::1> b", "a  b", "", 1);
  check_networks ("a <hypernet:x:1> b", "a  b", "", 1);
  check_networks ("a <lora:ink", "a <lora:ink", "", 0);
  check_networks ("a <lora> b", "a <lora> b", "", 0);
  check_networks ("a <lora:> b", "a <lora:> b", "", 0);
  check_networks ("1 < 2 and <b c:d>", "1 < 2 and <b c:d>", "", 0);
  check_networks ("<<lora:ink:1>", "<", "ink 1 1", 0);
  check_networks ("\xff<\xfflora:a>", "\xff<\xfflora:a>", "", 0);
}

static void
test_comments (void)
{
  check_networks ("a # not <lora:x:1>\nb", "a \nb", "", 0);
  check_networks ("# all", "", "", 0);
  check_networks ("#a\n#b\nc", "\n\nc", "", 0);
}

/* ---- weights ---- */

/* As `text*weight`, `/` between pieces; BREAK as `#`. */
static void
check_pieces (SdGrammar grammar,
              SdEmphasis emphasis,
              const char *text,
              const char *expected)
{
  g_autoptr (GPtrArray) pieces = sd_prompt_pieces (text, grammar, emphasis);
  g_autoptr (GString) found = g_string_new (NULL);

  for (guint i = 0; i < pieces->len; i++)
    {
      const SdPromptPiece *piece = pieces->pdata[i];
      g_string_append (found, i > 0 ? "/" : "");
      if (piece->ends_chunk)
        g_string_append (found, "#");
      else
        g_string_append_printf (found, "%s*%.7g", piece->text, piece->weight);
    }
  g_assert_cmpstr (found->str, ==, expected);
}

static void
test_pieces (void)
{
  static const struct
  {
    const char *text, *expected;
  } cases[] = {
    { "", "*1" },
    { "normal text", "normal text*1" },
    { "an (important) word", "an *1/important*1.1/ word*1" },
    { "(unbalanced", "unbalanced*1.1" },
    { "\\(literal\\]", "(literal]*1" },
    { "\\[\\)\\\\", "[)\\*1" },
    { "(unnecessary)(parens)", "unnecessaryparens*1.1" },
    { "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
      "a *1/house*1.573/ *1.1/on*1/ a *1.1/hill*0.55/, sun, *1.1/sky*1.4641/.*1.1" },
    { "[less] [[least]]", "less*0.9090909/ *1/least*0.8264463" },
    { "(a: 1.3 )", "a*1.3" },
    { "(a:-.5)(b:+2.)", "a*-0.5/b*2" },
    { "a:1.3)", "a:1.3)*1" },
    { "(a:1.2.3)", "a:1.2.3*1.1" },
    { "[a:1.3]", "a:1.3*0.9090909" },
    { "a) b] c", "a) b] c*1" },
    { "((a) b:2)", "a*2.2/ b*2" },
    { "x \\y", "x y*1" },
    { "a BREAK b", "a*1/#/b*1" },
    { "BREAK", "*1/#/*1" },
    { "a\nBREAK\nb BREAKFAST aBREAK", "a*1/#/b BREAKFAST aBREAK*1" },
    { "a,BREAK,b", "a,*1/#/,b*1" },
    { "(a BREAK b:1.5)", "a*1.5/#/b*1.5" },
    { "żółw (łódź:1.2)", "żółw *1/łódź*1.2" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    check_pieces (SD_GRAMMAR_A1111, SD_EMPHASIS_ORIGINAL, cases[i].text,
                  cases[i].expected);
  check_pieces (SD_GRAMMAR_A1111, SD_EMPHASIS_IGNORE, "(a:2) BREAK [b]",
                "a*1/*1/#/*1/b*1");
  check_pieces (SD_GRAMMAR_A1111, SD_EMPHASIS_NONE, "(a:2) BREAK [b]",
                "(a:2) BREAK [b]*1");
  check_pieces (SD_GRAMMAR_PLAIN, SD_EMPHASIS_ORIGINAL, "(a:2) \\( BREAK",
                "(a:2) \\( BREAK*1");
}

static void
test_pieces_comfyui (void)
{
  static const struct
  {
    const char *text, *expected;
  } cases[] = {
    { "", "*1" },
    { "a cat", "a cat*1" },
    { "a (big) cat", "a *1/big*1.1/ cat*1" },
    { "((a))", "a*1.21" },
    { "((a:1.5) b:1.2)", "a*1.5/ b*1.2" },
    { "((a) b:2)", "a*2.2/ b*2" },
    { "[a] BREAK b", "[a] BREAK b*1" },
    { "\\(a\\) (b\\):1.2)", "(a) *1/b)*1.2" },
    { "(a:b)", "a:b*1.1" },
    { "(:1.2)", ":1.2*1.1" },
    { "(open", "(open*1" },
    { "a ) b", "a ) b*1" },
    { "a ((b:1.2)", "a *1/(b*1.2" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    check_pieces (SD_GRAMMAR_COMFYUI, SD_EMPHASIS_ORIGINAL, cases[i].text,
                  cases[i].expected);
}

/* A thousand levels of brackets, and a hundred thousand. */
static void
test_depth (void)
{
  for (guint grammar = 0; grammar < SD_N_GRAMMARS; grammar++)
    for (guint n = 1000; n <= 100000; n *= 100)
      {
        g_autoptr (GString) text = g_string_new (NULL);
        for (guint i = 0; i < n; i++)
          g_string_append_c (text, i % 3 == 2 ? '[' : '(');
        g_string_append (text, "a:3)");
        for (guint i = 0; i < n; i++)
          g_string_append_c (text, i % 3 == 0 ? ']' : ')');
        g_autoptr (GPtrArray) pieces = sd_prompt_pieces (text->str, grammar, 0);
        g_autoptr (GPtrArray) voices = sd_prompt_voices (text->str, 20);
        g_assert_cmpuint (pieces->len, >, 0);
        g_assert_cmpuint (voices->len, ==, 1);
      }
}

/* ---- in time ---- */

/* As `end:text`, `/` between them. */
static void
check_cues (const char *text, guint steps, const char *expected)
{
  g_autoptr (GPtrArray) cues = sd_prompt_cues (text, steps);
  g_autoptr (GString) found = g_string_new (NULL);

  for (guint i = 0; i < cues->len; i++)
    {
      const SdPromptCue *cue = cues->pdata[i];
      g_string_append_printf (found, "%s%u:%s", i > 0 ? "/" : "", cue->end, cue->text);
    }
  g_assert_cmpstr (found->str, ==, expected);
}

static void
test_cues (void)
{
  check_cues ("test", 10, "10:test");
  check_cues ("a [b:3]", 10, "3:a /10:a b");
  check_cues ("a [b: 3]", 10, "3:a /10:a b");
  check_cues ("a [[[b]]:2]", 10, "2:a /10:a [[b]]");
  check_cues ("[(a:2):3]", 10, "3:/10:(a:2)");
  check_cues ("a [b : c : 1] d", 10, "1:a b  d/10:a  c  d");
  check_cues ("a[b:[c:d:2]:1]e", 10, "1:abe/2:ace/10:ade");
  check_cues ("a [unbalanced", 10, "10:a [unbalanced");
  check_cues ("a [b:.5] c", 10, "5:a  c/10:a b c");
  check_cues ("a [b::0.25]", 20, "5:a b/20:a ");
  check_cues ("((a][:b:c [d:3]", 10, "3:((a][:b:c /10:((a][:b:c d");
  check_cues ("[a|(b:1.1)]", 4, "1:a/2:(b:1.1)/3:a/4:(b:1.1)");
  check_cues ("[fe|]male", 3, "1:female/2:male/3:female");
  check_cues ("[fe|||]male", 5, "1:female/2:male/3:male/4:male/5:female");
  check_cues ("a [b:1.5] c", 10, "10:a  c"); /* in a second pass that there is not */
  check_cues ("[a:b:0]", 10, "10:b");
  check_cues ("[a:b:-1]", 10, "10:b");
  check_cues ("[a:b:99]", 10, "10:a");
  check_cues ("a | [b:3]", 10, "10:a | [b:3]");
  check_cues ("\\[b:3] [c:3]", 10, "3:\\[b:3] /10:\\[b:3] c");
  check_cues ("[a:b]", 10, "10:[a:b]");
  check_cues ("(a:1.3) [b]", 10, "10:(a:1.3) [b]");
  check_cues ("[a|[b:c:2]]", 4, "1:a/2:b/3:a/4:c");
}

static void
test_cue_at (void)
{
  g_autoptr (GPtrArray) cues = sd_prompt_cues ("[a:b:3]", 10);
  /* The step's number, from 0, against 3, from 1. */
  g_assert_cmpuint (sd_prompt_cue_at (cues, 0), ==, 0);
  g_assert_cmpuint (sd_prompt_cue_at (cues, 3), ==, 0);
  g_assert_cmpuint (sd_prompt_cue_at (cues, 4), ==, 1);
  g_assert_cmpuint (sd_prompt_cue_at (cues, 10), ==, 1);
  g_assert_cmpuint (sd_prompt_cue_at (cues, 99), ==, 1);
}

static void
check_voices (const char *text, const char *expected)
{
  g_autoptr (GPtrArray) voices = sd_prompt_voices (text, 1);
  g_autoptr (GString) found = g_string_new (NULL);

  for (guint i = 0; i < voices->len; i++)
    {
      const SdPromptVoice *voice = voices->pdata[i];
      g_string_append_printf (found, "%s%s*%g", i > 0 ? "/" : "",
                              ((const SdPromptCue *) voice->cues->pdata[0])->text,
                              voice->weight);
    }
  g_assert_cmpstr (found->str, ==, expected);
}

static void
test_voices (void)
{
  check_voices ("", "*1");
  check_voices ("a cat", "a cat*1");
  check_voices ("a AND b", "a*1/ b*1");
  check_voices ("a :1.2 AND b:-0.5\nAND c", "a*1.2/ b*-0.5/ c*1");
  check_voices ("SAND BANDS AND_ and", "SAND BANDS AND_ and*1");
  check_voices ("a:b: .5", "a:b*0.5");
  check_voices ("(a:1.2)", "(a:1.2)*1");
  check_voices ("AND", "*1/*1");
}

/* ---- chunks ---- */

/* `n` words, then @tail. */
static char *
words (guint n, const char *tail)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < n; i++)
    g_string_append (text, "cat ");
  g_string_append (text, tail);
  return g_string_free (text, FALSE);
}

static void
check_chunks (const char *text, SdGrammar grammar, const char *sizes, guint count)
{
  static const SdPromptWord known[] = { { "zebrastyle", 3 }, { "zebra", 70 } };
  g_autoptr (SdTokenizer) tokenizer = sd_tokenizer_new (NULL);
  guint n;
  g_autoptr (GArray) chunks
      = sd_prompt_chunks (tokenizer, text, grammar, 0, known, 2, &n);
  g_autoptr (GString) found = g_string_new (NULL);

  for (guint i = 0; i < chunks->len; i++)
    g_string_append_printf (found, "%s%u", i > 0 ? " " : "",
                            g_array_index (chunks, SdPromptChunk, i).n);
  g_assert_cmpstr (found->str, ==, sizes);
  g_assert_cmpuint (n, ==, count);
}

static void
test_chunks (void)
{
  g_autofree char *full = words (75, ""), *over = words (76, ""),
                  *comma = words (60, ", cat cat cat cat cat cat cat cat cat cat cat cat "
                                      "cat cat cat"),
                  *far
                  = words (54, ", cat cat cat cat cat cat cat cat cat cat cat cat cat "
                               "cat cat cat cat cat cat cat cat cat");
  check_chunks ("", SD_GRAMMAR_A1111, "0", 0);
  check_chunks ("a cat", SD_GRAMMAR_A1111, "2", 2);
  check_chunks (full, SD_GRAMMAR_A1111, "75", 75);
  check_chunks (over, SD_GRAMMAR_A1111, "75 1", 76);
  check_chunks (comma, SD_GRAMMAR_A1111, "61 15", 90);
  check_chunks (far, SD_GRAMMAR_A1111, "75 2", 77);
  check_chunks ("a BREAK b c", SD_GRAMMAR_A1111, "1 2", 77);
  check_chunks ("BREAK b", SD_GRAMMAR_A1111, "0 1", 76);
  check_chunks ("a BREAK", SD_GRAMMAR_A1111, "1", 75);
  check_chunks ("a BREAK b", SD_GRAMMAR_PLAIN, "3", 3);
  /* embeddings: the longest name, whole */
  check_chunks ("a zebrastyle cat", SD_GRAMMAR_A1111, "5", 5);
  check_chunks ("(Zebra:1.2), a cat cat cat", SD_GRAMMAR_A1111, "75", 75);
  check_chunks ("a cat cat cat cat cat zebra", SD_GRAMMAR_A1111, "6 70", 145);
  check_chunks ("zebra", SD_GRAMMAR_COMFYUI, "1", 1);
  check_chunks ("embedding:zebra, embedding:zebrastyle.safetensors", SD_GRAMMAR_COMFYUI,
                "74", 74);
  check_chunks ("a embedding:unknown, b", SD_GRAMMAR_COMFYUI, "3", 3);
}

static void
test_chunks_comfyui (void)
{
  g_autofree char *word = words (72, "extraordinarilycomplicated"),
                  *long_word = words (72, "qzxvkwjpqzxvkwjpqzxvkwjpqzxvkwjp");
  check_chunks (word, SD_GRAMMAR_COMFYUI, "72 4", 79);
  check_chunks (long_word, SD_GRAMMAR_COMFYUI, "75 21", 96);
}

/* ---- the editor ---- */

/* @text with `{` and `}` around the selection, or `{}` for a cursor. */
static void
check_weigh (const char *text, int by, const char *expected)
{
  g_auto (GStrv) before = g_strsplit_set (text, "{}", 3);
  g_autofree char *plain = g_strjoinv ("", before);
  gsize begin = strlen (before[0]), end = begin + strlen (before[1]);
  g_autofree char *result = sd_prompt_weigh (plain, &begin, &end, by);
  g_autofree char *marked
      = result == NULL
            ? NULL
            : g_strdup_printf ("%.*s{%.*s}%s", (int) begin, result, (int) (end - begin),
                               result + begin, result + end);
  g_assert_cmpstr (marked, ==, expected);
}

static void
test_weigh (void)
{
  check_weigh ("a re{}d cat", 1, "a ({red}:1.1) cat");
  check_weigh ("a {red cat }", 1, "a ({red cat}:1.1) ");
  check_weigh ("a re{}d cat", -1, "a ({red}:0.9) cat");
  check_weigh ("a ({red}:1.1) cat", 1, "a ({red}:1.2) cat");
  check_weigh ("a ({red}:1.1) cat", -1, "a {red} cat");
  check_weigh ("a ({red}:0.9) cat", 1, "a {red} cat");
  check_weigh ("a (re{}d:1.9) cat", 1, "a ({red}:2.0) cat");
  check_weigh ("a (re{}d:0.05) cat", -1, "a ({red}:-0.05) cat");
  check_weigh ("a (re{}d) cat", 1, "a ({red}:1.2) cat");
  check_weigh ("a (re{}d) cat", -1, "a {red} cat");
  check_weigh ("a {(red:1.3)} cat", 1, "a ({red}:1.4) cat");
  check_weigh ("a [re{}d] cat", 1, "a {red} cat");
  check_weigh ("a [re{}d] cat", -1, "a ({red}:0.8) cat");
  check_weigh ("[re{}d:blue:3]", 1, "[({red}:1.1):blue:3]");
  check_weigh ("(a {big} cat:1.2)", 1, "(a ({big}:1.1) cat:1.2)");
  check_weigh ("(a (big:1.1) c{}at:1.2)", 1, "({a (big:1.1) cat}:1.3)");
  check_weigh ("\\(re{}d\\)", 1, "\\(({red}:1.1)\\)");
  check_weigh ("żółta łó{}dź", 1, "żółta ({łódź}:1.1)");
  check_weigh ("<lora:in{}k:0.8>", 1, "<lora:{ink}:0.85>");
  check_weigh ("<lora:ink:0{}.8:1>", -1, "<lora:{ink}:0.75:1>");
  check_weigh ("<lora:ink{}>", -1, "<lora:{ink}:0.95>");
  check_weigh ("{}", 1, NULL);
  check_weigh ("a , {} ,", 1, NULL);
}

static void
test_typed (void)
{
  static const struct
  {
    const char *text, *typed;
    gboolean network;
  } cases[] = {
    { "a <lora:in", "in", TRUE },
    { "<lora:", "", TRUE },
    { "<lora:ink:0", NULL, TRUE },
    { "<lora:ink:1> ca", "ca", FALSE },
    { "(easyneg", "easyneg", FALSE },
    { "a cat, ", NULL, FALSE },
    { "", NULL, FALSE },
    { "x\n<lyco:b c", "b c", TRUE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      SdSpan span;
      gboolean network;
      gboolean found
          = sd_prompt_typed (cases[i].text, strlen (cases[i].text), &span, &network);
      g_autofree char *typed
          = found ? g_strndup (cases[i].text + span.begin, span.end - span.begin) : NULL;
      if (cases[i].typed == NULL && !found)
        continue;
      g_assert_cmpstr (typed, ==, cases[i].typed);
      g_assert_cmpint (network, ==, cases[i].network);
    }
}

static void
test_blank (void)
{
  static const char *const known[] = { "ring", "", NULL };
  const char *text = "a ring, <lora:ink:1> BREAK sand # no\nAND b <lora:in";
  g_autofree char *words = sd_prompt_blank (text, known);
  g_autoptr (GArray) names = sd_prompt_networks ("<lora:ink:1> <hypernet:x:1><lyco:b>");

  g_assert_cmpstr (words, ==, "a     ,                    sand     \n    b         ");
  g_assert_cmpuint (names->len, ==, 2);
  g_assert_cmpuint (g_array_index (names, SdSpan, 0).begin, ==, 6);
  g_assert_cmpuint (g_array_index (names, SdSpan, 0).end, ==, 9);
}

static void
test_count (void)
{
  g_autoptr (SdTokenizer) tokenizer = sd_tokenizer_new (NULL);
  g_autofree char *long_one = words (80, "<lora:ink:1># remark");
  g_assert_cmpuint (sd_prompt_count (tokenizer, "", SD_GRAMMAR_A1111), ==, 0);
  g_assert_cmpuint (sd_prompt_count (tokenizer, "a (red:1.2) cat", SD_GRAMMAR_A1111), ==,
                    3);
  g_assert_cmpuint (sd_prompt_count (tokenizer, "[a:a b c:5]", SD_GRAMMAR_A1111), ==, 3);
  g_assert_cmpuint (sd_prompt_count (tokenizer, long_one, SD_GRAMMAR_A1111), ==, 80);
  g_assert_cmpuint (sd_prompt_count (tokenizer, "(a)", SD_GRAMMAR_PLAIN), ==, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sd/prompt/networks", test_networks);
  g_test_add_func ("/sd/prompt/networks-bad", test_networks_bad);
  g_test_add_func ("/sd/prompt/comments", test_comments);
  g_test_add_func ("/sd/prompt/pieces", test_pieces);
  g_test_add_func ("/sd/prompt/pieces-comfyui", test_pieces_comfyui);
  g_test_add_func ("/sd/prompt/depth", test_depth);
  g_test_add_func ("/sd/prompt/cues", test_cues);
  g_test_add_func ("/sd/prompt/cue-at", test_cue_at);
  g_test_add_func ("/sd/prompt/voices", test_voices);
  g_test_add_func ("/sd/prompt/chunks", test_chunks);
  g_test_add_func ("/sd/prompt/chunks-comfyui", test_chunks_comfyui);
  g_test_add_func ("/sd/prompt/weigh", test_weigh);
  g_test_add_func ("/sd/prompt/typed", test_typed);
  g_test_add_func ("/sd/prompt/blank", test_blank);
  g_test_add_func ("/sd/prompt/count", test_count);
  return g_test_run ();
}
