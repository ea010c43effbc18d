#!/bin/sh
# Builds the agent for every target in cross/targets, without cgo, stripped, the
# same bytes from the same source, and fails when one is larger than its budget.
# The centre follows for the two kinds of machine that data centres have.
#
# usage: cross/build.sh [NAME ...]   (all targets without names)
set -eu
cd "$(dirname "$0")/.."
version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}
out=${OUT:-out/cross}
mkdir -p "$out"

set -f # patterns of packages are no patterns of files
small=$(sed '/^#/d; s/.*/-gcflags=&=-l/' cross/cold)

wanted() { [ $# -eq 1 ] && return 0; n=$1; shift; for w in "$@"; do [ "$w" = "$n" ] && return 0; done; return 1; }

over=0
while read -r name arch variable limit; do
	case $name in '' | '#'*) continue ;; esac
	if [ $# -gt 0 ]; then wanted "$name" "$@" || continue; fi
	[ "$variable" = - ] && variable=_=_
	file=$out/envgate-$name
	align= # the linker has amd64 alone begin functions at multiples of 32: 100 KB of nothing
	[ "$arch" != amd64 ] || align=-funcalign=16
	env CGO_ENABLED=0 GOOS=linux GOARCH="$arch" "$variable" \
		go build -trimpath -buildvcs=false -tags nethttpomithttp2 $small -ldflags "-s -w -X main.version=$version $align" -o "$file" ./agent
	size=$(wc -c <"$file")
	packed=$(gzip -9 -c "$file" | wc -c)
	printf '%-16s %9d bytes of %d, gzip %d\n' "$name" "$size" "$limit" "$packed"
	if [ "$size" -gt "$limit" ]; then
		echo "cross: error: $name is $size bytes: the budget is $limit" >&2
		over=1
	fi
done <cross/targets

if [ $# -eq 0 ]; then
	for arch in amd64 arm64; do
		env CGO_ENABLED=0 GOOS=linux GOARCH=$arch \
			go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$version" -o "$out/centre-linux-$arch" ./centre
		printf '%-16s %9d bytes, no budget\n' "centre-$arch" "$(wc -c <"$out/centre-linux-$arch")"
	done
fi
exit $over
