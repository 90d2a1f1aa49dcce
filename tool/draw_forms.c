/* Rows of cells that are not text: JSON, SVG, an array; text as a page. See draw.h. No state. */
#include "draw.h"

#include "text.h"

enum { SVG_CELL = 8, SVG_ROW = 12, SVG_LEFT = 90 };

/* Colours of the page too: blue, orange and grey, told apart by the colour-blind. */
static const char *svg_color(const struct cell *c)
{
    static const char *const colors[TINTS] = {
        [TINT_NONE] = "#ffffff",    [TINT_LIVE] = "#1f6fd6",
        [TINT_LIVE2] = "#6aaef5",   [TINT_SLACK] = "#b8d4f2",
        [TINT_CACHED] = "#f0a030",  [TINT_FREE] = "#c4c4c4",
        [TINT_TOP] = "#e4e4e4",     [TINT_HEADER] = "#303030",
        [TINT_BAD] = "#d04000",     [TINT_DIM] = "#f6f6f6",
        [TINT_HUE] = "#0b3d91",     [TINT_HUE + 1] = "#1f6fd6",
        [TINT_HUE + 2] = "#7fc4f5", [TINT_HUE + 3] = "#f5e6a8",
        [TINT_HUE + 4] = "#f0b030", [TINT_HUE + 5] = "#d06000",
    };
    return colors[c->tint];
}

static bool svg_same(const struct cell *a, const struct cell *b)
{
    return a->glyph == b->glyph && a->tint == b->tint && a->shade == b->shade;
}

static void svg_row(struct draw *d, uint64_t offset, const struct cell *cell,
                    unsigned count, const char *note)
{
    unsigned y = d->svg_y++ * SVG_ROW;
    fprintf(d->out, "<text x=\"0\" y=\"%u\">+%07llx</text>\n", y + SVG_ROW - 2,
            (unsigned long long)offset);
    for (unsigned i = 0; i < count;) {
        unsigned from = i;
        while (i < count && svg_same(&cell[i], &cell[from]))
            i++;
        fprintf(d->out,
                "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"%s\"",
                SVG_LEFT + from * SVG_CELL, y, (i - from) * SVG_CELL, SVG_ROW - 1,
                svg_color(&cell[from]));
        if (cell[from].shade != 0)
            fprintf(d->out, " fill-opacity=\"%.1f\"", 0.2 * cell[from].shade);
        fprintf(d->out, "><title>+0x%llx %c</title></rect>\n",
                (unsigned long long)offset,
                cell[from].shade == 0 ? cell[from].glyph : '#');
    }
    if (note != NULL)
        fprintf(d->out, "<text x=\"%u\" y=\"%u\">%s</text>\n",
                SVG_LEFT + d->cells * SVG_CELL + 8, y + SVG_ROW - 2, note);
}

static void json_row(struct draw *d, uint64_t offset, const struct cell *cell,
                     unsigned count, const char *note)
{
    char glyphs[2] = "";
    fprintf(d->out, "%s\n{\"offset\":%llu,\"cells\":\"", d->has_rows ? "," : "",
            (unsigned long long)offset);
    for (unsigned i = 0; i < count; i++) {
        glyphs[0] = draw_ascii(&cell[i]);
        fputs(glyphs, d->out);
    }
    fprintf(d->out, "\"");
    if (note != NULL) {
        fprintf(d->out, ",\"note\":");
        json_string(d->out, note);
    }
    fputc('}', d->out);
    d->has_rows = true;
}

void draw_row_form(struct draw *d, uint64_t offset, const struct cell *cell,
                   unsigned count, const char *note)
{
    if (d->form == FORM_JSON) {
        json_row(d, offset, cell, count, note);
    } else if (d->form == FORM_SVG) {
        svg_row(d, offset, cell, count, note);
    } else {
        for (unsigned i = 0; i < count && offset + i < d->capture_count; i++)
            d->capture[offset + i] = cell[i];
    }
}

void svg_page(FILE *out, const char *title, const char *body, unsigned rows,
              unsigned cells)
{
    unsigned width = SVG_LEFT + cells * SVG_CELL + 420, height = (rows + 1) * SVG_ROW;
    fprintf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
        "viewBox=\"0 0 %u %u\" font-family=\"monospace\" font-size=\"10\">\n<title>",
        width, height, width, height);
    xml_text(out, title);
    fprintf(out,
            "</title>\n<rect width=\"100%%\" height=\"100%%\" "
            "fill=\"#ffffff\"/>\n%s</svg>\n",
            body);
}

/* Colours in the light and in the dark, each at least 4.5 : 1 against its ground. */
static const char html_style[] =
    "<style>\n"
    ":root{color-scheme:light dark}\n"
    "body{margin:1em;background:#fff;color:#222}pre{line-height:1.15}\n"
    ".t1,.h1{color:#1560bd}.t2,.h2{color:#2a70a8}.t3{color:#4a6a8a}.t4,.h4{color:#"
    "96600a}"
    ".t5{color:#666}.t6{color:#717171}.t7{color:#000}.t9{color:#717171}"
    ".t8{color:#fff;background:#b03500}.h0{color:#0b3d91}.h3{color:#75691c}"
    ".h5{color:#b04a00}\n"
    "@media(prefers-color-scheme:dark){body{background:#15181c;color:#ddd}"
    ".t1,.h1{color:#5aa7ff}.t2,.h2{color:#8cc6ff}.t3{color:#90a8c0}.t4,.h4{color:#"
    "f5b04a}"
    ".t5{color:#aaa}.t6{color:#999}.t7{color:#fff}.t9{color:#999}.h0{color:#7da6e8}"
    ".h3{color:#f5e6a8}.h5{color:#ff9a50}}\n"
    "</style>\n";

static void html_tint(FILE *out, unsigned tint, bool *inside)
{
    if (*inside)
        fputs("</span>", out);
    *inside = tint != TINT_NONE;
    if (tint >= TINT_HUE)
        fprintf(out, "<span class=\"h%u\">", tint - TINT_HUE);
    else if (tint != TINT_NONE)
        fprintf(out, "<span class=\"t%u\">", tint);
}

void html_page(FILE *out, const char *title, const char *text)
{
    bool inside = false;
    unsigned tint;
    int end;
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
          out);
    xml_text(out, title);
    fprintf(out, "</title>\n%s</head>\n<body>\n<pre>", html_style);
    for (const char *c = text; *c != '\0'; c++) {
        if (sscanf(c, "\033[%um%n", &tint, &end) == 1) {
            html_tint(out, tint, &inside);
            c += end - 1;
        } else if (*c == '<' || *c == '>' || *c == '&') {
            fputs(*c == '<' ? "&lt;" : *c == '>' ? "&gt;" : "&amp;", out);
        } else {
            fputc(*c, out);
        }
    }
    fprintf(out, "%s</pre>\n</body>\n</html>\n", inside ? "</span>" : "");
}
