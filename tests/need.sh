#!/bin/sh
# Makes sure that the programs which the tests run against are here: brokers,
# Modbus peers and CPU emulators that nobody of this project wrote. Installs what
# is missing where it may; else ends with the one command that would.
#
# usage: tests/need.sh COMMAND=PACKAGE ...
#   COMMAND is a program on PATH, py:MODULE a module of /usr/bin/python3, or
#   h:HEADER a header of a C library.
set -eu

have() {
	case $1 in
	py:*) /usr/bin/python3 -c "import ${1#py:}" 2>/dev/null ;;
	h:*) echo "#include <${1#h:}>" | gcc -E -x c - >/dev/null 2>&1 ;;
	*) command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] ;;
	esac
}

missing=
for pair in "$@"; do
	have "${pair%%=*}" || missing="$missing ${pair#*=}"
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
	echo "tests: missing:$missing. Install with: sudo $install" >&2
	exit 1
fi
echo "tests: installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# A service that a package starts by itself is none of the tests' business.
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && made=1
fi
trap '[ -z "$made" ] || rm -f $policy' EXIT
apt-get update -qq && $install -qq >/dev/null || {
	echo "tests: could not install:$missing. Try: $install" >&2
	exit 1
}
