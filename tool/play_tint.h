/* Colours of play's glyphs, the same as in the other verbs. They only repeat what the glyph
 * says. */
#ifndef TOOL_PLAY_TINT_H
#define TOOL_PLAY_TINT_H

#include "play_draw.h"

/* As --color has it: 0 auto, 1 always, 2 never. */
bool tint_wanted(unsigned when);
/* Writes `count` glyphs, in colours if the style has them; `shades` tell how much of a cell
 * is in use. */
void tint_glyphs(const struct draw_style *d, const char *glyph, size_t count,
                 bool shades);

#endif
