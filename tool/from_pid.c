/*
 * A running process: /proc/PID/maps, process_vm_readv or else /proc/PID/mem, pagemap for
 * what is resident. State: in the source.
 */
#include "from_pid.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PID_PIECES = 512 };

static size_t pid_read_vm(struct source *s, uint64_t address, void *buffer, size_t size)
{
    struct iovec here = {buffer, size}, there = {(void *)(uintptr_t)address, size};
    ssize_t got = process_vm_readv(s->thread, &here, 1, &there, 1, 0);
    if (got > 0)
        return (size_t)got;
    if (got < 0 && (errno == EPERM || errno == ENOSYS)) {
        struct pid_state *state = s->state;
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/mem", (int)s->thread);
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

/* Many pieces with few calls; those that cannot be read become zeroes. */
static void pid_gather(struct reader *r, const uint64_t *address, size_t count,
                       void *buffer, size_t size)
{
    struct source *s = (struct source *)(void *)r;
    struct pid_state *state = s->state;
    struct iovec there[PID_PIECES];
    size_t done = 0;
    memset(buffer, 0, count * size);
    while (done < count) {
        size_t n = count - done < PID_PIECES ? count - done : PID_PIECES;
        struct iovec here = {(char *)buffer + done * size, n * size};
        for (size_t i = 0; i < n; i++)
            there[i] = (struct iovec){(void *)(uintptr_t)address[done + i], size};
        ssize_t got =
            state->mem >= 0 ? -1 : process_vm_readv(s->thread, &here, 1, there, n, 0);
        done += got > 0 ? (size_t)got / size : 0;
        if (got == (ssize_t)(n * size))
            continue;
        /* The piece where it ended, by itself. */
        pid_read(r, address[done], (char *)buffer + done * size, size);
        done++;
    }
}

static uint64_t pid_run(struct source *s, uint64_t at, bool *resident)
{
    struct pid_state *state = s->state;
    uint8_t flags;
    uint64_t end = pages_run(&state->resident, at / state->resident.size, &flags);
    *resident = (flags & PAGE_RESIDENT) != 0;
    return end * state->resident.size;
}

/* Its own window and questions; the process is held, and let go, by the first. */
static bool pid_twin(struct source *s, struct source *out)
{
    const struct pid_state *first = s->state;
    struct pid_state *state = take(sizeof *state);
    *out = (struct source){.reader = s->reader,
                           .kind = s->kind,
                           .pid = s->pid,
                           .thread = s->thread,
                           .root = s->root,
                           .walk = s->walk,
                           .run = s->run,
                           .close = s->close,
                           .state = state};
    state->mem = first->mem < 0 ? -1 : fcntl(first->mem, F_DUPFD_CLOEXEC, 0);
    pages_open(&state->resident, s->thread);
    pages_open(&state->window, s->thread);
    window_open(&out->reader, PID_WINDOW);
    out->reader.fill = pid_fill;
    out->walk.reader = &out->reader;
    return true;
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
    snprintf(path, sizeof path, "/proc/%d/maps", (int)s->thread);
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

static void pid_close(struct source *s)
{
    struct pid_state *state = s->state;
    pid_release(state);
    if (state->mem >= 0)
        close(state->mem);
    pages_close(&state->resident);
    pages_close(&state->window);
    free(state);
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

/* `chunky run` waits for its command; who names it means the command. */
static pid_t pid_meant(pid_t pid)
{
    char path[64], theirs[PATH_MAX], ours[PATH_MAX];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    ssize_t a = readlink(path, theirs, sizeof theirs);
    ssize_t b = readlink("/proc/self/exe", ours, sizeof ours);
    if (a <= 0 || a != b || memcmp(theirs, ours, (size_t)a) != 0)
        return pid;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *f = fopen(path, "re");
    bool has = f != NULL && fscanf(f, "%d", &child) == 1 && child > 0;
    if (f != NULL)
        fclose(f);
    return has ? child : pid;
}

bool source_is_gone(struct source *s)
{
    struct chunk_keys keys; /* of each program its own */
    uint64_t at = (uintptr_t)s->walk.root.keys;
    struct pid_state *state = s->state;
    if (s->kind != SOURCE_PID || at == 0)
        return false;
    return pages_are_gone(&state->resident, at) ||
           s->reader.read(&s->reader, at, &keys, sizeof keys) != sizeof keys ||
           memcmp(&keys, &s->walk.keys, sizeof keys) != 0;
}

bool source_has_memory(struct source *s)
{
    char probe;
    for (size_t i = 0; i < s->map_count; i++)
        if ((s->maps[i].access & MAP_READ) != 0 && s->maps[i].name[0] != '[')
            return s->reader.read(&s->reader, s->maps[i].start, &probe, 1) == 1;
    return true;
}

/* Why it cannot be read, from errno. */
static enum status pid_refuse(const struct source *s)
{
    if (s->map_count == 0 && (errno == 0 || errno == ESRCH))
        return complain(STATUS_UNREADABLE,
                        "%s has no memory: it ended, or is the kernel's", s->title);
    if (errno == ESRCH || errno == EFAULT || errno == EIO)
        return complain(STATUS_UNREADABLE, "%s ended while it was looked at", s->title);
    return complain(
        STATUS_UNREADABLE,
        "%s: its memory is not ours to read (%s): as its user, as root, or in a "
        "container with CAP_SYS_PTRACE it may be",
        s->title, strerror(errno));
}

enum status source_open_pid(struct source *s, pid_t pid, bool stop)
{
    pid = pid_meant(pid);
    char path[64];
    struct pid_state *state = take(sizeof *state);
    *s = (struct source){
        .kind = SOURCE_PID, .pid = pid, .state = state, .close = pid_close};
    s->thread = pid_alive(pid);
    state->mem = -1;
    pages_open(&state->resident, s->thread);
    pages_open(&state->window, s->thread);
    pid_title(s);
    s->reader.read = pid_read;
    s->reader.gather = pid_gather;
    s->reader.is_live = true;
    s->remap = pid_read_maps;
    s->twin = pid_twin;
    if (state->resident.fd >= 0)
        s->run = pid_run;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    if (access(path, F_OK) != 0)
        return complain(STATUS_UNREADABLE, "no process %d", (int)pid);
    errno = 0;
    bool readable = pid_read_maps(s) && s->map_count != 0;
    enum status status = readable && stop ? pid_stop(s) : STATUS_OK;
    if (status != STATUS_OK)
        return status;
    if (!readable || !pid_read_maps(s) || s->map_count == 0)
        return pid_refuse(s);
    if (!source_has_memory(s))
        return pid_refuse(s);
    window_open(&s->reader, PID_WINDOW);
    s->reader.fill = pid_fill;
    return source_find_root(s);
}
