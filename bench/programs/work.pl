# Fixed work for perl: strings, hashes, arrays of arrays, regular expressions.
use strict;
use warnings;

my (%seen, @rows);
for my $i (1 .. 150_000) {
    my $word = join '-', $i % 7919, 'ab' x ($i % 17);
    $seen{$word}++;
    push @rows, [$i, $word, { id => $i }] if $i % 3 == 0;
}
my $sum = 0;
$sum += length($_) * $seen{$_} for sort keys %seen;
my @sorted = sort { $a->[1] cmp $b->[1] || $a->[0] <=> $b->[0] } @rows;

my $text = '';
$text .= "line $_ has " . ($_ * $_) . " in it\n" for 1 .. 80_000;
my ($count, $digits) = (0, 0);
while ($text =~ /line (\d+) has (\d+)/g) { $count++; $digits += length $2; }
my @fields = map { [split / /] } split /\n/, $text;
print "$sum $sorted[0][1] $sorted[-1][0] $count $digits ", scalar(@fields), "\n";
