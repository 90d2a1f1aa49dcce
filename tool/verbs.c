/* The table of verbs: what `chunky help`, completion and the manual tell. See verb.h. */
#include "verb.h"

#include "explain.h"
#include "play.h"

#define DRAWING OPT_WIDTH, OPT_COLOR, OPT_ASCII

static const enum option_id run_options[] = {
    OPT_REPORT, OPT_CHECK, OPT_FOLLOW_FORK, OPT_NO_ASLR, OPT_MAX_ERRORS, DRAWING, 0};
static const enum option_id map_options[] = {
    OPT_CELL,  OPT_RANGE, OPT_ARENA,  OPT_COLOR_BY, OPT_RESIDENT, OPT_ART,
    OPT_LIMIT, OPT_STOP,  OPT_FORMAT, OPT_OUTPUT,   DRAWING,      0};
static const enum option_id stats_options[] = {
    OPT_ALL, OPT_WATCH, OPT_STOP, OPT_FORMAT, OPT_OUTPUT, DRAWING, 0};
static const enum option_id layout_options[] = {OPT_STOP, OPT_FORMAT, OPT_OUTPUT,
                                                DRAWING, 0};
static const enum option_id chunks_options[] = {
    OPT_STATE, OPT_SIZE,  OPT_RANGE, OPT_ARENA,  OPT_COUNT,  OPT_SUMMARY, OPT_HEX,
    OPT_REL,   OPT_LIMIT, OPT_STOP,  OPT_FORMAT, OPT_OUTPUT, OPT_COLOR,   0};
static const enum option_id what_options[] = {OPT_HEX,    OPT_STOP,  OPT_FORMAT,
                                              OPT_OUTPUT, OPT_COLOR, 0};
static const enum option_id bins_options[] = {
    OPT_ALL, OPT_LIMIT, OPT_ARENA, OPT_STOP, OPT_FORMAT, OPT_OUTPUT, OPT_COLOR, 0};
static const enum option_id frag_options[] = {OPT_FAIL,   OPT_STOP, OPT_FORMAT,
                                              OPT_OUTPUT, DRAWING,  0};
static const enum option_id dump_options[] = {OPT_OUTPUT, OPT_BYTES, OPT_COLOR, 0};
static const enum option_id diff_options[] = {
    OPT_CELL, OPT_LIMIT, OPT_FAIL, OPT_STOP, OPT_FORMAT, OPT_OUTPUT, DRAWING, 0};
static const enum option_id top_options[] = {OPT_WATCH, OPT_STOP, OPT_COLOR, OPT_ASCII,
                                             0};
static const enum option_id ctl_options[] = {OPT_FORMAT, OPT_OUTPUT, 0};
static const enum option_id symbolize_options[] = {0};
static const enum option_id view_options[] = {OPT_OUTPUT, OPT_BYTES, OPT_RANGE,
                                              OPT_OPEN,   OPT_STOP,  0};
static const enum option_id check_options[] = {
    OPT_FAST, OPT_MAX_ERRORS, OPT_STOP, OPT_FORMAT, OPT_OUTPUT, OPT_COLOR, 0};

/* The formatter would break the texts anew with each edit. */
/* clang-format off */
const struct verb verbs[] = {
    {"run", cmd_run, NULL, "[--report] [--check[=N]] -- CMD",
     "run a command on Chunky; its exit status is passed on", "text", run_options,
     "Loads libchunky.so before everything else in CMD and in what CMD starts. --report\n"
     "holds the process just before it ends and draws its heap on standard error; --check\n"
     "audits it there. Reports of misuse are printed with the names of functions and lines;\n"
     "with --report the heap as it was is kept in chunky-PID.snap. Exits as CMD did: its\n"
     "status, or killed by its signal; 126 if CMD cannot be run, 127 if it does not exist;\n"
     "1 if only the audit found something.", 0},
    {"stats", cmd_stats, NULL, "SOURCE",
     "arenas, and where the bytes are: the waterfall", "text, json, xml, openmetrics", stats_options,
     "From what the program asked for down to what is resident, each step with its share,\n"
     "checked against the kernel's own figures. --watch -- CMD shows CMD while it runs, and\n"
     "at its end.", 0},
    {"map", cmd_map, NULL, "SOURCE [ADDRESS | A-B]", "the heap drawn as a grid of cells", "text, json, html, svg",
     map_options,
     "Each cell is a byte, 16 bytes, a page or more, by the size of what is drawn; --cell\n"
     "says otherwise. An ADDRESS draws the 4 KiB around it, byte by byte, also in a block\n"
     "with a mapping of its own; one where nothing of Chunky's lies is a usage error.", 1},
    {"layout", cmd_layout, NULL, "SOURCE",
     "the address space: program, heaps, mappings, stack", "text, json", layout_options,
     "High addresses on top. Shows where the break is, what of the mappings is Chunky's,\n"
     "and how much of each is resident.", 0},
    {"chunks", cmd_chunks, NULL, "SOURCE", "every chunk, one a line",
     "text, jsonl, csv", chunks_options,
     "Live and free, in order of address, then mapped ones and those between guard pages\n"
     "(guarded; barred: freed ones); --state, --size, --range and --arena choose. A range\n"
     "where nothing of Chunky's lies is a usage error.", 0},
    {"what", cmd_what, NULL, "SOURCE ADDRESS...", "one address explained", "text, json",
     what_options,
     "Which block it lies in and where, its neighbours, the list that holds it, and why its\n"
     "page is resident; of a block between guard pages (check=3) who took and who freed it.\n"
     "ADDRESS: 0x..., or heap+0x... as --rel prints it. As json: one object, or for several\n"
     "addresses an array of them.", MANY},
    {"bins", cmd_bins, NULL, "SOURCE", "the lists of free chunks, in list order",
     "text, json", bins_options,
     "Every bin with its links compared both ways, then the caches of all threads, and the\n"
     "depots.", 0},
    {"frag", cmd_frag, NULL, "SOURCE", "why memory that was freed is still resident",
     "text, json", frag_options,
     "Which live block pins the end of each heap, pages that are nearly empty, how free\n"
     "space is cut up, what malloc_trim would return. --fail: exit 1 from 50 % on.", 0},
    {"check", cmd_check, NULL, "SOURCE", "audit the heap from outside", "text, json",
     check_options,
     "All numbered invariants (docs/notes/invariants.md). Exit 1 on a finding. A running\n"
     "process is only accused of what is found again when nothing moved meanwhile.", 0},
    {"dump", cmd_dump, NULL, "SOURCE -o FILE", "keep a heap in a file: a snapshot",
     "text", dump_options,
     "A running process is stopped meanwhile. Without --bytes the file holds headers, links\n"
     "and Chunky's own structures, and nothing that the program stored.", 0},
    {"diff", cmd_diff, NULL, "A B",
     "what grew, shrank, came and went between two sources", "text, json, html", diff_options,
     "Compares what is in use by address: two snapshots, or a snapshot and the process. By\n"
     "call site when both were run with CHUNKY_CONF=check=3,guard_rate=1, which keeps the\n"
     "stacks of all blocks (at most 16,000), or check=3: of a sample, and nothing is scaled.", 1},
    {"top", cmd_top, NULL, "PID", "the heap on the full screen, again every second", "text",
     top_options,
     "Keys choose what is shown: s stats, m map (+ and - zoom), b bins, f frag, l layout;\n"
     "h shows all keys, arrows scroll, p pauses, q quits. Without a terminal, or on a dumb\n"
     "one, chunky stats --watch 1 tells the same; top says so, and exits with 2.", 0},
    {"view", cmd_view, NULL, "SOURCE -o FILE.html", "the heap as one HTML file to walk through", "html",
     view_options,
     "No network and no server: open the file. From 10 GiB down to a byte, by mouse or keys.\n"
     "More than 4 million chunks are told as sums; --range tells a part chunk by chunk.\n"
     "--bytes puts what the program stored into the file, too.", 0},
    {"ctl", cmd_ctl, NULL, "SOURCE [NAME=VALUE...]",
     "the options in force, where each came from; changes while it runs", "text, json",
     ctl_options,
     "Without NAME=VALUE, every option of CHUNKY_CONF with its value and origin. With it, the\n"
     "process is asked to change that option, or to do something: trim (give idle memory\n"
     "back; the value is kept at the top), metrics (write the file of CHUNKY_METRICS), print\n"
     "(counters on its standard error), check=3 (guard pages for a sample of the blocks).\n"
     "The kernel must allow this user to trace the process. It is done when the process next\n"
     "passes a slow path of its allocator; after 3 seconds ctl exits with 1, and the request\n"
     "stays. Who is stopped is not asked.", MANY},
    {"symbolize", cmd_symbolize, NULL, "[REPORT...]",
     "a report with the names of functions and lines in its stacks", "text", symbolize_options,
     "Reads reports (or standard input) and prints them, with a name behind each address of\n"
     "a stack: from the file's symbols, else from its debug file (by build id, or by\n"
     ".gnu_debuglink), else from its dynamic symbols; the line where .debug_line tells it.\n"
     "chunky run does the same at once.", MANY},
    {"play", NULL, play_main, "[OPTION]... ['SCRIPT' | TRACE | -f FILE | --record -- CMD]",
     "malloc step by step, drawn: of scripts and of real programs", "text, json, html", NULL,
     "Without a script, lines are read from a prompt. --record writes a TRACE of what CMD asks\n"
     "its allocator for. The course: docs/learn.", 0},
    {"explain", NULL, explain_main, "malloc N | free ADDRESS [SCRIPT | PID]",
     "what malloc or free would do next, rule by rule", "text", NULL,
     "A dry run: nothing is changed.", 0},
};
/* clang-format on */
const size_t verb_count = sizeof verbs / sizeof verbs[0];

const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; i < verb_count; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

struct own_help verb_own(const struct verb *v)
{
    if (v->run_raw == play_main)
        return (struct own_help){play_usage, play_long_options};
    if (v->run_raw == explain_main)
        return (struct own_help){explain_usage, explain_long_options};
    return (struct own_help){NULL, NULL};
}
