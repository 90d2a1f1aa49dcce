# shellcheck shell=bash disable=SC2034
# z3: bit vectors, arrays, a puzzle of integers, and a nonlinear problem.
needs=(z3)
watched=(z3)

program() {
    local seed
    for seed in 1 2; do
        z3 -smt2 "smt.random_seed=$seed" "sat.random_seed=$seed" "$INPUT/problem.smt2"
    done
}
