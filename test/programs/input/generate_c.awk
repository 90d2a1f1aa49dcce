# Writes a C program of `functions` functions that a compiler has to think about: switches,
# loops, structs, floating point, strings. The same text each time.
BEGIN {
    print "#include <stdio.h>\n#include <string.h>\n"
    print "struct item { long key; double weight; char name[24]; struct item *next; };\n"
    for (i = 0; i < functions; i++)
        write_function(i)
    print "int main(void)\n{\n    long sum = 0;"
    for (i = 0; i < functions; i++)
        printf "    sum = sum * 31 %% 1000000007 + work_%d(%d);\n", i, i * 7 % 97
    print "    printf(\"%ld\\n\", sum);\n    return 0;\n}"
}

function write_function(i,    arm) {
    printf "static long work_%d(long n)\n{\n", i
    printf "    struct item items[%d];\n    double heavy = %d.5;\n    long sum = n;\n",
        i % 5 + 3, i
    printf "    memset(items, 0, sizeof items);\n"
    printf "    for (long k = 0; k < %d; k++) {\n        switch ((n + k) %% %d) {\n",
        i % 13 + 4, i % 6 + 3
    for (arm = 0; arm < i % 6 + 3; arm++)
        printf "        case %d: sum += %d * k %s n; break;\n", arm, i + arm,
            substr("+-^|&", arm % 5 + 1, 1)
    printf "        }\n        struct item *it = &items[k %% %d];\n", i % 5 + 3
    printf "        it->key = sum; it->weight = heavy / (k + 1);\n"
    printf "        snprintf(it->name, sizeof it->name, \"%%ld-%d\", k);\n", i
    printf "        heavy += it->weight > %d ? 1.25 : -0.5;\n    }\n", i % 40
    printf "    for (int k = 0; k < %d; k++)\n", i % 5 + 3
    printf "        sum += (long)strlen(items[k].name) + items[k].key %% 11;\n"
    printf "    return (sum + (long)heavy) %% 65521;\n}\n\n"
}
