/* app-fault.c: the page that explains why a file cannot be opened
 *
 * Three sentences: what is wrong (the reader's own message, which names the tensor and
 * the numbers), what that means, what to do. Under Details: the kind of the error as
 * other programs spell it, and the bytes at the start of the file, which tell an expert
 * what the file really is. What can be read of a damaged file is shown as a model is;
 * where that fails, the text at its start is shown here.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-fault.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/app-window.h"
#include "app/app-wrap.h"
#include "st/st.h"

#define SHOWN_BYTES 128
#define TEXT_BYTES 4096

struct _AppFault
{
  GtkWidget parent_instance;
  GtkLabel *title, *wrong, *means, *remedy, *details;
  GtkExpander *expander;
  GtkButton *show_readable;
  GtkLabel *readable;
  char *path, *report;
};

G_DEFINE_FINAL_TYPE (AppFault, app_fault, GTK_TYPE_WIDGET)

typedef struct
{
  const char *means, *remedy;
} Explanation;

static Explanation
explain_foreign (const StForeign *foreign)
{
  if (foreign->kind == ST_FOREIGN_LFS)
    return (Explanation){
      N_ ("Git keeps large files elsewhere, and left a note in this one’s place."),
      N_ ("Type “git lfs pull” in its folder, or download the file itself."),
    };
  if (foreign->kind == ST_FOREIGN_PAGE)
    return (Explanation){
      N_ ("The server sent a page for people to read instead of the file."),
      N_ ("Open the address in a browser, log in where it asks for it, and download "
          "again."),
    };
  return (Explanation){
    N_ ("The file is of another kind, whatever its name says."),
    N_ ("Look for a .safetensors file of the same model, or convert it with the "
        "program that made it."),
  };
}

static Explanation
explain_format (int code)
{
  switch (code)
    {
    case ST_ERROR_HEADER_TOO_SMALL:
    case ST_ERROR_INVALID_HEADER_LENGTH:
    case ST_ERROR_METADATA_INCOMPLETE_BUFFER:
      return (Explanation){
        N_ ("The file does not have the length that its header tells. Most often a "
            "download or a copy stopped before its end."),
        N_ ("Download or copy the file again and compare its size with the original."),
      };
    case ST_ERROR_INDEX:
      return (Explanation){
        N_ ("The model lies in several files, and they do not fit together."),
        N_ ("See that all its files are in one folder and belong to the same version."),
      };
    case ST_ERROR_CHANGED:
      return (Explanation){
        N_ ("Another program wrote to the file while it was open."),
        N_ ("Wait until the other program has finished and open the file again."),
      };
    case ST_ERROR_IO:
      return (Explanation){
        N_ ("The system did not let the file be read."),
        N_ ("See that the file is there, that its disk is connected and that you may "
            "read it."),
      };
    default:
      return (Explanation){
        N_ ("The list of tensors at the start of the file breaks the rules of the "
            "format, so that nothing in it can be trusted."),
        N_ ("Download the file again. If it stays so, the program that wrote it has a "
            "fault: send its makers the report."),
      };
    }
}

static Explanation
explain (const char *path, const GError *error)
{
  const StForeign *foreign = st_file_find_foreign (path);

  if (foreign != NULL)
    return explain_foreign (foreign);
  if (error->domain == ST_ERROR)
    return explain_format (error->code);
  return explain_format (ST_ERROR_IO);
}

/* Sixteen bytes a line: offset, hexadecimal, characters. */
static char *
dump_bytes (const guint8 *bytes, gsize n)
{
  GString *text = g_string_new (NULL);

  for (gsize line = 0; line < n; line += 16)
    {
      g_string_append_printf (text, "%04" G_GSIZE_MODIFIER "x ", line);
      for (gsize i = line; i < line + 16; i++)
        {
          if (i < n)
            g_string_append_printf (text, " %02x", bytes[i]);
          else
            g_string_append (text, "   ");
        }
      g_string_append (text, "  ");
      for (gsize i = line; i < MIN (line + 16, n); i++)
        g_string_append_c (text, g_ascii_isprint (bytes[i]) ? (char) bytes[i] : '.');
      g_string_append_c (text, '\n');
    }
  return g_string_free (text, FALSE);
}

static gsize
read_start (const char *path, guint8 *bytes, gsize n)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = NULL;
  gsize got = 0;

  /* Nothing but a regular file: opening a pipe would wait for its writer. */
  if (g_file_query_file_type (file, G_FILE_QUERY_INFO_NONE, NULL) != G_FILE_TYPE_REGULAR)
    return 0;
  stream = g_file_read (file, NULL, NULL);
  if (stream != NULL)
    g_input_stream_read_all (G_INPUT_STREAM (stream), bytes, n, &got, NULL, NULL);
  return got;
}

/* The header's text as far as it is text: the names in it are readable even where the
 * file as a whole is not. */
static char *
readable_text (const guint8 *bytes, gsize n)
{
  const char *text = (const char *) bytes + 8, *end;

  if (n <= 16 || text[0] != '{')
    return NULL;
  g_utf8_validate (text, (gssize) n - 8, &end);
  return end - text >= 8 ? g_strndup (text, end - text) : NULL;
}

/* The reader's message is a fragment: here it is a sentence. */
static char *
make_sentence (const char *message)
{
  GString *text = g_string_new (NULL);

  if (message[0] == '\0')
    return g_string_free (text, FALSE);
  g_string_append_unichar (text, g_unichar_toupper (g_utf8_get_char (message)));
  g_string_append (text, g_utf8_next_char (message));
  if (!g_str_has_suffix (message, "."))
    g_string_append_c (text, '.');
  return g_string_free (text, FALSE);
}

void
app_fault_set (AppFault *self, const char *path, const GError *error, gboolean tried)
{
  guint8 bytes[TEXT_BYTES];
  Explanation explanation = explain (path, error);
  g_autofree char *name = g_filename_display_basename (path);
  g_autofree char *sentence = make_sentence (error->message);
  g_autofree char *title = g_strdup_printf (_ ("“%s” Cannot Be Opened"), name);
  const char *kind
      = error->domain == ST_ERROR ? st_error_kind_name (error->code) : "SystemError";
  gsize n = read_start (path, bytes, sizeof bytes);
  g_autofree char *dump = dump_bytes (bytes, MIN (n, SHOWN_BYTES));
  g_autofree char *text = readable_text (bytes, n);
  g_autofree char *details = g_strdup_printf ("%s\n%s\n\n%s", path, kind, dump);

  gtk_label_set_label (self->title, title);
  gtk_label_set_label (self->wrong, sentence);
  gtk_label_set_label (self->means, _ (explanation.means));
  gtk_label_set_label (self->remedy, _ (explanation.remedy));
  gtk_label_set_label (self->details, details);
  gtk_expander_set_expanded (self->expander, FALSE);
  gtk_widget_set_visible (GTK_WIDGET (self->show_readable), text != NULL && !tried);
  gtk_widget_set_visible (GTK_WIDGET (self->readable), text != NULL && tried);
  g_free (self->path);
  self->path = g_strdup (path);
  gtk_label_set_label (self->readable, text != NULL ? text : "");
  g_free (self->report);
  self->report = g_strdup_printf ("Calotype %s\n%s: %s\n%s\n", BASE_VERSION, kind,
                                  error->message, details);
}

static void
on_show_readable (AppFault *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self), "win.show-damaged", "s", self->path);
}

static void
on_copy (AppFault *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), self->report);
  if (APP_IS_WINDOW (root))
    app_window_toast (APP_WINDOW (root), _ ("Report copied"), NULL, NULL);
}

static void
app_fault_dispose (GObject *object)
{
  AppFault *self = APP_FAULT (object);

  g_clear_pointer (&self->report, g_free);
  g_clear_pointer (&self->path, g_free);
  gtk_widget_dispose_template (GTK_WIDGET (self), APP_TYPE_FAULT);
  /* GTK 4.8 leaves the template's own root where it is. */
  while (gtk_widget_get_first_child (GTK_WIDGET (self)) != NULL)
    gtk_widget_unparent (gtk_widget_get_first_child (GTK_WIDGET (self)));
  G_OBJECT_CLASS (app_fault_parent_class)->dispose (object);
}

static void
app_fault_class_init (AppFaultClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_fault_dispose;
  g_type_ensure (APP_TYPE_WRAP);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/io/github/calotype/Calotype/app-fault.ui");
  gtk_widget_class_bind_template_child (widget_class, AppFault, title);
  gtk_widget_class_bind_template_child (widget_class, AppFault, wrong);
  gtk_widget_class_bind_template_child (widget_class, AppFault, means);
  gtk_widget_class_bind_template_child (widget_class, AppFault, remedy);
  gtk_widget_class_bind_template_child (widget_class, AppFault, details);
  gtk_widget_class_bind_template_child (widget_class, AppFault, expander);
  gtk_widget_class_bind_template_child (widget_class, AppFault, show_readable);
  gtk_widget_class_bind_template_child (widget_class, AppFault, readable);
  gtk_widget_class_bind_template_callback (widget_class, on_copy);
  gtk_widget_class_bind_template_callback (widget_class, on_show_readable);
}

static void
app_fault_init (AppFault *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
