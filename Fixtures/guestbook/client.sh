#!/bin/sh
# Signs the guestbook, counts the visit, writes the page, and reads it back over TLS. It knows its servers by
# their services' names, and their passwords and certificate by its own grants.
set -eu

sql() {
    PGPASSWORD=$(cat /run/secrets/database_password) \
        psql -h database -p 15432 -U guestbook -d postgres -v ON_ERROR_STOP=1 -qtA "$@"
}
count() {
    REDISCLI_AUTH=$(cat /run/secrets/cache_password) redis-cli -h cache -p 16379 --no-auth-warning "$@"
}
page() {
    curl -sS --fail --cacert /run/secrets/tls_certificate https://web:18443/
}
# Waits until a command works: its server may still be starting.
wait_for() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { echo "giving up: $*"; "$@"; }
        sleep 0.1
    done
}

wait_for sql -c 'SELECT 1'
wait_for count PING
sql -c 'CREATE TABLE IF NOT EXISTS entries (id serial PRIMARY KEY, entry text NOT NULL)'
sql -c "INSERT INTO entries (entry) VALUES ('hello from $(hostname)')"
{
    sql -c 'SELECT count(*) FROM entries' | sed 's/$/ entries/'
    count INCR visits | sed 's/$/ visits/'
    sql -c 'SELECT entry FROM entries ORDER BY id DESC LIMIT 1'
} >/pages/index.txt
wait_for page
page | sed 's/^/read over TLS: /'
echo "the guestbook works"
exec sleep infinity
