/* The tables of the size classes; see class.h. Written once, by class_init. */
#include "core/class.h"

uint8_t class_map[CLASS_MAP_SIZE];
uint32_t class_sizes[CLASS_COUNT];

/* Classes from `low` to twice that, `steps` of them, 16 above round numbers. */
static unsigned class_add_doubling(unsigned class, size_t low, size_t steps)
{
    for (size_t i = 1; i <= steps; i++)
        class_sizes[class ++] = (uint32_t)(low + i * (low / steps) + CHUNK_ALIGN);
    return class;
}

void class_init(void)
{
    unsigned class = 1;
    for (; class < CLASS_EXACT; class ++)
        class_sizes[class] = (uint32_t)(CHUNK_ALIGN * (class + 1));
    class = class_add_doubling(class, 1024, 16);
    class = class_add_doubling(class, 2048, 16);
    class = class_add_doubling(class, 4096, 8);
    class = class_add_doubling(class, 8192, 8);
    for (size_t low = 16384; low < CLASS_LARGE_SIZE - CHUNK_ALIGN; low *= 2)
        class = class_add_doubling(class, low, 8);

    class = CLASS_NONE;
    for (size_t size = 0; size <= CLASS_MAX_SIZE; size += CHUNK_ALIGN) {
        while (class + 1 < CLASS_LARGE && class_sizes[class + 1] <= size)
            class ++;
        class_map[size / CHUNK_ALIGN] = (uint8_t)(2 * class);
    }
}
