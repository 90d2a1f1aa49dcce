/* The audit from outside, told to a person; see show.h. No state. */
#include "show.h"

#include "audit/audit.h"
#include "text.h"

enum { ERRORS_DEFAULT = 20 };

static void check_report(struct audit *u, const struct audit_finding *f)
{
    struct draw *d = u->context;
    draw_text(d, TINT_BAD, "! %s", f->rule);
    fprintf(d->out, "\n");
    if (f->chunk != 0)
        fprintf(d->out, "    chunk 0x%llx", (unsigned long long)f->chunk);
    if (f->other != 0)
        fprintf(d->out, "    with 0x%llx", (unsigned long long)f->other);
    fprintf(d->out, "    found 0x%llx, expected 0x%llx (arena 0x%llx, heap 0x%llx)\n",
            (unsigned long long)f->found, (unsigned long long)f->expected,
            (unsigned long long)f->arena, (unsigned long long)f->heap);
}

uint64_t check_print(struct draw *d, struct source *source, const struct options *o)
{
    struct audit u = {.walk = &source->walk,
                      .report = check_report,
                      .context = d,
                      .most = o->max_errors != 0 ? o->max_errors : ERRORS_DEFAULT};
    char count[SIZE_TEXT];
    audit_all(&u);
    fprintf(d->out, "%s: %s chunks looked at, %llu finding%s\n", source->title,
            text_count(count, u.chunks), (unsigned long long)u.findings,
            u.findings == 1 ? "" : "s");
    return u.findings;
}
