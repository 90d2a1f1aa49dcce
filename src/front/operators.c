/*
 * C++'s operator new and delete; nothing when CHUNKY_OVERRIDE is 0. In the archive they
 * are an object of their own (CHUNKY_ARCHIVE), which only C++ programs pull in. No
 * state but one answer of the linker. Sources: the Itanium C++ ABI; [new.delete] of ISO C++.
 */
#include "base/compiler.h"

#ifndef CHUNKY_OVERRIDE
#define CHUNKY_OVERRIDE 1
#endif

#if CHUNKY_OVERRIDE

#include "chunky.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef CHUNKY_ARCHIVE
enum family { FAMILY_MALLOC, FAMILY_NEW, FAMILY_NEW_ARRAY };
/* Behind this stands libstdc++.a, whose functions nobody else may ask for. */
#define IF_PRESENT
#define IS_PRESENT(function) true
#define malloc_hit(bytes) chunky_malloc(bytes)
#define malloc_slow_as(bytes, family) chunky_malloc(bytes)
#define delete_as(mem, family) chunky_free(mem)
#define delete_sized_as(mem, bytes, family) chunky_free_sized(mem, bytes)
#define delete_aligned_sized(mem, bytes, align)                                        \
    chunky_free_aligned_sized(mem, align, bytes)
#define fail(rule, mem) abort()
#else
#define IF_PRESENT WEAK
#define IS_PRESENT(function) ((function) != NULL)
#include "base/check.h"
#include "front/checked.h"
#include "front/malloc.h"
#include "front/options.h"

/* With checks on, who frees must be of the family of who allocated. */
static ALWAYS_INLINE void delete_as(void *mem, enum family family)
{
    if (UNLIKELY(checked_level != 0))
        checked_delete(mem, SIZE_MAX, family);
    else
        chunky_free(mem);
}

static COLD void delete_sized_slow(void *mem, size_t bytes)
{
    if (mem == NULL || checked_sized(mem, bytes, 0, "operator delete"))
        chunky_free(mem);
}

static ALWAYS_INLINE void delete_sized_as(void *mem, size_t bytes, enum family family)
{
    if (UNLIKELY(checked_level != 0))
        checked_delete(mem, bytes, family);
    else if (UNLIKELY(tune.check != 0))
        delete_sized_slow(mem, bytes);
    else
        chunky_free(mem);
}

/* As free_aligned_sized, but told as what it is. */
static void delete_aligned_sized(void *mem, size_t bytes, size_t align)
{
    if (mem == NULL || LIKELY(!thread_is_checked()) ||
        checked_sized(mem, bytes, align, "operator delete"))
        chunky_free(mem);
}

#endif

/* 0 before the first look; the answer is of the linker, and stays. */
enum { OPERATORS_OWN = 1, OPERATORS_REPLACED };
static _Atomic unsigned operators;
static bool operators_look(void);

static ALWAYS_INLINE bool operators_own(void)
{
    return LIKELY(atomic_load_explicit(&operators, memory_order_relaxed) ==
                  OPERATORS_OWN);
}

/* The forms that the others stand on: who replaces one of these, gets the blocks of those
 * too. Weak, so that the compiler asks the dynamic linker for the process's. */
static HOT void delete_one(void *mem)
{
    delete_as(mem, FAMILY_NEW);
}

/* Aligned ones are of one family with memalign. */
static void delete_aligned(void *mem, size_t align)
{
    (void)align;
    chunky_free(mem);
}

HOT PUBLIC WEAK void _ZdlPv(void *mem) ALIAS_OF("delete_one");
PUBLIC WEAK void _ZdlPvSt11align_val_t(void *mem, size_t align)
    ALIAS_OF("delete_aligned");

static COLD void delete_array_slow(void *mem)
{
    if (operators_look())
        delete_as(mem, FAMILY_NEW_ARRAY);
    else
        _ZdlPv(mem);
}

/* Without a frame: the first look is elsewhere. */
static HOT void delete_array(void *mem)
{
    if (LIKELY(operators_own()))
        delete_as(mem, FAMILY_NEW_ARRAY);
    else
        delete_array_slow(mem);
}

static void delete_aligned_array(void *mem, size_t align)
{
    if (LIKELY(operators_own()) || operators_look())
        chunky_free(mem);
    else
        _ZdlPvSt11align_val_t(mem, align);
}

HOT PUBLIC WEAK void _ZdaPv(void *mem) ALIAS_OF("delete_array");
PUBLIC WEAK void _ZdaPvSt11align_val_t(void *mem, size_t align)
    ALIAS_OF("delete_aligned_array");

#define DELETE(name, parameters, replaced, call)                                       \
    PUBLIC WEAK void name parameters;                                                  \
    PUBLIC WEAK void name parameters                                                   \
    {                                                                                  \
        if (LIKELY(operators_own()) || operators_look())                               \
            call;                                                                      \
        else                                                                           \
            replaced;                                                                  \
    }

/* The other forms: nothrow, sized, aligned nothrow, aligned sized. */
DELETE(_ZdlPvRKSt9nothrow_t, (void *mem, const void *tag), _ZdlPv(mem),
       ((void)tag, delete_as(mem, FAMILY_NEW)))
DELETE(_ZdaPvRKSt9nothrow_t, (void *mem, const void *tag), _ZdaPv(mem),
       ((void)tag, delete_as(mem, FAMILY_NEW_ARRAY)))
DELETE(_ZdlPvm, (void *mem, size_t bytes), _ZdlPv(mem),
       delete_sized_as(mem, bytes, FAMILY_NEW))
DELETE(_ZdaPvm, (void *mem, size_t bytes), _ZdaPv(mem),
       delete_sized_as(mem, bytes, FAMILY_NEW_ARRAY))
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void *mem, size_t align, const void *tag),
       _ZdlPvSt11align_val_t(mem, align), ((void)tag, chunky_free(mem)))
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void *mem, size_t align, const void *tag),
       _ZdaPvSt11align_val_t(mem, align), ((void)tag, chunky_free(mem)))
DELETE(_ZdlPvmSt11align_val_t, (void *mem, size_t bytes, size_t align),
       _ZdlPvSt11align_val_t(mem, align), delete_aligned_sized(mem, bytes, align))
DELETE(_ZdaPvmSt11align_val_t, (void *mem, size_t bytes, size_t align),
       _ZdaPvSt11align_val_t(mem, align), delete_aligned_sized(mem, bytes, align))

/* libstdc++'s own, when the program has it: operator new must call the new_handler and
 * throw, which is C++'s business. */
IF_PRESENT extern void (*_ZSt15get_new_handlerv(void))(void);
IF_PRESENT extern void _ZSt17__throw_bad_allocv(void);

union new_next {
    void *object;
    void *(*function)(size_t);
};

/* No memory: runs the new_handler as long as there is one. True: try again. False only
 * if `nothrow`; otherwise bad_alloc is thrown. */
static bool new_failed(size_t bytes, bool nothrow)
{
    if (IS_PRESENT(_ZSt15get_new_handlerv)) {
        void (*handler)(void) = _ZSt15get_new_handlerv();
        if (handler != NULL) {
            handler();
            return true;
        }
    }
    if (nothrow)
        return false;
    if (IS_PRESENT(_ZSt17__throw_bad_allocv))
        _ZSt17__throw_bad_allocv();
    /* A C++ library that came by dlopen: its own operator new fails in its own way. */
    union new_next next = {.object = dlsym(RTLD_NEXT, "_Znwm")};
    if (next.object != NULL)
        next.function(bytes);
    fail("operator new: out of memory, and no C++ library to throw bad_alloc", NULL);
}

static COLD void *new_slow(size_t bytes, size_t align, enum family family, bool nothrow)
{
    void *mem;
    (void)family;
    do {
        mem =
            align == 0 ? malloc_slow_as(bytes, family) : chunky_memalign(align, bytes);
    } while (mem == NULL && new_failed(bytes, nothrow));
    return mem;
}

static HOT void *new_one(size_t bytes)
{
    void *mem = malloc_hit(bytes);
    return LIKELY(mem != NULL) ? mem : new_slow(bytes, 0, FAMILY_NEW, false);
}

static void *new_aligned(size_t bytes, size_t align)
{
    return new_slow(bytes, align, FAMILY_MALLOC, false);
}

PUBLIC HOT WEAK void *_Znwm(size_t bytes) ALIAS_OF("new_one");
PUBLIC WEAK void *_ZnwmSt11align_val_t(size_t bytes, size_t align)
    ALIAS_OF("new_aligned");

static COLD void *new_array_slow(size_t bytes)
{
    return operators_look() ? new_slow(bytes, 0, FAMILY_NEW_ARRAY, false)
                            : _Znwm(bytes);
}

static HOT void *new_array(size_t bytes)
{
    void *mem = LIKELY(operators_own()) ? malloc_hit(bytes) : NULL;
    return LIKELY(mem != NULL) ? mem : new_array_slow(bytes);
}

static void *new_aligned_array(size_t bytes, size_t align)
{
    return operators_look() ? new_slow(bytes, align, FAMILY_MALLOC, false)
                            : _ZnwmSt11align_val_t(bytes, align);
}

PUBLIC HOT WEAK void *_Znam(size_t bytes) ALIAS_OF("new_array");
PUBLIC WEAK void *_ZnamSt11align_val_t(size_t bytes, size_t align)
    ALIAS_OF("new_aligned_array");

/* A program may replace a few forms and leave the others, which by [new.delete] stand on
 * those. */
static COLD bool operators_look(void)
{
    if (atomic_load_explicit(&operators, memory_order_relaxed) != 0)
        return operators_own();
    bool own = _Znwm == new_one && _Znam == new_array &&
               _ZnwmSt11align_val_t == new_aligned &&
               _ZnamSt11align_val_t == new_aligned_array && _ZdlPv == delete_one &&
               _ZdaPv == delete_array && _ZdlPvSt11align_val_t == delete_aligned &&
               _ZdaPvSt11align_val_t == delete_aligned_array;
    atomic_store_explicit(&operators, own ? OPERATORS_OWN : OPERATORS_REPLACED,
                          memory_order_relaxed);
    return own;
}

#ifndef CHUNKY_ARCHIVE /* where the C++ library's nothrow forms stand on those above */
/* The next definition catches what a new_handler or a replaced form throws, which C
 * cannot. */
#define NEW_CAUGHT(name, align, family, type, arguments)                               \
    union {                                                                            \
        void *object;                                                                  \
        void *(*function)type;                                                         \
    } next = {.object = dlsym(RTLD_NEXT, #name)};                                      \
    if (next.object != NULL)                                                           \
        return next.function arguments;                                                \
    (void)tag;                                                                         \
    return new_slow(bytes, align, family, true)
#define NEW_NOTHROW(name, parameters, align, family, type, arguments)                  \
    PUBLIC WEAK void *name parameters;                                                 \
    PUBLIC WEAK void *name parameters                                                  \
    {                                                                                  \
        void *mem = NULL;                                                              \
        if (LIKELY(operators_own()) || operators_look()) {                             \
            mem = align == 0 ? malloc_hit(bytes) : chunky_memalign(align, bytes);      \
            if (mem == NULL && align == 0)                                             \
                mem = malloc_slow_as(bytes, family);                                   \
        }                                                                              \
        if (LIKELY(mem != NULL))                                                       \
            return mem;                                                                \
        NEW_CAUGHT(name, align, family, type, arguments);                              \
    }

NEW_NOTHROW(_ZnwmRKSt9nothrow_t, (size_t bytes, const void *tag), 0, FAMILY_NEW,
            (size_t, const void *), (bytes, tag))
NEW_NOTHROW(_ZnamRKSt9nothrow_t, (size_t bytes, const void *tag), 0, FAMILY_NEW_ARRAY,
            (size_t, const void *), (bytes, tag))
NEW_NOTHROW(_ZnwmSt11align_val_tRKSt9nothrow_t,
            (size_t bytes, size_t align, const void *tag), align, FAMILY_MALLOC,
            (size_t, size_t, const void *), (bytes, align, tag))
NEW_NOTHROW(_ZnamSt11align_val_tRKSt9nothrow_t,
            (size_t bytes, size_t align, const void *tag), align, FAMILY_MALLOC,
            (size_t, size_t, const void *), (bytes, align, tag))

#endif /* CHUNKY_ARCHIVE */

#endif
