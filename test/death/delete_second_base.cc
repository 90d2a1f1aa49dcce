/* expect: into the middle sizes=small */
/* Deleted through a base that is not the first, without a virtual destructor. */
#include "death.h"

#include <new>

struct first {
    long words[4];
};
struct second {
    long words[20];
};
struct both : first, second {
};

void misuse(size_t bytes)
{
    second *s = new both();
    memset(s, 0x41, sizeof *s);
    delete static_cast<second *>(hide(s));
}
