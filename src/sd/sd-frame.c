/* sd-frame.c: the picture that a run begins from, as the model sees it
 *
 * Everything here is plain arithmetic on the host with the same result everywhere, so
 * that a run which is taken up again makes its frame anew instead of keeping it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-fill.h"
#include "sd/sd-frame.h"

#include <glib/gi18n-lib.h>
#include <string.h>

typedef enum
{
  LEFT,
  TOP,
  RIGHT,
  BOTTOM
} Side;

void
sd_frame_free (SdFrame *frame)
{
  if (frame == NULL)
    return;
  image_buffer_free (frame->canvas);
  image_mask_free (frame->mask);
  image_mask_free (frame->fresh);
  g_free (frame);
}

/* ---- cutting and pasting ---- */

/* Three channels; what shines through is white, as on a page. */
static ImageBuffer *
cut_image (const ImageBuffer *image, int x0, int y0, guint w, guint h)
{
  ImageBuffer *out = image_buffer_new (w, h, 3);

  for (guint y = 0; out != NULL && y < h; y++)
    for (guint x = 0; x < w; x++)
      {
        guint sx = (guint) CLAMP (x0 + (int) x, 0, (int) image->width - 1);
        guint sy = (guint) CLAMP (y0 + (int) y, 0, (int) image->height - 1);
        const guint8 *from
            = image->pixels + ((gsize) sy * image->width + sx) * image->channels;
        guint8 *to = out->pixels + ((gsize) y * w + x) * 3;
        guint alpha = image->channels == 4 ? from[3] : 255;

        for (guint c = 0; c < 3; c++)
          to[c] = (guint8) ((from[c] * alpha + 255 * (255 - alpha) + 127) / 255);
      }
  return out;
}

/* Beyond the mask's edges @beyond. */
static ImageMask *
cut_mask (const ImageMask *mask, int x0, int y0, guint w, guint h, guint8 beyond)
{
  ImageMask *out = image_mask_new (w, h);

  for (guint y = 0; out != NULL && y < h; y++)
    for (guint x = 0; x < w; x++)
      {
        int sx = x0 + (int) x, sy = y0 + (int) y;
        gboolean inside
            = sx >= 0 && sy >= 0 && sx < (int) mask->width && sy < (int) mask->height;
        out->pixels[(gsize) y * w + x]
            = inside ? mask->pixels[(gsize) sy * mask->width + (guint) sx] : beyond;
      }
  return out;
}

static ImageMask *
resize_mask (const ImageMask *mask, guint w, guint h)
{
  g_autoptr (ImageBuffer) grey = image_buffer_new (mask->width, mask->height, 3);
  g_autoptr (ImageBuffer) small = NULL;
  ImageMask *out = image_mask_new (w, h);

  for (gsize i = 0; grey != NULL && i < (gsize) mask->width * mask->height; i++)
    memset (grey->pixels + 3 * i, mask->pixels[i], 3);
  small = grey != NULL ? image_buffer_resize (grey, w, h) : NULL;
  if (small == NULL)
    g_clear_pointer (&out, image_mask_free);
  for (gsize i = 0; out != NULL && i < (gsize) w * h; i++)
    out->pixels[i] = small->pixels[3 * i];
  return out;
}

static ImageBuffer *
cut_and_scale (
    const ImageBuffer *image, int x, int y, guint w, guint h, guint width, guint height)
{
  g_autoptr (ImageBuffer) part = cut_image (image, x, y, w, h);

  if (part == NULL || (w == width && h == height))
    return g_steal_pointer (&part);
  return image_buffer_resize (part, width, height);
}

static ImageMask *
cut_and_scale_mask (const ImageMask *mask,
                    int x,
                    int y,
                    guint w,
                    guint h,
                    guint width,
                    guint height,
                    guint8 beyond)
{
  g_autoptr (ImageMask) part = cut_mask (mask, x, y, w, h, beyond);

  if (part == NULL || (w == width && h == height))
    return g_steal_pointer (&part);
  return resize_mask (part, width, height);
}

/* ---- the canvas ---- */

/* How much of a pixel of the old picture is made anew: most at the edge beyond which
 * there is something new, nothing from @overlap pixels on. */
static guint
overlap_at (const SdSource *source, guint x, guint y)
{
  guint w = source->image->width, h = source->image->height, most = 0;
  const guint distance[4] = { x, y, w - 1 - x, h - 1 - y };

  for (guint side = LEFT; side <= BOTTOM; side++)
    {
      guint room = side == LEFT || side == RIGHT ? w : h;
      guint overlap = MIN (source->overlap, room / 4);

      if (source->extend[side] > 0 && distance[side] < overlap)
        most = MAX (most, 255 - 255 * distance[side] / overlap);
    }
  return most;
}

static void
mark (SdFrame *frame, const SdSource *source)
{
  guint w = source->image->width, h = source->image->height;

  memset (frame->mask->pixels, 255, (gsize) frame->mask->width * frame->mask->height);
  memset (frame->fresh->pixels, 255, (gsize) frame->mask->width * frame->mask->height);
  for (guint y = 0; y < h; y++)
    for (guint x = 0; x < w; x++)
      {
        gsize at = (gsize) (y + source->extend[TOP]) * frame->mask->width + x
                   + source->extend[LEFT];
        guint given = source->mask != NULL ? source->mask->pixels[(gsize) y * w + x] : 0;

        frame->mask->pixels[at] = (guint8) MAX (given, overlap_at (source, x, y));
        frame->fresh->pixels[at] = 0;
      }
}

static gboolean
make_canvas (SdFrame *frame, const SdSource *source)
{
  const guint *e = source->extend;
  guint w = source->image->width + e[LEFT] + e[RIGHT];
  guint h = source->image->height + e[TOP] + e[BOTTOM];

  if (w == source->image->width && h == source->image->height)
    {
      /* The picture itself where it will do: it may be large, and nobody changes it. */
      frame->canvas = source->image->channels == 3
                          ? image_buffer_ref (source->image)
                          : cut_image (source->image, 0, 0, w, h);
      frame->mask = image_mask_ref (source->mask);
      return frame->canvas != NULL;
    }
  frame->canvas = cut_image (source->image, -(int) e[LEFT], -(int) e[TOP], w, h);
  frame->mask = image_mask_new (w, h);
  frame->fresh = image_mask_new (w, h);
  if (frame->canvas == NULL || frame->mask == NULL || frame->fresh == NULL)
    return FALSE;
  mark (frame, source);
  return TRUE;
}

/* ---- sizes ---- */

/* The canvas becomes that part of it, of the view's size. */
static gboolean
take_part (SdFrame *frame, int x, int y, guint w, guint h)
{
  guint width = frame->width, height = frame->height;
  ImageBuffer *canvas = cut_and_scale (frame->canvas, x, y, w, h, width, height);
  gboolean masked = frame->mask != NULL, fresh = frame->fresh != NULL;
  ImageMask *mask
      = masked ? cut_and_scale_mask (frame->mask, x, y, w, h, width, height, 255) : NULL;
  ImageMask *gaps
      = fresh ? cut_and_scale_mask (frame->fresh, x, y, w, h, width, height, 255) : NULL;

  image_buffer_free (frame->canvas);
  image_mask_free (frame->mask);
  image_mask_free (frame->fresh);
  frame->canvas = canvas;
  frame->mask = mask;
  frame->fresh = gaps;
  return canvas != NULL && (!masked || mask != NULL) && (!fresh || gaps != NULL);
}

static gboolean
resize_canvas (SdFrame *frame, SdResize mode)
{
  guint w = frame->canvas->width, h = frame->canvas->height;
  gboolean wide = (guint64) w * frame->height > (guint64) h * frame->width;
  guint other_w
      = (guint) (((guint64) h * frame->width + frame->height / 2) / frame->height);
  guint other_h
      = (guint) (((guint64) w * frame->height + frame->width / 2) / frame->width);
  guint pw = w, ph = h;

  if (mode == SD_RESIZE_CROP && wide)
    pw = MAX (other_w, 1);
  else if (mode == SD_RESIZE_CROP)
    ph = MAX (other_h, 1);
  else if (mode == SD_RESIZE_FILL && wide)
    ph = other_h;
  else if (mode == SD_RESIZE_FILL)
    pw = other_w;
  if (mode == SD_RESIZE_FILL && (pw > w || ph > h) && frame->fresh == NULL)
    {
      frame->fresh = image_mask_new (w, h);
      if (frame->fresh == NULL)
        return FALSE;
    }
  return take_part (frame, ((int) w - (int) pw) / 2, ((int) h - (int) ph) / 2, pw, ph);
}

/* What is masked, with @padding around it, then longer on one side until its proportions
 * are the view's; inside the canvas as far as that goes. */
static void
choose_part (SdFrame *frame, guint padding)
{
  const ImageMask *mask = frame->mask;
  guint w = mask->width, h = mask->height;
  guint x0 = w, y0 = h, x1 = 0, y1 = 0;

  for (guint y = 0; y < h; y++)
    for (guint x = 0; x < w; x++)
      if (mask->pixels[(gsize) y * w + x] != 0)
        {
          x0 = MIN (x0, x);
          x1 = MAX (x1, x + 1);
          y0 = MIN (y0, y);
          y1 = MAX (y1, y + 1);
        }
  x0 -= MIN (x0, padding);
  y0 -= MIN (y0, padding);
  x1 = MIN (w, x1 + padding);
  y1 = MIN (h, y1 + padding);
  guint64 pw = x1 - x0, ph = y1 - y0;
  guint64 want_w = MAX (pw, (ph * frame->width + frame->height / 2) / frame->height);
  guint64 want_h = MAX (ph, (pw * frame->height + frame->width / 2) / frame->width);

  frame->w = (guint) MIN (want_w, w);
  frame->h = (guint) MIN (want_h, h);
  x0 -= MIN (x0, (frame->w - (guint) pw) / 2);
  y0 -= MIN (y0, (frame->h - (guint) ph) / 2);
  frame->x = MIN (x0, w - frame->w);
  frame->y = MIN (y0, h - frame->h);
}

static guint
round_up (guint side)
{
  return (side + 7) / 8 * 8;
}

static gboolean
fit (SdFrame *frame, const SdSource *source)
{
  guint w = frame->canvas->width, h = frame->canvas->height;

  if (frame->mask != NULL && source->only_masked)
    {
      choose_part (frame, source->padding);
      return TRUE;
    }
  frame->w = frame->width;
  frame->h = frame->height;
  /* A picture that is kept but for the masked part keeps its size too: what the networks
   * want beyond it is cut off again. */
  if (w == frame->width && h == frame->height)
    return TRUE;
  if (frame->mask != NULL && round_up (w) == frame->width
      && round_up (h) == frame->height)
    return TRUE;
  return resize_canvas (frame, source->resize);
}

SdFrame *
sd_frame_new (const SdParams *params, GError **error)
{
  const SdSource *source = params->source;
  g_autoptr (SdFrame) frame = g_new0 (SdFrame, 1);

  frame->width = params->width;
  frame->height = params->height;
  if (!make_canvas (frame, source) || !fit (frame, source))
    {
      g_set_error (error, NN_ERROR, NN_ERROR_MEMORY,
                   _ ("No memory for a picture of %u×%u"), source->image->width,
                   source->image->height);
      return NULL;
    }
  if (frame->mask != NULL && sd_mask_is_empty (frame->mask))
    {
      g_set_error (error, SD_ERROR, SD_ERROR_PARAMETER,
                   _ ("What is masked lies outside of the %u×%u that are made: take "
                      "another size, or fill instead of cropping"),
                   frame->width, frame->height);
      return NULL;
    }
  return g_steal_pointer (&frame);
}

/* ---- the view ---- */

ImageMask *
sd_frame_view_mask (const SdFrame *frame)
{
  if (frame->mask == NULL)
    return NULL;
  return cut_and_scale_mask (frame->mask, (int) frame->x, (int) frame->y, frame->w,
                             frame->h, frame->width, frame->height, 0);
}

static ImageBuffer *
fill_gaps (ImageBuffer *view, const ImageMask *gaps)
{
  gsize n = (gsize) view->width * view->height;
  g_autofree float *pixels = g_try_new (float, n * 4);

  if (pixels == NULL)
    {
      image_buffer_free (view);
      return NULL;
    }
  for (gsize i = 0; i < n; i++)
    {
      for (guint c = 0; c < 3; c++)
        pixels[4 * i + c] = view->pixels[3 * i + c];
      pixels[4 * i + 3] = gaps->pixels[i] == 0 ? 1.0f : 0.0f;
    }
  sd_fill (pixels, view->width, view->height);
  for (gsize i = 0; i < n; i++)
    for (guint c = 0; c < 3 && gaps->pixels[i] != 0; c++)
      view->pixels[3 * i + c] = (guint8) (CLAMP (pixels[4 * i + c], 0, 255) + 0.5f);
  return view;
}

ImageBuffer *
sd_frame_view (const SdFrame *frame, gboolean fill)
{
  int x = (int) frame->x, y = (int) frame->y;
  guint w = frame->w, h = frame->h, width = frame->width, height = frame->height;
  ImageBuffer *view = cut_and_scale (frame->canvas, x, y, w, h, width, height);
  g_autoptr (ImageMask) gaps = NULL;

  if (view == NULL || (frame->fresh == NULL && !(fill && frame->mask != NULL)))
    return view;
  if (frame->fresh != NULL)
    gaps = cut_and_scale_mask (frame->fresh, x, y, w, h, width, height, 0);
  else
    gaps = image_mask_new (width, height);
  if (fill && frame->mask != NULL && gaps != NULL)
    {
      g_autoptr (ImageMask) mask = sd_frame_view_mask (frame);
      for (gsize i = 0; mask != NULL && i < (gsize) width * height; i++)
        if (mask->pixels[i] >= 128)
          gaps->pixels[i] = 255;
    }
  if (gaps == NULL)
    {
      image_buffer_free (view);
      return NULL;
    }
  return fill_gaps (view, gaps);
}

gboolean
sd_mask_is_empty (const ImageMask *mask)
{
  for (gsize i = 0; i < (gsize) mask->width * mask->height; i++)
    if (mask->pixels[i] != 0)
      return FALSE;
  return TRUE;
}

float *
sd_mask_cells (const ImageMask *mask, gboolean soft)
{
  guint w = mask->width / 8, h = mask->height / 8;
  float *cells = g_new (float, (gsize) w *h);

  for (guint y = 0; y < h; y++)
    for (guint x = 0; x < w; x++)
      {
        guint sum = 0;

        for (guint k = 0; k < 64; k++)
          sum += mask->pixels[(gsize) (8 * y + k / 8) * mask->width + 8 * x + k % 8];
        cells[(gsize) y * w + x]
            = soft ? (float) sum / (64 * 255) : (2 * sum > 64 * 255 ? 1.0f : 0.0f);
      }
  return cells;
}
