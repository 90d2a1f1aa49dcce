# shellcheck shell=bash disable=SC2034
# bash: arrays, strings, subshells, pipes, substitutions, traps and 1,500 forks.
needs=(bash)
watched=(bash)

program() {
    bash "$INPUT/forks.sh"
}
