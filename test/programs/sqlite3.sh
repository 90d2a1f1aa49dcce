# shellcheck shell=bash disable=SC2034
# sqlite3: bulk insert, indexes, joins, window functions, JSON, a rollback, a check.
needs=(sqlite3)
watched=(sqlite3)

program() {
    sqlite3 -bail test.db <"$INPUT/work.sql"
    sqlite3 test.db .dump | sha256sum
}
