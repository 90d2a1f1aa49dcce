# shellcheck shell=bash disable=SC2034
# postgres: initdb, pgbench by four clients, its sums, parallel queries, a dump. It refuses
# to be root, so root becomes another user first.
needs=(postgres initdb pg_ctl pgbench psql setpriv)
watched=(postgres initdb pgbench psql pg_ctl)

as_user=()
if [[ $(id -u) == 0 ]]; then
    user=nobody
    if id postgres >/dev/null 2>&1; then
        user=postgres
    fi
    as_user=(setpriv "--reuid=$user" --regid="$(id -g "$user")" --clear-groups)
fi

# pg_ctl puts the server into the background, under a session of its own.
stop_server() {
    "${as_user[@]}" pg_ctl -D data -m immediate -w stop >/dev/null 2>&1 || true
}

program() {
    export PGDATABASE=postgres
    "${as_user[@]}" initdb -D data -U "$(id -un "${user:-$(id -u)}")" --no-locale -E UTF8 \
        --no-sync >init.log
    trap stop_server EXIT
    trap 'exit 1' INT TERM
    "${as_user[@]}" pg_ctl -D data -w -l server.log start -o "-k '$PWD' -c listen_addresses='' \
        -c fsync=off -c shared_buffers=16MB -c max_parallel_workers_per_gather=2" >start.log ||
        { cat server.log >&2 && return 1; }
    "${as_user[@]}" pgbench -h "$PWD" -i -q -s 1 --no-vacuum >/dev/null 2>init.err
    "${as_user[@]}" pgbench -h "$PWD" -n -c 4 -j 2 -t 200 --random-seed=42 2>&1 |
        grep -E '^number of (transactions actually|failed)'
    "${as_user[@]}" psql -h "$PWD" -XAtq -v ON_ERROR_STOP=1 <"$INPUT/work.pg.sql"
    "${as_user[@]}" pg_ctl -D data -m fast -w stop >stop.log
    grep -E 'PANIC|terminated by signal|chunky' server.log || echo "quiet server"
}
