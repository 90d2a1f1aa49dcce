/*
 * A running process: /proc/PID/maps, process_vm_readv or else /proc/PID/mem, pagemap for
 * what is resident, and on request a stop. State: in the source.
 */
#include "source.h"

#include "pages.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PID_WINDOW = 1 << 20, PID_RUNS = 256, PID_STOPS = 64 };

/* A megabyte of the process, or less. */
struct piece {
    uintptr_t bytes; /* buffer */
    uint64_t start;
    uint64_t length; /* that was read; 0: none */
    uint64_t epoch;  /* of the reader, when it was asked for */
};

/* A thread reads the next piece while the walk is in this one. */
struct ahead {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    bool exists, busy, quits;
    struct piece piece;
};

struct pid_state {
    struct source *source;
    struct ahead ahead;
    int mem;               /* /proc/PID/mem, or -1 while process_vm_readv works */
    struct pages resident; /* for questions */
    struct pages window;   /* of what the window is about to read */
    pid_t *stopped;        /* threads that are ours to let go */
    size_t stopped_count;
};

static size_t pid_read_vm(struct source *s, uint64_t address, void *buffer, size_t size)
{
    struct iovec here = {buffer, size}, there = {(void *)(uintptr_t)address, size};
    ssize_t got = process_vm_readv(s->pid, &here, 1, &there, 1, 0);
    if (got > 0)
        return (size_t)got;
    if (got < 0 && (errno == EPERM || errno == ENOSYS)) {
        struct pid_state *state = s->state;
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/mem", (int)s->pid);
        state->mem = open(path, O_RDONLY | O_CLOEXEC);
    }
    return 0;
}

static size_t pid_read(struct reader *r, uint64_t address, void *buffer, size_t size)
{
    struct source *s = (struct source *)(void *)r;
    struct pid_state *state = s->state;
    if (address > INT64_MAX)
        return 0;
    if (state->mem < 0) {
        size_t got = pid_read_vm(s, address, buffer, size);
        if (got != 0 || state->mem < 0)
            return got;
    }
    ssize_t got = pread(state->mem, buffer, size, (off_t)address);
    return got < 0 ? 0 : (size_t)got;
}

static uint64_t pid_resident(struct source *s, uint64_t from, uint64_t to)
{
    struct pid_state *state = s->state;
    uint64_t count = 0, page = state->resident.size;
    for (uint64_t at = from / page; at < to / page; at++)
        count += (pages_of(&state->resident, at) & PAGE_RESIDENT) != 0;
    return count;
}

/* Runs of filled pages in the piece at `start`; the others become zeroes. */
static size_t pid_runs(const struct pages *p, uintptr_t bytes, uint64_t start,
                       struct iovec *here, struct iovec *there)
{
    size_t runs = 0;
    for (uint64_t i = 0; i < p->count && runs < PID_RUNS;) {
        uint64_t from = i;
        while (i < p->count && (p->flags[i] & PAGE_FILLED) != 0)
            i++;
        if (i != from) {
            size_t size = (size_t)((i - from) * p->size);
            here[runs] = (struct iovec){(void *)(bytes + from * p->size), size};
            there[runs++] =
                (struct iovec){(void *)(uintptr_t)(start + from * p->size), size};
        } else {
            memset((void *)(bytes + i++ * p->size), 0, p->size);
        }
    }
    return runs;
}

/* Reads a piece. Pages that were never touched, or were purged, are not read: reading
 * them would make the kernel map them. They are zeroes. */
static void pid_load(struct pid_state *state, struct piece *piece, uint64_t start)
{
    struct iovec here[PID_RUNS], there[PID_RUNS];
    uint64_t page = state->window.size;
    piece->start = start;
    piece->length = 0;
    if (state->mem >= 0 ||
        !pages_ask(&state->window, start / page, PID_WINDOW / page) ||
        (state->window.flags[0] & PAGE_FILLED) == 0)
        return;
    size_t runs = pid_runs(&state->window, piece->bytes, start, here, there), want = 0;
    for (size_t i = 0; i < runs; i++)
        want += here[i].iov_len;
    ssize_t got = process_vm_readv(state->source->pid, here, runs, there, runs, 0);
    if (got < 0 || (size_t)got != want)
        return;
    piece->length =
        runs == PID_RUNS
            ? (uint64_t)((uintptr_t)here[runs - 1].iov_base - piece->bytes) +
                  here[runs - 1].iov_len
            : PID_WINDOW;
}

static void *ahead_run(void *context)
{
    struct pid_state *state = context;
    struct ahead *a = &state->ahead;
    pthread_mutex_lock(&a->lock);
    for (;;) {
        while (!a->busy && !a->quits)
            pthread_cond_wait(&a->wake, &a->lock);
        if (a->quits)
            break;
        pthread_mutex_unlock(&a->lock);
        pid_load(state, &a->piece, a->piece.start);
        pthread_mutex_lock(&a->lock);
        a->busy = false;
        pthread_cond_signal(&a->done);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

static void ahead_wait(struct ahead *a)
{
    if (!a->exists)
        return;
    pthread_mutex_lock(&a->lock);
    while (a->busy)
        pthread_cond_wait(&a->done, &a->lock);
    pthread_mutex_unlock(&a->lock);
}

/* Asks for the piece behind the one at hand. */
static void ahead_ask(struct pid_state *state, uint64_t start, uint64_t epoch)
{
    struct ahead *a = &state->ahead;
    if (!a->exists) {
        a->piece.bytes = (uintptr_t)must(aligned_alloc(4096, PID_WINDOW));
        pthread_mutex_init(&a->lock, NULL);
        pthread_cond_init(&a->wake, NULL);
        pthread_cond_init(&a->done, NULL);
        if (pthread_create(&a->thread, NULL, ahead_run, state) != 0) {
            free((void *)a->piece.bytes);
            return;
        }
        a->exists = true;
    }
    pthread_mutex_lock(&a->lock);
    a->piece.start = start;
    a->piece.length = 0;
    a->piece.epoch = epoch;
    a->busy = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
}

static void ahead_end(struct ahead *a)
{
    if (!a->exists)
        return;
    ahead_wait(a);
    pthread_mutex_lock(&a->lock);
    a->quits = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    pthread_cond_destroy(&a->done);
    pthread_cond_destroy(&a->wake);
    pthread_mutex_destroy(&a->lock);
    free((void *)a->piece.bytes);
}

static bool pid_fill(struct reader *r, uint64_t address, size_t size)
{
    struct source *s = (struct source *)(void *)r;
    struct pid_state *state = s->state;
    struct ahead *a = &state->ahead;
    uint64_t end = r->start + r->length;
    bool goes_on = r->length != 0 && address + size > end && address < end + PID_WINDOW;
    ahead_wait(a);
    struct piece now = {r->window, align_down(address, state->window.size), 0,
                        r->epoch};
    if (a->exists && a->piece.epoch == r->epoch && a->piece.length != 0 &&
        address >= a->piece.start &&
        address + size <= a->piece.start + a->piece.length) {
        struct piece taken = a->piece;
        a->piece.bytes = r->window;
        now = taken;
    } else {
        pid_load(state, &now, now.start);
    }
    a->piece.length = 0;
    r->window = now.bytes;
    r->start = now.start;
    r->length = now.length;
    if (now.length == 0) {
        /* No answer about pages, or no such call: the plain way. */
        return state->mem >= 0 || state->resident.fd < 0 ? window_fill(r, address, size)
                                                         : false;
    }
    if (goes_on)
        ahead_ask(state, now.start + now.length, r->epoch);
    return reader_has(r, address, size);
}

/* "start-end rwxp offset dev inode   name" */
static bool pid_parse_map(char *line, struct map *m)
{
    char access[5];
    int name = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &m->start,
               &m->end, access, &m->offset, &name) < 4 ||
        name == 0)
        return false;
    m->access = (access[0] == 'r' ? MAP_READ : 0U) |
                (access[1] == 'w' ? MAP_WRITE : 0U) |
                (access[2] == 'x' ? MAP_EXECUTE : 0U) |
                (access[3] == 's' ? MAP_SHARED_BIT : 0U);
    line[strcspn(line, "\n")] = '\0';
    m->name = line + name;
    return true;
}

static bool pid_read_maps(struct source *s)
{
    char path[64], *line = NULL;
    size_t room = 0;
    struct map m;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)s->pid);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    source_drop_maps(s);
    while (getline(&line, &room, f) > 0)
        if (pid_parse_map(line, &m))
            source_add_map(s, &m);
    free(line);
    bool bad = ferror(f) != 0;
    fclose(f);
    return !bad;
}

static void pid_release(struct pid_state *state)
{
    for (size_t i = 0; i < state->stopped_count; i++)
        ptrace(PTRACE_DETACH, state->stopped[i], NULL, NULL);
    free(state->stopped);
    state->stopped = NULL;
    state->stopped_count = 0;
}

static void pid_close(struct source *s)
{
    struct pid_state *state = s->state;
    ahead_end(&state->ahead);
    pid_release(state);
    if (state->mem >= 0)
        close(state->mem);
    pages_close(&state->resident);
    pages_close(&state->window);
    free(state);
}

static bool pid_has(const struct pid_state *state, pid_t thread)
{
    for (size_t i = 0; i < state->stopped_count; i++)
        if (state->stopped[i] == thread)
            return true;
    return false;
}

/* Stops one thread without a signal that the program could notice. */
static bool pid_stop_thread(struct pid_state *state, pid_t thread)
{
    int status;
    if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) != 0)
        return errno == ESRCH; /* it has ended: as good as stopped */
    state->stopped = must(
        realloc(state->stopped, (state->stopped_count + 1) * sizeof *state->stopped));
    state->stopped[state->stopped_count++] = thread;
    if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) == 0)
        waitpid(thread, &status, __WALL);
    return true;
}

/* Stops all threads; new ones may start until all are. */
static enum status pid_stop(struct source *s)
{
    char path[64];
    bool again = true;
    snprintf(path, sizeof path, "/proc/%d/task", (int)s->pid);
    for (unsigned round = 0; again && round < PID_STOPS; round++) {
        DIR *d = opendir(path);
        again = false;
        if (d == NULL)
            return complain(STATUS_UNREADABLE, "process %d is gone", (int)s->pid);
        for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
            pid_t thread = (pid_t)strtol(e->d_name, NULL, 10);
            if (thread <= 0 || pid_has(s->state, thread))
                continue;
            again = true;
            if (!pid_stop_thread(s->state, thread)) {
                int why = errno;
                closedir(d);
                return complain(STATUS_UNREADABLE, "cannot stop process %d: %s",
                                (int)s->pid, strerror(why));
            }
        }
        closedir(d);
    }
    s->reader.is_live = false;
    return STATUS_OK;
}

static void pid_title(struct source *s)
{
    char path[64], name[64], line[128];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)s->pid);
    FILE *f = fopen(path, "re");
    size_t got = f == NULL ? 0 : fread(name, 1, sizeof name - 1, f);
    if (f != NULL)
        fclose(f);
    name[got] = '\0';
    name[strcspn(name, "\n")] = '\0';
    char *shown = text_printable(name);
    snprintf(line, sizeof line, "process %d%s%s%s", (int)s->pid, got != 0 ? " (" : "",
             shown, got != 0 ? ")" : "");
    free(shown);
    s->title = must(strdup(line));
}

enum status source_open_pid(struct source *s, pid_t pid, bool stop)
{
    char path[64], probe;
    struct pid_state *state = take(sizeof *state);
    *s = (struct source){
        .kind = SOURCE_PID, .pid = pid, .state = state, .close = pid_close};
    state->source = s;
    state->mem = -1;
    pages_open(&state->resident, pid);
    pages_open(&state->window, pid);
    pid_title(s);
    s->reader.read = pid_read;
    s->reader.is_live = true;
    s->remap = pid_read_maps;
    if (state->resident.fd >= 0)
        s->resident = pid_resident;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    if (access(path, F_OK) != 0)
        return complain(STATUS_UNREADABLE, "no process %d", (int)pid);
    enum status status = stop ? pid_stop(s) : STATUS_OK;
    if (status != STATUS_OK)
        return status;
    if (!pid_read_maps(s) || s->map_count == 0)
        return complain(
            STATUS_UNREADABLE, "%s: its memory is not ours to read (%s)", s->title,
            s->map_count == 0 && errno == 0 ? "it has none" : strerror(errno));
    window_open(&s->reader, PID_WINDOW);
    s->reader.fill = pid_fill;
    for (size_t i = 0; i < s->map_count; i++)
        if ((s->maps[i].access & MAP_READ) != 0 && s->maps[i].name[0] != '[') {
            if (pid_read(&s->reader, s->maps[i].start, &probe, 1) == 1)
                break;
            return complain(STATUS_UNREADABLE,
                            "%s: its memory is not ours to read (%s)", s->title,
                            strerror(errno));
        }
    return source_find_root(s);
}
