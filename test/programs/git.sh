# shellcheck shell=bash disable=SC2034
# git: commits of many files, branches, a merge, repack, log -p, blame, fsck, clone.
needs=(git awk)
watched=(git)

prepare() {
    mkdir tree
    awk 'BEGIN {
        for (f = 0; f < 600; f++) {
            file = sprintf("tree/dir%d/file%d.txt", f % 12, f)
            if (f < 12) system("mkdir tree/dir" f)
            for (l = 0; l < 40 + f % 50; l++)
                printf "line %d of %d: %d\n", l, f, l * f * 7919 % 100003 >file
            close(file)
        }
    }'
}

program() {
    export GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat
    export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@localhost GIT_COMMITTER_NAME=C
    export GIT_COMMITTER_EMAIL=c@localhost
    export GIT_AUTHOR_DATE='2001-01-01T00:00:00Z' GIT_COMMITTER_DATE='2001-01-01T00:00:00Z'
    git init -q -b main repo
    cd repo || exit
    git config pack.threads 2
    git config gc.auto 0
    cp -r "$IN/tree" .
    git add -A && git commit -qm first
    local round file
    for round in {1..12}; do
        for file in tree/dir"$((round % 12))"/*.txt; do
            sed -i "$((round + 3))s/.*/round $round/; \$a more of $round" "$file"
        done
        git mv "tree/dir$((round % 12))/file$((round % 12)).txt" "tree/moved$round.txt"
        git commit -qam "round $round"
    done
    git checkout -qb side HEAD~6
    echo side >tree/side.txt && git add -A && git commit -qm side
    git merge -q --no-edit main
    git gc -q --aggressive
    git fsck --full --strict
    git log --stat -M --format=%H%n%s | sha256sum
    git log -p --full-history | sha256sum
    git blame -s tree/moved3.txt | sha256sum
    git grep -c 'round 1[0-2]' | wc -l
    git clone -q --no-local . ../copy
    git -C ../copy diff --exit-code origin/side
    git -C ../copy rev-parse HEAD
    git archive --format=tar HEAD | sha256sum
}
