# Completion of chunky for bash; made by: chunky help --bash
_chunky()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local verbs='help run stats map layout chunks what bins frag check dump diff top view ctl symbolize play explain' words='' formats=''
    COMPREPLY=()
    # --option=value is three words here.
    if [ "$cur" = = ]; then
        cur=''
    elif [ "$prev" = = ]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    if [ "$COMP_CWORD" -eq 1 ] || [ "$prev" = help ]; then
        mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur")
        return
    fi
    if [ "$prev" = -- ]; then
        mapfile -t COMPREPLY < <(compgen -c -- "$cur")
        return
    fi
    case ${COMP_WORDS[1]} in
    run) words='--help --ascii --check --color= --follow-fork --max-errors= --no-aslr --report --width=' formats='text' ;;
    stats) words='--help --all --ascii --color= --format= --output= --stop --watch= --width=' formats='text json xml openmetrics' ;;
    map) words='--help --arena= --art --ascii --cell= --color= --color-by= --format= --limit= --output= --range= --resident --stop --width=' formats='text json html svg' ;;
    layout) words='--help --ascii --color= --format= --output= --stop --width=' formats='text json' ;;
    chunks) words='--help --arena= --color= --count --format= --hex --limit= --output= --range= --rel --size= --state= --stop --summary' formats='text jsonl csv' ;;
    what) words='--help --color= --format= --hex --output= --stop' formats='text json' ;;
    bins) words='--help --all --arena= --color= --format= --limit= --output= --stop' formats='text json' ;;
    frag) words='--help --ascii --color= --fail --format= --output= --stop --width=' formats='text json' ;;
    check) words='--help --color= --fast --format= --max-errors= --output= --stop' formats='text json' ;;
    dump) words='--help --bytes --color= --output=' formats='text' ;;
    diff) words='--help --ascii --cell= --color= --fail --format= --limit= --output= --stop --width=' formats='text json html' ;;
    top) words='--help --ascii --color= --stop --watch=' formats='text' ;;
    view) words='--help --bytes --open --output= --range= --stop' formats='html' ;;
    ctl) words='--help --format= --output=' formats='text json' ;;
    symbolize) words='--help' formats='text' ;;
    play) words='--help --file= --mode= --compare --output= --level= --all --color= --art --quiet --rules --html= --format= --title= --from= --to= --step --record --limit= --program= --time --verify --relative --width= --ascii --help' formats='text json html' ;;
    explain) words='--help --mode= --help' formats='text' ;;
    esac
    case $prev in
    --format | -f) words=$formats ;;
    --color) words='auto always never' ;;
    --color-by) words='state size arena' ;;
    --mode | -m) words='coalesce bins cache' ;;
    --level) words='byte' ;;
    --output | -o | --file | --html) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    esac
    case $cur in
    -*) ;;
    *) [ "$prev" != "${COMP_WORDS[1]}" ] ||
        words="$(cd /proc && echo [0-9]*) $(compgen -f -- "$cur")" ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    if [[ ${COMPREPLY[0]-} == *= ]]; then compopt -o nospace; fi
}
complete -F _chunky chunky
