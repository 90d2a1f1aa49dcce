/*
 * chunky ctl: the options in force in a running process, each with its origin, and changes
 * to them, asked for through the control block. The kernel decides who may.
 * Notes: docs/notes/control.md
 */
#include "from_pid.h"
#include "session.h"
#include "settings.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CTL_WAIT_MS = 3000, CTL_STEP_MS = 5 };

struct ctl {
    struct session *n;
    struct settings now;
};

static bool ctl_read(struct ctl *c)
{
    return settings_read(&c->now, &c->n->scan);
}

/* Of a snapshot that was made before they kept it, or of an old Chunky. */
static enum status ctl_find(struct ctl *c)
{
    return ctl_read(c) ? STATUS_OK
                       : complain(STATUS_FOREIGN,
                                  "%s: no control block that this tool knows is in it",
                                  c->n->source.title);
}

static uint64_t ctl_named(const struct ctl *c, const char *name)
{
    for (unsigned i = 0; i < c->now.block.count; i++)
        if (strcmp(c->now.block.option[i].name, name) == 0)
            return settings_value(&c->now, &c->n->scan, i);
    return 0;
}

/* check stays as it was, but for 0, which may become 3 unless the program wanted guards. */
static bool ctl_may_rise(const struct ctl *c, const struct control_option *o)
{
    return strcmp(o->name, "check") == 0 && ctl_named(c, "check") == 0 &&
           ctl_named(c, "guard_rate") == 0;
}

static void ctl_option(const struct ctl *c, unsigned i, bool json)
{
    FILE *out = c->n->out;
    const struct control_option *o = &c->now.block.option[i];
    uint64_t value = settings_value(&c->now, &c->n->scan, i);
    bool rises = ctl_may_rise(c, o);
    if (json) {
        fprintf(out, "%s{\"name\":", i == 0 ? "" : ",");
        json_string(out, o->name);
        fprintf(out, ",\"value\":%" PRIu64 ",\"origin\":", value);
        json_string(out, o->origin);
        fprintf(out, ",\"max\":%" PRIu64 ",\"live\":%s}", o->max,
                o->is_live != 0 || rises ? "true" : "false");
        return;
    }
    char *name = text_printable(o->name), *origin = text_printable(o->origin);
    fprintf(out, "%-20s %12" PRIu64 "  %-12s %s\n", name, value, origin,
            rises             ? "may become 3"
            : o->is_live != 0 ? "may change"
                              : "fixed");
    free(name);
    free(origin);
}

static enum status ctl_list(struct ctl *c)
{
    bool json = options_want(c->n->options, "json");
    session_start(c->n);
    if (json)
        fprintf(c->n->out, "{\"schema\":\"chunky-ctl/1\",\"options\":[");
    else
        fprintf(c->n->out, "%-20s %12s  %-12s %s\n", "option", "value", "origin",
                "while it runs");
    for (unsigned i = 0; i < c->now.block.count; i++)
        ctl_option(c, i, json);
    if (json)
        fprintf(c->n->out, "]}\n");
    return STATUS_OK;
}

/* Writes into the process; errno is the kernel's. */
static bool ctl_put(const struct ctl *c, size_t offset, void *data, size_t size)
{
    struct iovec here = {data, size};
    struct iovec there = {(void *)(uintptr_t)(c->now.at + offset), size};
    return process_vm_writev(c->n->source.thread, &here, 1, &there, 1, 0) ==
           (ssize_t)size;
}

static bool ctl_is_done(struct ctl *c)
{
    return ctl_read(c) && c->now.block.done == c->now.block.request;
}

/* Until the request was served; false when the process did not come by. */
static bool ctl_wait(struct ctl *c)
{
    struct timespec step = {0, CTL_STEP_MS * 1000000};
    for (unsigned ms = 0; ms < CTL_WAIT_MS; ms += CTL_STEP_MS) {
        if (ctl_is_done(c))
            return true;
        nanosleep(&step, NULL);
    }
    return ctl_is_done(c);
}

static enum status ctl_refuse(enum control_status why, const char *name, uint64_t value)
{
    char *shown = text_printable(name);
    if (why == CONTROL_RANGE)
        complain(STATUS_USAGE, "%s: %" PRIu64 " is too much", shown, value);
    else if (why == CONTROL_FIXED)
        complain(STATUS_USAGE, "%s cannot change while the process runs", shown);
    else
        complain(STATUS_USAGE, "the process has no \"%s\" to set or do", shown);
    free(shown);
    return STATUS_USAGE;
}

static enum status ctl_answer(const struct ctl *c, const char *name, uint64_t value)
{
    if (c->now.block.status != CONTROL_DONE)
        return ctl_refuse((enum control_status)c->now.block.status, name, value);
    session_start(c->n);
    fprintf(c->n->out, "%s=%" PRIu64 ": done", name, value);
    if (c->now.block.result != 0)
        fprintf(c->n->out, ", %" PRIu64 " bytes", c->now.block.result);
    fputc('\n', c->n->out);
    return STATUS_OK;
}

/* What the process would answer, as far as the block tells: a request that is refused must
 * not wait, with all others behind it, until the process comes by. */
static enum control_status ctl_judge(const struct ctl *c, const char *name,
                                     uint64_t value)
{
    static const char *const actions[] = {"trim", "metrics", "print"};
    for (unsigned i = 0; i < c->now.block.count; i++) {
        const struct control_option *o = &c->now.block.option[i];
        if (strcmp(o->name, name) != 0)
            continue;
        bool is_check = strcmp(name, "check") == 0;
        if (o->is_live == 0 && !is_check)
            return CONTROL_FIXED;
        if (value > o->max)
            return CONTROL_RANGE;
        bool stays = is_check && (value != 3 || !ctl_may_rise(c, o)) &&
                     value != ctl_named(c, name);
        return stays ? CONTROL_FIXED : CONTROL_DONE;
    }
    for (unsigned i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(actions[i], name) == 0)
            return CONTROL_DONE;
    return CONTROL_UNKNOWN;
}

static bool ctl_is_option(const struct ctl *c, const char *name)
{
    for (unsigned i = 0; i < c->now.block.count; i++)
        if (strcmp(c->now.block.option[i].name, name) == 0)
            return true;
    return false;
}

/* Who stands still serves nobody: then a line says how it goes on. */
static bool ctl_is_stopped(const struct source *s)
{
    pid_t tracer;
    if (!pid_stands_still(s->pid, &tracer))
        return false;
    if (tracer != 0)
        complain(STATUS_FINDING,
                 "%s is stopped by a debugger (process %d), and was not asked: let it "
                 "go on there, then try again",
                 s->title, (int)tracer);
    else
        complain(STATUS_FINDING,
                 "%s is stopped, and was not asked: let it go on (kill -CONT %d), then "
                 "try again",
                 s->title, (int)s->pid);
    return true;
}

static enum status ctl_ask(struct ctl *c, const char *name, uint64_t value)
{
    char padded[CONTROL_NAME] = "";
    if (ctl_is_stopped(&c->n->source))
        return STATUS_FINDING;
    if (!ctl_wait(c))
        return complain(STATUS_FINDING,
                        "an earlier request is still waiting: the process has not "
                        "passed a slow path of its allocator since");
    memcpy(padded, name, strlen(name) + 1);
    uint32_t request = c->now.block.done + 1;
    if (!ctl_put(c, offsetof(struct control, name), padded, sizeof padded) ||
        !ctl_put(c, offsetof(struct control, value), &value, sizeof value) ||
        !ctl_put(c, offsetof(struct control, request), &request, sizeof request))
        return complain(STATUS_UNREADABLE, "the process may not be written to: %s",
                        strerror(errno));
    if (!ctl_wait(c))
        return complain(STATUS_FINDING,
                        "asked, and not done yet: it will be when the process next "
                        "passes a slow path of its allocator");
    return ctl_answer(c, name, value);
}

/* "name=value" or, for what is done, "name". */
static enum status ctl_change(struct ctl *c, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t length = equals == NULL ? strlen(text) : (size_t)(equals - text);
    uint64_t value = 0;
    char name[CONTROL_NAME] = "";
    bool is_number = equals == NULL || text_number(equals + 1, &value);
    if (length == 0 || length >= sizeof name || !is_number) {
        char *shown = text_printable(text);
        complain(STATUS_USAGE, "\"%s\" is not name=number (K, M or G may follow)",
                 shown);
        free(shown);
        return STATUS_USAGE;
    }
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    if (equals == NULL && ctl_is_option(c, name))
        return complain(STATUS_USAGE, "%s wants a value: %s=NUMBER", name, name);
    enum control_status why = ctl_judge(c, name, value);
    return why == CONTROL_DONE ? ctl_ask(c, name, value) : ctl_refuse(why, name, value);
}

enum status cmd_ctl(struct options *o)
{
    struct session n;
    enum status status = session_open_late(&n, o);
    if (status != STATUS_OK)
        return status;
    struct ctl c = {.n = &n};
    status = ctl_find(&c);
    if (status == STATUS_OK && o->operands == 0)
        status = ctl_list(&c);
    if (status == STATUS_OK && o->operands > 0 && n.source.kind != SOURCE_PID)
        status = complain(STATUS_USAGE, "only a running process can be changed");
    for (int i = 0; status == STATUS_OK && i < o->operands; i++)
        status = ctl_change(&c, o->operand[i]);
    return session_close(&n, status);
}
