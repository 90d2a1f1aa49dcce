/* Allocation-free formatted output; see say.h. No state. */
#include "base/say.h"

#include "base/bits.h"

#include <errno.h>
#include <unistd.h>

struct number_format {
    unsigned base;
    unsigned width;
    bool zero;
    bool left;
};

static void text_put(struct text *t, char c)
{
    if (t->length + 1 < t->capacity) {
        t->data[t->length++] = c;
        t->data[t->length] = '\0';
    }
}

static void text_pad(struct text *t, size_t used, unsigned width, char fill)
{
    for (; used < width; used++)
        text_put(t, fill);
}

static void text_number(struct text *t, unsigned long long n, bool negative,
                        const struct number_format *f)
{
    char digits[24];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[n % f->base];
        n /= f->base;
    } while (n != 0);
    if (negative)
        digits[count++] = '-';
    if (!f->left)
        text_pad(t, count, f->width, f->zero ? '0' : ' ');
    for (unsigned i = count; i > 0; i--)
        text_put(t, digits[i - 1]);
    if (f->left)
        text_pad(t, count, f->width, ' ');
}

static void text_string(struct text *t, const char *s, const struct number_format *f)
{
    size_t length = 0;
    if (s == NULL)
        s = "(null)";
    while (s[length] != '\0')
        length++;
    if (!f->left)
        text_pad(t, length, f->width, ' ');
    for (size_t i = 0; i < length; i++)
        text_put(t, s[i]);
    if (f->left)
        text_pad(t, length, f->width, ' ');
}

/* One conversion; `longs` counts l (or z = 1). Returns false for an unknown letter. */
static bool text_convert(struct text *t, char letter, int longs, va_list *arguments,
                         struct number_format *f)
{
    unsigned long long n;
    switch (letter) {
    case 'd': {
        long long v = longs == 2   ? va_arg(*arguments, long long)
                      : longs == 1 ? va_arg(*arguments, long)
                                   : va_arg(*arguments, int);
        n = v < 0 ? 0ULL - (unsigned long long)v : (unsigned long long)v;
        text_number(t, n, v < 0, f);
        return true;
    }
    case 'x':
        f->base = 16;
        /* fall through */
    case 'u':
        n = longs == 2   ? va_arg(*arguments, unsigned long long)
            : longs == 1 ? va_arg(*arguments, unsigned long)
                         : va_arg(*arguments, unsigned);
        text_number(t, n, false, f);
        return true;
    case 'p':
        f->base = 16;
        text_put(t, '0');
        text_put(t, 'x');
        text_number(t, (uintptr_t)va_arg(*arguments, void *), false, f);
        return true;
    case 's':
        text_string(t, va_arg(*arguments, const char *), f);
        return true;
    case 'c':
        text_put(t, (char)va_arg(*arguments, int));
        return true;
    default:
        return false;
    }
}

void text_add_list(struct text *t, const char *format, va_list arguments)
{
    va_list list;
    va_copy(list, arguments);
    for (const char *s = format; *s != '\0'; s++) {
        if (*s != '%') {
            text_put(t, *s);
            continue;
        }
        struct number_format f = {.base = 10};
        int longs = 0;
        for (s++; *s == '-' || *s == '0'; s++) {
            f.left = f.left || *s == '-';
            f.zero = f.zero || *s == '0';
        }
        for (; *s >= '0' && *s <= '9'; s++)
            f.width = f.width * 10 + (unsigned)(*s - '0');
        for (; *s == 'l' || *s == 'z'; s++)
            longs++;
        if (*s == '\0')
            break;
        if (!text_convert(t, *s, longs, &list, &f))
            text_put(t, *s);
    }
    va_end(list);
}

void text_add(struct text *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_add_list(t, format, arguments);
    va_end(arguments);
}

bool text_add_path(struct text *t, const char *path, unsigned process)
{
    for (; *path != '\0'; path++) {
        bool is_number = path[0] == '%' && path[1] == 'p';
        size_t room = is_number ? sizeof "4294967295" : sizeof "c";
        if (t->length + room > t->capacity)
            return false;
        if (is_number)
            text_add(t, "%u", process);
        else
            text_put(t, *path);
        path += is_number;
    }
    return true;
}

unsigned text_distance(const char *word, size_t length, const char *name)
{
    unsigned row[32], columns = 0;
    while (columns < 32 && name[columns] != '\0')
        columns++;
    if (length > 31 || columns > 31)
        return 99;
    for (unsigned j = 0; j <= columns; j++)
        row[j] = j;
    for (unsigned i = 0; i < length; i++) {
        unsigned corner = row[0];
        row[0] = i + 1;
        for (unsigned j = 0; j < columns; j++) {
            unsigned change = corner + ((word[i] | 0x20) != (name[j] | 0x20));
            corner = row[j + 1];
            unsigned step = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            row[j + 1] = change < step ? change : step;
        }
    }
    return row[columns];
}

bool say_bytes(int fd, const char *data, size_t length)
{
    int saved = errno;
    while (length > 0) {
        ssize_t done = write(fd, data, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            break;
        data += done;
        length -= (size_t)done;
    }
    errno = saved;
    return length == 0;
}

void say(int fd, const char *format, ...)
{
    char buffer[1024];
    struct text t = {buffer, sizeof buffer, 0};
    buffer[0] = '\0';
    va_list arguments;
    va_start(arguments, format);
    text_add_list(&t, format, arguments);
    va_end(arguments);
    say_bytes(fd, t.data, t.length);
}
