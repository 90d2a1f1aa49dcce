/*
 * chunky top: the heap of a process on the full screen, again every second. Plain
 * terminal sequences, so it needs no library and works over ssh. State: the terminal.
 */
#include "run.h"
#include "session.h"
#include "show.h"
#include "text.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { TOP_EDGE = 3, KEY_UP = 256, KEY_DOWN, KEY_PAGE_UP, KEY_PAGE_DOWN };

enum view { VIEW_STATS, VIEW_MAP, VIEW_BINS, VIEW_FRAG, VIEW_LAYOUT, VIEW_HELP };

struct top {
    struct options *options;
    enum view view;
    unsigned width, height;
    size_t scroll;
    size_t lines; /* of the last frame */
    int zoom;     /* of the map: powers of two */
    bool paused;
    bool stopping; /* --stop, or the key */
    char *frame;   /* text of the last look */
    size_t frame_size;
    double took; /* seconds of the last look */
};

static struct termios top_saved;
static volatile sig_atomic_t top_is_raw, top_resized;

static void top_restore(void)
{
    static const char end[] = "\033[?25h\033[?1049l\033[0m";
    if (!top_is_raw)
        return;
    top_is_raw = 0;
    ssize_t written = write(STDOUT_FILENO, end, sizeof end - 1);
    (void)written;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &top_saved);
}

static void top_signal(int signal)
{
    if (signal == SIGWINCH) {
        top_resized = 1;
        return;
    }
    top_restore();
    raise(signal); /* SA_RESETHAND: now the default */
}

static bool top_raw(void)
{
    struct termios raw;
    struct sigaction act = {.sa_handler = top_signal};
    if (tcgetattr(STDIN_FILENO, &top_saved) != 0)
        return false;
    sigemptyset(&act.sa_mask);
    sigaction(SIGWINCH, &act, NULL);
    act.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGHUP, &act, NULL);
    raw = top_saved;
    raw.c_lflag &= (tcflag_t) ~(ECHO | ICANON);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) != 0)
        return false;
    top_is_raw = 1;
    fputs("\033[?1049h\033[?25l", stdout);
    return true;
}

static void top_measure(struct top *t)
{
    struct winsize w;
    t->width = 80;
    t->height = 24;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 20 && w.ws_row >= 5) {
        t->width = w.ws_col;
        t->height = w.ws_row;
    }
    top_resized = 0;
}

/* --- what is looked at ------------------------------------------------------ */

static void top_map(struct top *t, struct session *n)
{
    struct scan *s = &n->scan;
    uint64_t extent = 0, rows = t->height > 8 + s->heap_count ? t->height - 8 : 4;
    struct map_style style = {.cell = 64};
    for (size_t i = 0; i < s->heap_count; i++)
        extent += s->heaps[i].h.end - s->heaps[i].h.start;
    while (style.cell * n->draw.cells * rows < extent)
        style.cell *= 2;
    for (int z = 0; z < t->zoom && style.cell > 1; z++)
        style.cell /= 2;
    for (int z = 0; z > t->zoom; z--)
        style.cell *= 2;
    style.cell = style.cell == 2 ? 1 : style.cell;
    map_legend(&n->draw, &style);
    for (size_t i = 0; i < s->heap_count; i++) {
        fprintf(n->draw.out, "arena %u  0x%llx\n", s->arenas[s->heaps[i].arena].a.index,
                (unsigned long long)s->heaps[i].h.start);
        map_heap(&n->draw, s, &s->heaps[i], &style, NULL);
    }
}

static void top_help(FILE *out)
{
    fputs("  s  stats: arenas and the waterfall     m  map; + and - zoom\n"
          "  b  bins and caches                     f  why memory is still resident\n"
          "  l  layout of the address space         h  this help\n"
          "  arrows, page up and down: scroll       p  pause; space: look now\n"
          "  S  stop the process while it is read   q  quit\n",
          out);
}

static void top_body(struct top *t, struct session *n)
{
    struct survey v;
    switch (t->view) {
    case VIEW_STATS:
        survey_take(&v, &n->scan, true, true);
        survey_kernel(&v);
        show_arenas(&n->draw, &v);
        show_waterfall(&n->draw, &v);
        show_identity(&n->draw, &v);
        show_notes(&n->draw, &v);
        survey_free(&v);
        return;
    case VIEW_MAP:
        top_map(t, n);
        return;
    case VIEW_BINS:
        show_bins(&n->draw, &n->scan, 1000);
        return;
    case VIEW_FRAG:
        show_frag(n);
        return;
    case VIEW_LAYOUT:
        show_layout(n);
        return;
    case VIEW_HELP:
        top_help(n->draw.out);
    }
}

/* One look at the process, into t->frame. */
static enum status top_look(struct top *t)
{
    struct session n;
    struct timespec from, to;
    struct options o = *t->options;
    char *text = NULL;
    size_t size = 0;
    o.width = t->width < 20 ? 20 : t->width;
    o.stop = t->stopping;
    o.cuts = true;
    clock_gettime(CLOCK_MONOTONIC, &from);
    enum status status = session_open(&n, &o);
    if (status != STATUS_OK)
        return status;
    bool color = isatty(STDOUT_FILENO) && o.color != COLOR_NEVER && n.draw.color;
    FILE *memory = must(open_memstream(&text, &size));
    bool unicode = n.draw.unicode;
    n.draw.out = n.out = memory;
    n.draw.color = color;
    n.draw.unicode = unicode;
    fprintf(memory, "%s\n", n.source.title);
    top_body(t, &n);
    draw_close(&n.draw);
    n.out = stdout;
    n.draw.out = stdout;
    status = session_close(&n, STATUS_OK);
    fclose(memory);
    if (status == STATUS_UNREADABLE) {
        free(text);
        return status; /* it ended, as was told */
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    t->took =
        (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    free(t->frame);
    t->frame = text;
    t->frame_size = size;
    t->lines = 0;
    for (size_t i = 0; i < size; i++)
        t->lines += text[i] == '\n';
    return STATUS_OK;
}

/* --- the screen ------------------------------------------------------------- */

/* One line, cut to the width; colours are not counted. Returns what follows it. */
static const char *top_line(const char *at, const char *end, unsigned width)
{
    unsigned columns = 0;
    while (at < end && *at != '\n') {
        if (*at == '\033') {
            const char *from = at;
            while (at < end && *at != 'm' && *at != '\n')
                at++;
            at += at < end && *at == 'm';
            fwrite(from, 1, (size_t)(at - from), stdout);
            continue;
        }
        bool continues = ((unsigned char)*at & 0xc0) == 0x80;
        columns += !continues;
        if (columns <= width)
            fputc(*at, stdout);
        at++;
    }
    fputs("\033[0m\033[K", stdout);
    return at < end ? at + 1 : end;
}

static void top_paint(struct top *t)
{
    const char *at = t->frame, *end = at == NULL ? NULL : at + t->frame_size;
    unsigned rows = t->height - 2;
    size_t most = t->lines > rows ? t->lines - rows : 0;
    t->scroll = t->scroll > most ? most : t->scroll;
    fputs("\033[H", stdout);
    if (at != NULL) {
        at = top_line(at, end, t->width); /* the title stays */
        fputs("\r\n", stdout);
        for (size_t skip = t->scroll; skip > 0 && at < end; skip--) {
            const char *next = memchr(at, '\n', (size_t)(end - at));
            at = next == NULL ? end : next + 1;
        }
        for (unsigned row = 1; row < rows && at < end; row++) {
            at = top_line(at, end, t->width);
            fputs("\r\n", stdout);
        }
    }
    fputs("\033[J", stdout);
    char state[160];
    snprintf(
        state, sizeof state,
        " s stats  m map  b bins  f frag  l layout  h help  q quit   %s%s%.2f s a look",
        t->paused ? "paused  " : "", t->stopping ? "stopping  " : "", t->took);
    printf("\033[%u;1H\033[7m%.*s\033[0m\033[K", t->height, (int)t->width, state);
    fflush(stdout);
}

/* --- keys ------------------------------------------------------------------- */

/* The next key of a buffer that holds `length` bytes; *used of them were it. */
static int top_key(const unsigned char *c, size_t length, size_t *used)
{
    *used = 1;
    if (length < 3 || c[0] != '\033' || (c[1] != '[' && c[1] != 'O'))
        return c[0];
    *used = 3;
    while (*used < length && c[*used - 1] >= '0' && c[*used - 1] <= '9')
        ++*used; /* up to the ~ */
    return c[2] == 'A'   ? KEY_UP
           : c[2] == 'B' ? KEY_DOWN
           : c[2] == '5' ? KEY_PAGE_UP
           : c[2] == '6' ? KEY_PAGE_DOWN
                         : 0;
}

static void top_show(struct top *t, enum view view)
{
    t->view = view;
    t->scroll = 0;
}

/* True if the process has to be looked at again. */
static bool top_press(struct top *t, int key)
{
    unsigned page = t->height > TOP_EDGE ? t->height - TOP_EDGE : 1;
    switch (key) {
    case 's':
        top_show(t, VIEW_STATS);
        return true;
    case 'm':
        top_show(t, VIEW_MAP);
        return true;
    case 'b':
        top_show(t, VIEW_BINS);
        return true;
    case 'f':
        top_show(t, VIEW_FRAG);
        return true;
    case 'l':
        top_show(t, VIEW_LAYOUT);
        return true;
    case 'h':
    case '?':
        top_show(t, VIEW_HELP);
        return true;
    case '+':
        t->zoom += t->zoom < 20;
        return true;
    case '-':
        t->zoom -= t->zoom > -20;
        return true;
    case 'S':
        t->stopping = !t->stopping;
        return true;
    case 'p':
        t->paused = !t->paused;
        return false;
    case ' ':
        return true;
    case KEY_UP:
        t->scroll -= t->scroll != 0;
        return false;
    case KEY_DOWN:
        t->scroll++;
        return false;
    case KEY_PAGE_UP:
        t->scroll -= t->scroll < page ? t->scroll : page;
        return false;
    case KEY_PAGE_DOWN:
        t->scroll += page;
        return false;
    default:
        return false;
    }
}

/* Takes the keys that were pressed; false when one of them ends it. */
static bool top_read(struct top *t, bool *look)
{
    unsigned char c[64];
    size_t used;
    ssize_t got = read(STDIN_FILENO, c, sizeof c);
    if (got <= 0)
        return got < 0 && errno == EINTR;
    for (size_t at = 0; at < (size_t)got; at += used) {
        int key = top_key(c + at, (size_t)got - at, &used);
        if (key == 'q' || key == 4 || key == 3)
            return false;
        *look = top_press(t, key) || *look;
    }
    return true;
}

static enum status top_run(struct top *t)
{
    double pause = t->options->watch > 0 ? t->options->watch : 1.0;
    bool look = true;
    for (;;) {
        top_measure(t);
        if (look) {
            enum status status = top_look(t);
            if (status != STATUS_OK)
                return status;
        }
        top_paint(t);
        struct pollfd in = {STDIN_FILENO, POLLIN, 0};
        int ready = poll(&in, 1, t->paused ? -1 : (int)(pause * 1000));
        look = ready == 0 || top_resized;
        if (ready > 0 && !top_read(t, &look))
            return STATUS_OK;
        if (ferror(stdout) != 0)
            return STATUS_OK;
    }
}

static enum status top_watch(struct top *t)
{
    struct source probe;
    enum status status = source_open(&probe, t->options->source, false);
    source_close(&probe);
    if (status != STATUS_OK)
        return status;
    if (!top_raw())
        return complain(STATUS_UNREADABLE, "the terminal cannot be set: %s",
                        strerror(errno));
    status = top_run(t);
    top_restore();
    free(t->frame);
    return status;
}

/* On a terminal that can move its cursor; says so if not. */
static bool top_is_possible(void)
{
    const char *term = getenv("TERM");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        complain(STATUS_USAGE, "top wants a terminal; chunky stats --watch 1 does not");
        return false;
    }
    if (term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0) {
        complain(STATUS_USAGE,
                 "top wants a terminal that moves its cursor, and TERM is %s; "
                 "chunky stats --watch 1 does not",
                 term == NULL || term[0] == '\0' ? "not set" : "dumb");
        return false;
    }
    return true;
}

enum status cmd_top(struct options *o)
{
    struct top t = {.options = o, .stopping = o->stop};
    char number[16];
    if (o->source == NULL && o->command == NULL)
        return complain(STATUS_USAGE, "of which process? chunky top PID");
    if (!top_is_possible())
        return STATUS_USAGE;
    if (o->source != NULL)
        return top_watch(&t);
    pid_t pid = run_beside(o->command);
    if (pid < 0)
        return STATUS_UNREADABLE;
    snprintf(number, sizeof number, "%d", (int)pid);
    o->source = number;
    o->command = NULL;
    enum status status = top_watch(&t);
    o->source = NULL;
    run_end(pid);
    return status;
}
