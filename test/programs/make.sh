# shellcheck shell=bash disable=SC2034
# make -j2 of 300 targets: a great many forks, of which some are compilers.
needs=(make cc awk)
watch() {
    watched=("$(real make)" "$(real sh)" cc1)
}

prepare() {
    awk 'BEGIN {
        print "SOURCES := $(shell seq 1 300)\nall: sum\n"
        print "sum: $(SOURCES:%=out/%.txt) $(foreach n,1 2 3 4 5 6,o/$n.o)\n\tcat out/*.txt | sort -n | cksum >$@"
        print "out/%.txt: | out\n\techo \"$* $$(echo $* | sed s/1/one/)\" | tr a-z A-Z >$@"
        print "o/%.o: | o\n\techo \"int f$*(int n) { return n * $*; }\" >o/$*.c && cc -O2 -c o/$*.c -o $@"
        print "out o:\n\tmkdir $@\n.PHONY: all"
        print "define rule\nextra-$1: $2\n\t@echo $1\nendef"
        for (i = 0; i < 400; i++)
            printf "$(eval $(call rule,%d,$(wordlist 1,%d,$(SOURCES:%%=out/%%.txt))))\n", i, i % 20 + 1
    }' >Makefile
}

program() {
    make -s -j2 -f "$IN/Makefile"
    cat sum
    sha256sum o/*.o
    make -s -f "$IN/Makefile" extra-{1..40} | cksum
    make -n -B -f "$IN/Makefile" | sort | cksum
}
