# shellcheck shell=bash disable=SC2034
# perl: hashes, strings, sorting, regular expressions, closures, children by fork.
needs=(perl)
watched=(perl)

program() {
    perl "$INPUT/churn.pl"
}
