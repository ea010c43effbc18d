#!/bin/sh
# Puts a kernel and the drivers that tests/faults/guest loads into a folder, out of the
# package of Debian's cloud kernel. Nothing is installed.
#
# usage: tests/faults/kernel.sh FOLDER
set -eu

[ "$(uname -m)" = x86_64 ] || { echo "faults: the virtual machine is an x86_64; this is $(uname -m)" >&2; exit 1; }
mkdir -p "$1" && cd "$1"
[ -e vmlinuz ] && exit 0

package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*-cloud-amd64\).*/\1/p' | head -n 1)
[ -n "$package" ] || {
	echo "faults: no package linux-image-cloud-amd64 known: apt-get update, on Debian; or put vmlinuz and its virtio drivers (.ko) into $1" >&2
	exit 1
}
rm -rf unpack ./*.deb
apt-get download -q "$package" 2>/dev/null || {
	echo "faults: could not download $package: apt-get update, then try again" >&2
	exit 1
}
dpkg-deb -x ./*.deb unpack
for name in virtio virtio_ring virtio_pci virtio_pci_modern_dev virtio_pci_legacy_dev virtio_blk; do
	cp "$(find unpack -name "$name.ko")" .
done
mv unpack/boot/vmlinuz-* vmlinuz # last: its presence says that all is here
rm -rf unpack ./*.deb
echo "faults: $package"
