/* The table of options; see options.h. State: struct tune, and the options' part of
 * the control block. */
#include "front/options.h"

#include "base/bits.h"
#include "base/say.h"
#include "core/limit.h"
#include "front/metrics.h"
#include "front/override.h"
#include "front/report.h"
#include "front/upkeep.h"
#include "os/os.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

struct tune tune;
unsigned options_stats;
unsigned options_deepbind;

static _Atomic unsigned options_help;

enum option_kind { OPTION_SIZE, OPTION_SMALL, OPTION_FLAG, OPTION_FILE };

struct option {
    const char *name;
    enum option_kind kind;
    void *where;  /* _Atomic size_t, _Atomic unsigned, or unsigned */
    size_t value; /* default */
    size_t max;   /* largest value that makes sense */
    const char *meaning;
};

static const struct option options[] = {
    {"cache", OPTION_SIZE, &tune.cache_bytes, 8 * MIB, SIZE_MAX / 2,
     "bytes a thread's cache may hold; 0: no caches"},
    {"cache_total", OPTION_SIZE, &tune.cache_total, 2 * MIB, SIZE_MAX / 2,
     "the same for all threads together"},
    {"depot", OPTION_SIZE, &tune.depot_bytes, 2 * MIB, SIZE_MAX / 2,
     "bytes that the arenas' depots may always hold"},
    {"fast_max", OPTION_SIZE, &tune.fast_max, 128, 1024,
     "largest chunk kept unmerged in fast bins; 0: none"},
    {"fast", OPTION_SIZE, &tune.fast_bytes, 16 * KIB, SIZE_MAX / 2,
     "fast bins are consolidated beyond this"},
    {"mmap_threshold", OPTION_SIZE, &tune.mmap_threshold, 128 * KIB, SIZE_MAX / 2,
     "requests from here on are mapped, unless a free chunk that is resident holds "
     "them; setting it keeps it fixed"},
    {"mmap_threshold_max", OPTION_SIZE, &tune.mmap_threshold_max, 32 * MIB,
     SIZE_MAX / 2, "the threshold rises by itself up to this"},
    {"mmap_max", OPTION_SIZE, &tune.mmap_max, 65536, SIZE_MAX / 2,
     "most directly mapped blocks at a time"},
    {"trim_threshold", OPTION_SIZE, &tune.trim_threshold, 256 * KIB, SIZE_MAX,
     "unused end of a heap beyond this goes back"},
    {"top_pad", OPTION_SIZE, &tune.top_pad, 0, SIZE_MAX / 4,
     "extra bytes whenever a heap grows"},
    {"purge", OPTION_SIZE, &tune.purge_base, 512 * KIB, SIZE_MAX / 2,
     "free resident bytes that are always allowed"},
    {"purge_percent", OPTION_SIZE, &tune.purge_percent, 4, 1000,
     "and this share of what is live on top"},
    {"purge_hold_ms", OPTION_SIZE, &tune.purge_hold_ms, 1000, 3600000,
     "how long memory is kept that was purged and used again"},
    {"purge_at_once", OPTION_SMALL, &tune.at_once, 1, 1,
     "1: with threads, many ranges go back in one process_madvise, if prctl tells of "
     "no seccomp filter; 0: for filters that kill for prctl"},
    {"arena_max", OPTION_SIZE, &tune.arena_max, 0, 65536,
     "most arenas; 0: twice the usable CPUs"},
    {"arena_test", OPTION_SIZE, &tune.arena_test, 2, 65536,
     "arenas made before that limit is looked at"},
    {"check", OPTION_SMALL, &tune.check, 0, 3, "safety level, 0 to 3"},
    {"quarantine", OPTION_SIZE, &tune.quarantine, 256 * KIB, SIZE_MAX / 2,
     "check=2: bytes of a thread's freed blocks that rest before they are used again"},
    {"guard_rate", OPTION_SIZE, &tune.guard_rate, 0, SIZE_MAX / 2,
     "check=3: every n-th block between guard pages, the others as check=2; 0: a "
     "sample"},
    {"go_on", OPTION_SMALL, &report_go_on, 0, 1000000,
     "findings that are told and gone on after: their call is refused; 0: the first "
     "ends the process"},
    {"report", OPTION_FILE, report_path, 0, REPORT_PATH - 1,
     "a file that findings are added to as well, with a snapshot of the heap at the "
     "first in FILE.snap; %p in its name is the process; none by default"},
    {"relay", OPTION_FILE, report_relay, 0, REPORT_RELAY - 1,
     "a pipe that findings go to instead of standard error; chunky run names its own; "
     "none by default"},
    {"request", OPTION_SMALL, &tune.request, 0, 1,
     "1: record requested bytes, for drawings"},
    {"perturb", OPTION_SMALL, &tune.perturb, 0, 255,
     "fill byte for new and freed memory; 0: off"},
    {"dynamic", OPTION_SMALL, &tune.dynamic, 1, 1, "1: mmap_threshold moves by itself"},
    {"sbrk", OPTION_SMALL, &tune.sbrk, 1, 1,
     "1: the main arena grows by sbrk; 0 by itself beside another malloc"},
    {"stats", OPTION_FLAG, &options_stats, 0, 1, "1: print counters at exit"},
    {"deepbind", OPTION_FLAG, &options_deepbind, 0, 1,
     "1: dlopen keeps RTLD_DEEPBIND, whose modules use libc's malloc"},
    {"limit_soft", OPTION_SIZE, &limits.soft, 0, SIZE_MAX / 2,
     "memory from the system beyond which free memory goes back at once; 0: none"},
    {"limit_hard", OPTION_SIZE, &limits.hard, 0, SIZE_MAX / 2,
     "memory from the system beyond which requests fail with ENOMEM; 0: none"},
    {"metrics_every", OPTION_SIZE, &metrics_every, 0, SIZE_MAX / 2000,
     "seconds between two writings of the file CHUNKY_METRICS names; 0: at exit"},
};

enum { OPTION_COUNT = sizeof options / sizeof options[0] };

/* What blocks carry follows from these: they stay as they were at the start. */
static const void *const options_fixed[] = {&tune.check, &tune.guard_rate,
                                            &tune.request};

static_assert((int)OPTION_COUNT <= (int)CONTROL_OPTIONS, "the control block has room");

/* Tells the outside where a value comes from; the names and places are told once. */
static void option_show(unsigned i, const char *origin)
{
    struct control_option *c = &control.option[i];
    const struct option *o = &options[i];
    if (c->width == 0) {
        memcpy(c->name, o->name, min_size(strlen(o->name), CONTROL_NAME - 1));
        c->where = o->where;
        c->max = o->max;
        c->is_live = o->kind != OPTION_FILE;
        for (unsigned k = 0; k < sizeof options_fixed / sizeof *options_fixed; k++)
            if (options_fixed[k] == o->where)
                c->is_live = 0;
        c->width = o->kind == OPTION_SIZE   ? sizeof(size_t)
                   : o->kind == OPTION_FILE ? sizeof(char)
                                            : sizeof(unsigned);
        control.count = i + 1 > control.count ? i + 1 : control.count;
    }
    memset(c->origin, 0, sizeof c->origin);
    memcpy(c->origin, origin, min_size(strlen(origin), CONTROL_ORIGIN - 1));
}

static void option_set(unsigned i, size_t value, const char *origin)
{
    const struct option *o = &options[i];
    switch (o->kind) {
    case OPTION_SIZE:
        *(_Atomic size_t *)o->where = value;
        break;
    case OPTION_SMALL:
        *(_Atomic unsigned *)o->where = (unsigned)value;
        break;
    case OPTION_FLAG:
        *(unsigned *)o->where = (unsigned)value;
        break;
    case OPTION_FILE:
        break;
    }
    option_show(i, origin);
    if (o->where == (void *)&tune.mmap_threshold && origin[0] != 'd')
        tune.dynamic = 0;
    if (o->where == (void *)&tune.trim_threshold && origin[0] != 'd')
        tune.trim_set = 1;
}

void options_note(const void *where, const char *origin)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if (options[i].where == where)
            option_show(i, origin);
}

enum control_status options_change(const char *name, size_t value, const char *origin)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(options[i].name, name) != 0)
            continue;
        if (control.option[i].is_live == 0)
            return CONTROL_FIXED;
        if (value > options[i].max)
            return CONTROL_RANGE;
        option_set(i, value, origin);
        return CONTROL_DONE;
    }
    return CONTROL_UNKNOWN;
}

static void option_unknown(const char *name, size_t length)
{
    unsigned best = 0, least = 100;
    char copy[32];
    size_t shown = min_size(length, sizeof copy - 1);
    memcpy(copy, name, shown);
    copy[shown] = '\0';
    for (size_t i = 0; i < shown; i++)
        if (copy[i] < ' ' || copy[i] > '~')
            copy[i] = '?';
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        unsigned distance = text_distance(name, length, options[i].name);
        if (distance < least) {
            least = distance;
            best = i;
        }
    }
    say(2,
        "chunky: CHUNKY_CONF: unknown option \"%s\", did you mean \"%s\"? (ignored; "
        "CHUNKY_CONF=help lists all)\n",
        copy, options[best].name);
}

/* Digits with an optional K, M or G; false when malformed or too large. */
static bool option_number(const char *s, size_t length, size_t *value)
{
    size_t n = 0, i = 0;
    for (; i < length && s[i] >= '0' && s[i] <= '9'; i++) {
        if (multiply_overflows(n, 10, &n) || add_overflows(n, (size_t)(s[i] - '0'), &n))
            return false;
    }
    if (i == 0)
        return false;
    if (i + 1 == length) {
        unsigned shift = s[i] == 'K' || s[i] == 'k'   ? 10
                         : s[i] == 'M' || s[i] == 'm' ? 20
                         : s[i] == 'G' || s[i] == 'g' ? 30
                                                      : 0;
        if (shift == 0 || n > SIZE_MAX >> shift)
            return false;
        n <<= shift;
        i++;
    }
    *value = n;
    return i == length;
}

static void option_file(unsigned i, const char *path, size_t length)
{
    if (length == 0 || length > options[i].max) {
        say(2, "chunky: CHUNKY_CONF: \"%s\" wants a file name of at most %zu bytes\n",
            options[i].name, options[i].max);
        return;
    }
    memcpy(options[i].where, path, length);
    option_show(i, "CHUNKY_CONF");
}

static void option_parse(const char *entry, size_t length)
{
    const char *equals = memchr(entry, '=', length);
    size_t name_length = equals == NULL ? length : (size_t)(equals - entry);
    size_t value;
    if (name_length == 4 && memcmp(entry, "help", 4) == 0) {
        options_help = 1;
        return;
    }
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        if (strlen(options[i].name) != name_length ||
            memcmp(options[i].name, entry, name_length) != 0)
            continue;
        if (options[i].kind == OPTION_FILE) {
            option_file(i, equals == NULL ? "" : equals + 1,
                        length - name_length - (equals != NULL));
            return;
        }
        if (equals == NULL ||
            !option_number(equals + 1, length - name_length - 1, &value) ||
            value > options[i].max) {
            say(2,
                "chunky: CHUNKY_CONF: \"%s\" wants a number from 0 to %zu (K, M or G "
                "may follow); kept at %zu\n",
                options[i].name, options[i].max, options[i].value);
            return;
        }
        option_set(i, value, "CHUNKY_CONF");
        return;
    }
    option_unknown(entry, name_length);
}

static void options_print(void)
{
    say(2, "chunky: options of CHUNKY_CONF=name=value,name=value\n");
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &options[i];
        if (o->kind == OPTION_FILE)
            say(2, "  %-19s %10s  %s\n", o->name, "FILE", o->meaning);
        else
            say(2, "  %-19s %10zu  %s\n", o->name, o->value, o->meaning);
    }
}

void options_init(void)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        bool beside = options[i].where == (void *)&tune.sbrk && !override_won();
        option_set(i, beside ? 0 : options[i].value, beside ? "beside" : "default");
    }
    const char *text = os_environment("CHUNKY_CONF");
    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, ",");
        if (length != 0)
            option_parse(text, length);
        text += length + (text[length] == ',');
    }
    tune.control = &control;
    metrics_init();
    if (options_help != 0)
        options_print();
}
