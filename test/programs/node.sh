# shellcheck shell=bash disable=SC2034
# node with its compiler on: JSON, maps, buffers, zlib, worker_threads, a child.
needs=(node)
watch() {
    watched=("$(real node)")
}

program() {
    node "$INPUT/churn.js"
}
