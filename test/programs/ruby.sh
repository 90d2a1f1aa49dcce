# shellcheck shell=bash disable=SC2034
# ruby: strings, hashes, symbols, threads, fibers, Marshal, JSON, compaction, fork.
needs=(ruby)
watch() {
    watched=("$(real ruby)")
}

program() {
    ruby "$INPUT/churn.rb"
}
