/*
 * A preloaded library of somebody else: counts calls and passes them on to the next
 * definition. With INTERPOSE_FILE set, says there at the end who that was.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_ulong taken, given;

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

void *malloc(size_t bytes)
{
    static void *(*_Atomic pass)(size_t);
    if (!pass)
        pass = (void *(*)(size_t))(intptr_t)next("malloc");
    atomic_fetch_add(&taken, 1);
    return pass(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    static void *(*_Atomic pass)(size_t, size_t);
    if (!pass)
        pass = (void *(*)(size_t, size_t))(intptr_t)next("calloc");
    atomic_fetch_add(&taken, 1);
    return pass(count, bytes);
}

void *realloc(void *mem, size_t bytes)
{
    static void *(*_Atomic pass)(void *, size_t);
    if (!pass)
        pass = (void *(*)(void *, size_t))(intptr_t)next("realloc");
    atomic_fetch_add(&taken, mem == NULL);
    return pass(mem, bytes);
}

void *aligned_alloc(size_t align, size_t bytes)
{
    static void *(*_Atomic pass)(size_t, size_t);
    if (!pass)
        pass = (void *(*)(size_t, size_t))(intptr_t)next("aligned_alloc");
    atomic_fetch_add(&taken, 1);
    return pass(align, bytes);
}

void free(void *mem)
{
    static void (*_Atomic pass)(void *);
    if (!pass)
        pass = (void (*)(void *))(intptr_t)next("free");
    atomic_fetch_add(&given, mem != NULL);
    pass(mem);
}

/* Linked with -Wl,-fini,interpose_end. */
void interpose_end(void);
void interpose_end(void)
{
    const char *file = getenv("INTERPOSE_FILE");
    int fd = file ? open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    Dl_info from;
    if (fd < 0 || !dladdr(next("malloc"), &from))
        return;
    dprintf(fd, "%s %lu %lu\n", from.dli_fname, atomic_load(&taken),
            atomic_load(&given));
    close(fd);
}
