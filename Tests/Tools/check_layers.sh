#!/bin/sh
# Holds the dependencies of every library target in Package.swift (dumped as JSON) against the table of
# targets in docs/architecture.md: rows "| `Target` | `A` `B` | role |".
set -eu
package=$1 document=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
command -v perl >/dev/null || { echo "check-layers needs perl" >&2; exit 1; }
# One line a target: its name, then its own dependencies in alphabetical order.
perl -MJSON::PP -0777 -e '
  my $package = decode_json(<STDIN>);
  my %own = map { $_->{name} => 1 } @{$package->{targets}};
  for my $target (sort { $a->{name} cmp $b->{name} } @{$package->{targets}}) {
    next if $target->{type} eq "test";
    my @names = grep { $own{$_} } map { my ($kind) = keys %$_; ref $_->{$kind} eq "ARRAY" ? $_->{$kind}[0] : () } @{$target->{dependencies}};
    print join(" ", $target->{name}, sort @names), "\n";
  }' < "$package" > "$tmp/package"
perl -ne '
  next unless /^\| `(\w+)` \|([^|]*)\|/;
  my ($name, $list) = ($1, $2);
  print join(" ", $name, sort($list =~ /`(\w+)`/g)), "\n";' "$document" | sort > "$tmp/document"
sort -o "$tmp/package" "$tmp/package"
if diff -u "$tmp/document" "$tmp/package"; then
  echo "Package.swift and $document agree on $(wc -l < "$tmp/package") targets"
else
  echo "Package.swift (+) and $document (-) differ" >&2
  exit 1
fi
