/*
 * Runs one operation per command; see play_child.h. State: the threads it made. It
 * leaves the C library's malloc alone once the heap that is looked at exists.
 */
#include "play_child.h"

#include "core/trace.h"
#include "play_script.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CHILD_STACK = 256 * 1024 };

/* The library's calls. */
static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*reallocarray)(void *, size_t, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    void (*free)(void *);
    int (*trim)(size_t);
} library;

struct child_thread {
    pthread_t thread;
    sem_t work, done;
    pid_t kernel;
    _Atomic uint32_t busy; /* read by the tool, through the hello */
    struct child_command command;
    struct child_reply reply;
};

static struct child_thread child_threads[CHILD_THREADS];

static void child_write(uint64_t mem, int64_t shift, uint64_t count)
{
    volatile unsigned char *at = (volatile unsigned char *)(uintptr_t)mem + shift;
    for (uint64_t i = 0; i < count; i++)
        at[i] = 'A';
}

static struct child_reply child_perform(const struct child_command *c)
{
    void *mem = (void *)(uintptr_t)c->mem, *result = NULL;
    errno = 0;
    switch ((enum play_verb)c->verb) {
    case PLAY_MALLOC:
        result = library.malloc(c->a);
        break;
    case PLAY_CALLOC:
        result = library.calloc(c->a, c->b);
        break;
    case PLAY_REALLOC:
        result = library.realloc(mem, c->a);
        break;
    case PLAY_REALLOCARRAY:
        result = library.reallocarray(mem, c->a, c->b);
        break;
    case PLAY_MEMALIGN:
        result = library.memalign(c->a, c->b);
        break;
    case PLAY_ALIGNED:
        result = library.aligned_alloc(c->a, c->b);
        break;
    case PLAY_FREE:
        library.free(mem);
        break;
    case PLAY_WRITE:
        child_write(c->mem, (int64_t)c->a, c->b);
        break;
    case PLAY_TRIM:
        result = (void *)(uintptr_t)library.trim(c->a);
        break;
    case PLAY_SBRK:
        result = sbrk((intptr_t)c->a);
        break;
    case PLAY_EXIT:
    case PLAY_TAG:
    case PLAY_VERBS:
        break;
    }
    return (struct child_reply){(uintptr_t)result, (uint64_t)errno};
}

static void *child_serve(void *argument)
{
    struct child_thread *t = argument;
    t->kernel = gettid();
    sem_post(&t->done);
    for (;;) {
        while (sem_wait(&t->work) != 0)
            continue;
        if (t->command.verb == PLAY_EXIT)
            return NULL;
        t->reply = child_perform(&t->command);
        t->busy = 0;
        sem_post(&t->done);
    }
}

/* Stacks are mapped here, so that the library's threads map and unmap nothing by
 * themselves while a step is watched. */
static void child_start(struct child_thread *t)
{
    pthread_attr_t attributes;
    void *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sem_init(&t->work, 0, 0);
    sem_init(&t->done, 0, 0);
    pthread_attr_init(&attributes);
    if (stack != MAP_FAILED)
        pthread_attr_setstack(&attributes, stack, CHILD_STACK);
    if (pthread_create(&t->thread, &attributes, child_serve, t) != 0)
        _exit(3);
    pthread_attr_destroy(&attributes);
    while (sem_wait(&t->done) != 0)
        continue;
}

static struct child_reply child_dispatch(const struct child_command *c)
{
    struct child_thread *t = &child_threads[c->thread % CHILD_THREADS];
    if (c->verb == CHILD_START) {
        child_start(t);
        return (struct child_reply){(uint64_t)t->kernel, 0};
    }
    if (c->verb == CHILD_BREAK)
        return (struct child_reply){(uint64_t)syscall(SYS_brk, 0), 0};
    if (c->thread == 0)
        return child_perform(c);
    if (c->verb != CHILD_JOIN) {
        t->command = *c;
        t->command.verb &= ~(uint32_t)CHILD_ASYNC;
        t->busy = 1;
        sem_post(&t->work);
    }
    if ((c->verb & CHILD_ASYNC) != 0)
        return (struct child_reply){0, 0};
    if (c->verb == PLAY_EXIT) {
        pthread_join(t->thread, NULL);
        return (struct child_reply){0, 0};
    }
    while (sem_wait(&t->done) != 0)
        continue;
    return t->reply;
}

static void *child_symbol(void *handle, const char *name)
{
    void *address = dlsym(handle, name);
    if (address == NULL) {
        fprintf(stderr, "the library has no %s\n", name);
        _exit(3);
    }
    return address;
}

/* dlsym returns void *; POSIX wants it to become a function pointer like this. */
#define CHILD_BIND(member, name)                                                       \
    *(void **)(void *)&library.member = child_symbol(handle, name)

int play_child(char **arguments)
{
    int commands = atoi(arguments[1]), replies = atoi(arguments[2]);
    void *handle = dlopen(arguments[0], RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 3;
    }
    CHILD_BIND(malloc, "chunky_malloc");
    CHILD_BIND(calloc, "chunky_calloc");
    CHILD_BIND(realloc, "chunky_realloc");
    CHILD_BIND(reallocarray, "chunky_reallocarray");
    CHILD_BIND(memalign, "chunky_memalign");
    CHILD_BIND(aligned_alloc, "chunky_aligned_alloc");
    CHILD_BIND(free, "chunky_free");
    CHILD_BIND(trim, "chunky_malloc_trim");
    struct trace *ring = *(struct trace **)child_symbol(handle, "chunky_trace");
    atomic_store(&ring->on, 1);
    struct child_hello hello = {
        (uintptr_t)ring,
        (uintptr_t)&child_threads[0].busy,
        sizeof child_threads[0],
        (uintptr_t)dlsym(handle, "chunky_root"),
    };
    if (write(replies, &hello, sizeof hello) != (ssize_t)sizeof hello)
        return 3;
    struct child_command command;
    while (read(commands, &command, sizeof command) == (ssize_t)sizeof command) {
        struct child_reply reply = child_dispatch(&command);
        if (write(replies, &reply, sizeof reply) != (ssize_t)sizeof reply)
            return 3;
    }
    _exit(0);
}
