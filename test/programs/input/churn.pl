# Hashes, strings, sorting, regular expressions, closures and cycles, sprintf, pack, fork.
use strict;
use warnings;

my $state = 42;
sub random { $state = ($state * 1103515245 + 12345) % 2147483648; return $state % $_[0] }

sub word { join '', map { chr(97 + random(26)) } 1 .. 3 + random(9) }

my %count;
my $text = '';
for my $i (1 .. 40_000) {
    my $word = word();
    $count{ substr $word, 0, 2 }{ length $word } += $i;
    $text .= $word . ($i % 11 ? ' ' : "\n");
}
printf "words %d %d\n", scalar(keys %count), length $text;
for my $key ((sort keys %count)[0 .. 9]) {
    print join(' ', $key, map { "$_:$count{$key}{$_}" } sort { $a <=> $b } keys %{ $count{$key} }), "\n";
}

my $pairs = () = $text =~ /\b([a-z])\w*\1\b/g;
(my $swapped = $text) =~ s/(\w+) (\w+)/$2-$1/g;
my %seen;
my @unique = grep { !$seen{$_}++ } map { lc } split /[\s-]+/, $swapped;
printf "regex %d %d %d\n", $pairs, scalar(@unique), unpack '%32C*', $swapped;

my @records = map { { id => $_, name => word(), list => [ map { random(1000) } 1 .. random(12) ] } } 1 .. 15_000;
@records = sort { @{ $a->{list} } <=> @{ $b->{list} } || $a->{name} cmp $b->{name} } @records;
print join(' ', map { $_->{id} } @records[ map { $_ * 700 } 0 .. 20 ]), "\n";
for my $round (1 .. 5) {
    splice @records, random(scalar @records - 1000), 900;
    push @records, { id => -$_, name => 'n' x random(400), list => [] } for 1 .. 600;
}
my $packed = join '', map { pack 'w/a*', $_->{name} } @records;
printf "packed %d %d\n", length $packed, unpack '%32C*', $packed;

my @counters = map { my $n = $_; my $log = 'x' x $n; sub { $log .= $n; return $n++ + length $log } } 1 .. 500;
my $sum = 0;
for my $round (1 .. 40) { $sum += $_->() for @counters }
print "closures $sum\n";

for my $n (1 .. 3000) { my $node = { n => $n, data => [ 1 .. 20 ] }; $node->{self} = $node; delete $node->{self} }

for my $child (1 .. 6) {
    my $pid = open(my $from, '-|') // die "fork: $!";
    if (!$pid) { my %big = map { $_ => word() } 1 .. 3000; print scalar(keys %big), " $big{7}\n"; exit 0 }
    print "child $child: ", <$from>;
    close $from or die "child $child failed";
}
my $line = '';
for my $n (1 .. 200_000) { $line .= chr(33 + $n % 90) }
$line = reverse $line for 1 .. 9;
printf "line %d %s\n", length $line, substr $line, 99, 30;
