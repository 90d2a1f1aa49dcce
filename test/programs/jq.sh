# shellcheck shell=bash disable=SC2034
# jq: grouping, regular expressions and reductions over 20,000 objects.
needs=(jq awk)
watched=(jq)

prepare() {
    awk 'BEGIN {
        for (i = 0; i < 20000; i++)
            printf "{\"id\":%d,\"town\":\"t%d\",\"tags\":[\"a%d\",\"b%d\"],\"at\":{\"x\":%.3f,\"y\":null}}\n",
                i, i * 7919 % 97, i % 13, i % 7, i * 1.37 % 100
    }' >rows.json
}

program() {
    jq -s -S -c 'group_by(.town) | map({town: .[0].town, n: length, sum: (map(.at.x) | add | floor),
        tags: (map(.tags[]) | unique)}) | sort_by(-.n)[:5]' "$IN/rows.json"
    jq -r 'select(.id % 3 == 0) | .town |= sub("t(?<n>[0-9]+)"; "<\(.n)>") | [.id, .town, .tags[]] | @csv' \
        "$IN/rows.json" | sha256sum
    jq -n 'reduce inputs as $row ({}; .[$row.town][$row.tags[0]] += 1) | [paths(scalars)] | length' \
        "$IN/rows.json"
    jq -n '[range(40000) | {k: tostring, v: (. * . % 1009)}] | map(select(.v > 500)) | from_entries?
        // length' | sha256sum
}
