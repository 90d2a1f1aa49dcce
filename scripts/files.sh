# shellcheck shell=bash
# Sourced by the checks: which files are ours, and the rule that no list may be empty.

# c_files DIR...: the .c and .h files below the folders that exist, one a line.
c_files()
{
    local dir
    for dir in "$@"; do
        [ ! -d "$dir" ] || find "$dir" -type f \( -name '*.c' -o -name '*.h' \)
    done | LC_ALL=C sort
}

# need_files WHAT FILE...: a check that looks at nothing has not passed.
need_files()
{
    local what=$1
    shift
    [ $# -gt 0 ] || { echo "$what: no files to look at" >&2; exit 1; }
    echo "$what: $# files"
}
