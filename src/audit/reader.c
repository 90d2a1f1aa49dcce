/* The reader of the own process; see reader.h. No state. */
#include "audit/reader.h"

static size_t reader_copy(struct reader *r, uint64_t address, void *buffer, size_t size)
{
    (void)r;
    memcpy(buffer, (const void *)(uintptr_t)address, size);
    return size;
}

void reader_own(struct reader *r)
{
    *r = (struct reader){.read = reader_copy, .length = UINT64_MAX};
}
