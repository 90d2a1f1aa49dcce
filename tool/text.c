/* Text for people and for programs; see text.h. No state. */
#include "text.h"

#include "base/say.h"
#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *text_size(char out[SIZE_TEXT], uint64_t bytes)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    unsigned i = 0;
    double n = (double)bytes;
    for (; n >= 1023.95 && i + 1 < sizeof unit / sizeof unit[0]; i++)
        n /= 1024;
    if (i == 0)
        snprintf(out, SIZE_TEXT, "%u B", (unsigned)bytes);
    else
        snprintf(out, SIZE_TEXT, "%.1f %s", n, unit[i]);
    return out;
}

char *text_count(char out[SIZE_TEXT], uint64_t n)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    int at = 0;
    for (int i = 0; i < length && at < SIZE_TEXT - 2; i++) {
        if (i != 0 && (length - i) % 3 == 0 && length > 4)
            out[at++] = ' ';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

double text_percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0.0 : 100.0 * (double)part / (double)whole;
}

/* Length of a valid UTF-8 sequence at s that is no control character, or 0. */
static size_t text_sequence(const unsigned char *s)
{
    size_t length = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    uint32_t point = s[0];
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (s[0] < 0x80)
        return s[0] >= 0x20 && s[0] != 0x7f ? 1 : 0;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    point &= 0x7fU >> length;
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (s[i] & 0x3f);
    }
    bool is_control = point < 0xa0 || (point >= 0x200b && point <= 0x200f) ||
                      (point >= 0x2028 && point <= 0x202e) ||
                      (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
    bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
    return point < least[length] || point > 0x10ffff || is_surrogate || is_control
               ? 0
               : length;
}

char *text_printable(const char *s)
{
    char *out = take(4 * strlen(s) + 1);
    size_t at = 0;
    while (*s != '\0') {
        size_t length = text_sequence((const unsigned char *)s);
        if (length == 0) {
            at += (size_t)sprintf(out + at, "\\x%02x", (unsigned char)*s);
            s++;
        } else {
            memcpy(out + at, s, length);
            at += length;
            s += length;
        }
    }
    out[at] = '\0';
    return out;
}

void json_string(FILE *out, const char *s)
{
    char *shown = text_printable(s);
    fputc('"', out);
    for (const char *at = shown; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            fputc('\\', out);
        fputc(*at, out);
    }
    fputc('"', out);
    free(shown);
}

void json_address(FILE *out, uint64_t address)
{
    fprintf(out, "\"0x%llx\"", (unsigned long long)address);
}

void xml_text(FILE *out, const char *s)
{
    char *shown = text_printable(s);
    for (const char *at = shown; *at != '\0'; at++) {
        switch (*at) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fputc(*at, out);
        }
    }
    free(shown);
}

bool text_number(const char *s, uint64_t *value)
{
    char *end;
    bool is_hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
    if (!(s[0] >= '0' && s[0] <= '9'))
        return false;
    errno = 0;
    unsigned long long n = strtoull(s, &end, is_hex ? 16 : 10);
    if (errno != 0 || end == s)
        return false;
    unsigned shift = *end == 'K' || *end == 'k'   ? 10
                     : *end == 'M' || *end == 'm' ? 20
                     : *end == 'G' || *end == 'g' ? 30
                                                  : 0;
    end += shift != 0;
    if (*end != '\0' || n > UINT64_MAX >> shift)
        return false;
    *value = (uint64_t)n << shift;
    return true;
}

const char *text_nearest(const char *word, const char *const *names, size_t count)
{
    unsigned least = 4; /* further away is no typing mistake */
    const char *best = NULL;
    for (size_t i = 0; i < count; i++) {
        unsigned distance = text_distance(word, strlen(word), names[i]);
        if (distance < least && distance < strlen(names[i])) {
            least = distance;
            best = names[i];
        }
    }
    return best;
}
