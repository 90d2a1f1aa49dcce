# Fixed work for jq: group, sort, rebuild.
[.[] | select(.id % 3 != 0) | .total = ([.parts[].n] | add)]
| group_by(.kind)
| map({kind: .[0].kind, count: length, top: (sort_by(.total, .id) | .[-3:] | map(.name)),
       text: (map(.name) | join("/") | length)})
