/* See play_tint.h. No state. */
#include "play_tint.h"

#include "draw.h"

#include <string.h>

static enum tint tint_of(char glyph)
{
    if (glyph >= 'A' && glyph <= 'Z')
        return (glyph - 'A') % 2 == 0 ? TINT_LIVE : TINT_LIVE2;
    switch (glyph) {
    case 'o':
        return TINT_LIVE;
    case 'x':
        return TINT_LIVE2;
    case '#':
        return TINT_HEADER;
    case '.':
        return TINT_SLACK;
    case 'c':
        return TINT_CACHED;
    case '~':
        return TINT_TOP;
    case '!':
    case '?':
        return TINT_BAD;
    default:
        return strchr("fbl=-", glyph) != NULL ? TINT_FREE : TINT_NONE;
    }
}

bool tint_wanted(unsigned when)
{
    static const enum color_when color[] = {COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER};
    struct options o = {.color = color[when]};
    struct draw d;
    draw_open(&d, stdout, &o);
    return d.color;
}

void tint_glyphs(const struct draw_style *d, const char *glyph, size_t count,
                 bool shades)
{
    struct draw draw = {.out = d->out, .color = d->color};
    for (size_t i = 0; i < count; i++) {
        bool shade = shades && strchr(".:+#@", glyph[i]) != NULL;
        draw_tint(&draw, shade ? TINT_LIVE : tint_of(glyph[i]));
        fputc(glyph[i], d->out);
    }
    draw_tint(&draw, TINT_NONE);
}
