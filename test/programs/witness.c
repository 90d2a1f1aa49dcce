/* Preloaded before the allocator: when a program starts, notes in WITNESS_FILE which library
 * its malloc comes from, as "EXECUTABLE LIBRARY". Allocates nothing. */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *exe_name(char *path, size_t room)
{
    ssize_t length = readlink("/proc/self/exe", path, room - 1);
    if (length <= 0)
        return "?";
    path[length] = '\0';
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* In a program that is not position independent the address of malloc may be that of a stub
 * in the program; its symbol is then undefined, and the next definition is the one used. */
static const char *malloc_library(void)
{
    Dl_info from;
    void *extra = NULL;
    if (!dladdr1((void *)(size_t)malloc, &from, &extra, RTLD_DL_SYMENT))
        return "?";
    const ElfW(Sym) *symbol = extra;
    if (symbol && symbol->st_shndx == SHN_UNDEF &&
        !dladdr(dlsym(RTLD_NEXT, "malloc"), &from))
        return "?";
    return from.dli_fname;
}

/* The library is linked with -Wl,-init,witness_note. */
void witness_note(void);
void witness_note(void)
{
    const char *file = getenv("WITNESS_FILE");
    int fd = file ? open(file, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
    if (fd < 0)
        return;

    char path[4096];
    char line[8192];
    int length = snprintf(line, sizeof line, "%s %s\n", exe_name(path, sizeof path),
                          malloc_library());
    if (length > 0 && write(fd, line, (size_t)length) != length)
        _exit(99);
    close(fd);
}
