/* Upkeep; see upkeep.h. State: the control block, when the soft limit last gave back. */
#include "front/upkeep.h"

#include "base/probe.h"
#include "front/checked.h"
#include "front/options.h"
#include "front/stats.h"
#include "front/supply.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>

enum {
    RELIEF_MS = 100,  /* at most so often, */
    RELIEF_SHARE = 32 /* but whenever this share of the limit was taken since */
};

/* Written by the outside. */
struct control control = {
    .magic = {'c', 'h', 'u', 'n', 'k', 'y', 'c', 't'},
    .version = CONTROL_VERSION,
};

static _Atomic unsigned upkeep_busy;
static _Atomic uint64_t upkeep_relieved_at; /* clock, ms */
static _Atomic size_t upkeep_relieved_used; /* what was left then */

static void upkeep_relieve(size_t soft)
{
    size_t used = limits.used, left = upkeep_relieved_used;
    uint64_t now = os_clock_ms();
    bool grown = used > left && used - left > soft / RELIEF_SHARE;
    if (!grown && now - upkeep_relieved_at < RELIEF_MS)
        return;
    size_t got = supply_give_back(0);
    upkeep_relieved_at = now;
    upkeep_relieved_used = limits.used;
    limits.relieved++;
    PROBE2(relieve, used, got);
}

static enum control_status upkeep_perform(const char *name, uint64_t value,
                                          uint64_t *result)
{
    if (strcmp(name, "trim") == 0) {
        size_t before = supply_resident();
        supply_give_back((size_t)value);
        *result = before - min_size(supply_resident(), before);
        return CONTROL_DONE;
    }
    if (strcmp(name, "metrics") == 0) {
        *result = metrics_write();
        return *result != 0 ? CONTROL_DONE : CONTROL_UNKNOWN;
    }
    if (strcmp(name, "print") == 0) {
        stats_print(2);
        return CONTROL_DONE;
    }
    if (strcmp(name, "check") == 0)
        return checked_raise((unsigned)value) ? CONTROL_DONE : CONTROL_FIXED;
    return options_change(name, (size_t)value, "chunky ctl");
}

static void upkeep_serve(void)
{
    uint32_t request = atomic_load_explicit(&control.request, memory_order_acquire);
    char name[CONTROL_NAME];
    if (request == control.done)
        return;
    memcpy(name, control.name, sizeof name);
    name[sizeof name - 1] = '\0';
    control.result = 0;
    control.status = upkeep_perform(name, control.value, &control.result);
    PROBE2(control, control.status, control.value);
    atomic_store_explicit(&control.done, request, memory_order_release);
}

COLD void upkeep_now(void)
{
    if (atomic_exchange_explicit(&upkeep_busy, 1, memory_order_acquire) != 0)
        return;
    int saved = errno, cancel = os_bar_cancel();
    size_t soft = limits.soft;
    upkeep_serve();
    if (soft != 0 && limits.used > soft)
        upkeep_relieve(soft);
    metrics_poll();
    errno = saved;
    atomic_store_explicit(&upkeep_busy, 0, memory_order_release);
    os_allow_cancel(cancel);
}

void upkeep_forked(void)
{
    upkeep_busy = 0;
}
