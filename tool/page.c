/* Templates and base64; see page.h. No state. */
#include "page.h"

#include "source.h"

#include <string.h>

static const struct page_part *page_find(const char *name, size_t length,
                                         const struct page_part *part, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(part[i].name) == length && strncmp(part[i].name, name, length) == 0)
            return &part[i];
    return NULL;
}

void page_write(FILE *out, const char *template, const struct page_part *part,
                size_t count)
{
    while (*template != '\0') {
        size_t plain = strcspn(template, "@");
        fwrite(template, 1, plain, out);
        template += plain;
        if (*template == '\0')
            return;
        size_t length = strspn(template + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        const struct page_part *p = template[1 + length] == '@'
                                        ? page_find(template + 1, length, part, count)
                                        : NULL;
        if (p == NULL) {
            fputc(*template ++, out);
            continue;
        }
        fwrite(p->text, 1, p->size, out);
        template += length + 2;
    }
}

char *base64(const unsigned char *data, size_t size, size_t *out_size)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = take((size + 2) / 3 * 4 + 1), *at = out;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t three = (uint32_t)data[i] << 16 |
                         (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                         (left > 2 ? data[i + 2] : 0U);
        *at++ = digits[three >> 18];
        *at++ = digits[three >> 12 & 63];
        *at++ = left > 1 ? digits[three >> 6 & 63] : '=';
        *at++ = left > 2 ? digits[three & 63] : '=';
    }
    *out_size = (size_t)(at - out);
    return out;
}
