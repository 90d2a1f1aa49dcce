# shellcheck shell=bash disable=SC2034
# redis under redis-benchmark, then a fixed load whose digest must survive a save in a
# forked child and a restart. Debian keeps the server's executable in redis-tools, as
# redis-check-rdb, and the redis-server package would start a service.
needs=(redis-benchmark redis-cli redis-check-rdb awk)
watch() {
    watched=("$(real redis-check-rdb)" redis-benchmark redis-cli)
}

prepare() {
    awk 'function arg(text) { return "$" length(text) "\r\n" text "\r\n" }
    function command(text,    words, n, i, line) {
        n = split(text, words, " ")
        line = "*" n "\r\n"
        for (i = 1; i <= n; i++)
            line = line arg(words[i])
        printf "%s", line
    }
    BEGIN {
        for (i = 0; i < 20000; i++) {
            k = i * 7919 % 5003
            command("SET s" k " " substr("abcdefghijklmnopqrstuvwxyz0123456789", 1, i % 36 + 1) i)
            command("APPEND a" k % 300 " part" i)
            command("HSET h" k % 700 " f" i % 90 " v" i)
            command("RPUSH l" k % 400 " e" i " e" i + 1)
            command("ZADD z" k % 100 " " i " m" k)
            command("SADD t" k % 150 " " i)
            if (i % 3 == 0) command("DEL s" (i * 31 % 5003) " h" i % 700)
            if (i % 5 == 0) command("LPOP l" i % 400 " 2")
        }
    }' >load
}

server_pid=
stop_server() {
    [[ -z $server_pid ]] || kill "$server_pid" 2>/dev/null || true
    wait "$server_pid" || true
    server_pid=
}

start_server() {
    (exec -a redis-server redis-check-rdb --port 0 --unixsocket "$PWD/socket" --save '' \
        --dir "$PWD" --io-threads 2 --io-threads-do-reads yes --enable-debug-command yes \
        --appendonly no >server.log 2>&1) &
    server_pid=$!
    local n
    for ((n = 0; n < 600; n++)); do
        if [[ -S socket && $(cli ping 2>/dev/null) == PONG ]]; then
            return
        fi
        kill -0 "$server_pid" || break
        sleep 0.1
    done
    cat server.log >&2
    return 1
}

cli() {
    redis-cli -s socket "$@"
}

program() {
    trap stop_server EXIT
    trap 'exit 1' INT TERM
    start_server
    redis-benchmark -s socket -n 3000 -c 20 -r 1000 -d 300 -P 8 --csv \
        -t set,get,incr,lpush,rpush,lpop,sadd,hset,spop,zadd,zpopmin,lrange_100,mset |
        cut -d, -f1
    cli flushall
    cli --pipe <"$IN/load" | tail -n 1
    cli eval "local t = {} for i = 1, 20000 do t[#t + 1] = redis.call('get', 's' .. i % 5003) or ''
        if #t > 500 then t = {} end end return #table.concat(t)" 0
    cli sort l7 alpha desc limit 0 5
    cli config set list-max-listpack-size 8
    cli dbsize
    cli debug digest
    cli bgsave
    while [[ $(cli info persistence) != *rdb_bgsave_in_progress:0* ]]; do
        cli set during-save "$(printf '%0500d' 1)" >/dev/null
    done
    cli info persistence | grep -o 'rdb_last_bgsave_status:[a-z]*'
    cli del during-save >/dev/null
    cli shutdown nosave || true
    wait "$server_pid"
    server_pid=
    start_server
    cli del during-save >/dev/null
    cli debug digest
    cli debug reload
    cli memory purge
    cli debug digest
}
