# shellcheck shell=bash disable=SC2034
# A C++ program: exceptions across threads, blocks handed over, thread_local destructors.
needs=(c++)
watched=(handover)

prepare() {
    c++ -std=c++17 -O2 -g -pthread "$INPUT/handover.cc" -o handover
}

program() {
    "$IN/handover"
}
