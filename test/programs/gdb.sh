# shellcheck shell=bash disable=SC2034
# gdb reading debug information and running a program, which is on the allocator too.
needs=(gdb c++)
watched=(gdb handover)

prepare() {
    c++ -std=c++17 -O0 -g -pthread "$INPUT/handover.cc" -o handover
    echo 'int main() {}' >try.cc && c++ try.cc -o try
}

program() {
    if ! gdb -nx -batch -ex run "$IN/try" 2>&1 | grep 'exited normally' >/dev/null; then
        echo "gdb cannot trace a program here" >&2
        return 77
    fi
    gdb -nx -batch -iex 'set auto-load off' -iex 'set debuginfod enabled off' \
        -ex 'set print thread-events off' -ex 'set print inferior-events off' \
        -ex 'info functions dig' -ex 'info types .' -ex "ptype '(anonymous namespace)::queue'" \
        -ex 'break come_and_go' -ex 'break unusual_news' -ex run -ex bt \
        -ex next -ex next -ex 'print gifts.size()' -ex delete -ex continue \
        "$IN/handover" >gdb.out
    grep -vE 'Thread 0x|LWP|libthread_db|^\[|0x[0-9a-f]+' gdb.out
}
