# shellcheck shell=bash disable=SC2034
# python3 twice: with its own small-object pools, and with malloc behind each object.
needs=(python3)
watch() {
    watched=("$(real python3)")
}

program() {
    python3 "$INPUT/churn.py" 1
    PYTHONMALLOC=malloc python3 "$INPUT/churn.py" 2
}
