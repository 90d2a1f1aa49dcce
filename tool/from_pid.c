/*
 * A running process: /proc/PID/maps, process_vm_readv or else /proc/PID/mem, pagemap for
 * what is resident, and on request a stop. State: in the source.
 */
#include "source.h"

#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PID_PAGES = 1 << 13, PID_THREADS = 1 << 16, PID_STOPS = 64 };

struct pid_state {
    int mem;             /* /proc/PID/mem, or -1 while process_vm_readv works */
    int pagemap;         /* or -1 */
    uint64_t page;       /* size */
    uint64_t first_page; /* of those in entry */
    size_t page_count;
    uint64_t entry[PID_PAGES];
    pid_t *stopped; /* threads that are ours to let go */
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
    uint64_t count = 0;
    for (uint64_t at = from / state->page; at < to / state->page; at++) {
        if (at - state->first_page >= state->page_count) {
            ssize_t got = pread(state->pagemap, state->entry, sizeof state->entry,
                                (off_t)(at * sizeof state->entry[0]));
            state->first_page = at;
            state->page_count = got < 0 ? 0 : (size_t)got / sizeof state->entry[0];
            if (state->page_count == 0)
                return count;
        }
        count += state->entry[at - state->first_page] >> 63;
    }
    return count;
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
    m->name = must(strdup(line + name));
    return true;
}

static bool pid_read_maps(struct source *s)
{
    char path[64], *line = NULL;
    size_t room = 0, line_room = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)s->pid);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    while (getline(&line, &line_room, f) > 0) {
        if (s->map_count == room) {
            room = room * 2 + 64;
            s->maps = must(realloc(s->maps, room * sizeof *s->maps));
        }
        if (pid_parse_map(line, &s->maps[s->map_count]))
            s->map_count++;
    }
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
    pid_release(state);
    if (state->mem >= 0)
        close(state->mem);
    if (state->pagemap >= 0)
        close(state->pagemap);
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
    state->mem = -1;
    state->page = (uint64_t)sysconf(_SC_PAGESIZE);
    snprintf(path, sizeof path, "/proc/%d/pagemap", (int)pid);
    state->pagemap = open(path, O_RDONLY | O_CLOEXEC);
    pid_title(s);
    s->reader.read = pid_read;
    s->reader.is_live = true;
    if (state->pagemap >= 0)
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
    window_open(&s->reader, 1 << 20);
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
