# shellcheck shell=bash disable=SC2034
# tar with xz and zstd compressing in two threads, and back.
needs=(tar xz zstd awk gzip)
watched=(tar xz zstd gzip)

prepare() {
    mkdir tree
    awk 'BEGIN {
        for (f = 0; f < 300; f++) {
            if (f < 10) system("mkdir -p tree/a/b" f)
            file = "tree/a/b" f % 10 "/file" f
            for (l = 0; l < 300 + f; l++)
                printf "%d %x of file %d, %s\n", l * 7919 % 10007, l * f * 104729, f,
                    substr("the quick brown fox jumps over the lazy dog", l % 30 + 1) >file
            close(file)
        }
    }'
    ln tree/a/b0/file0 tree/hard
    ln -s a/b1/file1 tree/soft
}

program() {
    tar -C "$IN" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=posix \
        --pax-option=delete=atime,delete=ctime -cf tree.tar tree
    sha256sum tree.tar
    xz -T2 -5 --block-size=1MiB -k tree.tar
    zstd -q -T2 -15 -B512K -k tree.tar
    sha256sum tree.tar.*
    gzip -9nc tree.tar | sha256sum
    mkdir from-xz from-zstd
    tar -C from-xz -I 'xz -T2' -xf tree.tar.xz
    tar -C from-zstd -I zstd -xf tree.tar.zst
    diff -r "$IN/tree" from-xz/tree
    diff -r "$IN/tree" from-zstd/tree
    zstd -q --train -o dictionary -r from-xz/tree --maxdict=20000 >/dev/null
    zstd -q -19 -D dictionary -c from-xz/tree/a/b1/file1 | zstd -q -d -D dictionary | sha256sum
}
