#!/usr/bin/env bash
# Compares every kernel table with the portable one, wherever it can run: on this processor, and in emulators for those
# it lacks. Says loudly what it could not run.
#
#   run.sh [native] [neon] [bf16] [avx512]     all of them if none is named
#
# native   what this processor has.
# neon     cross-compiled, in QEMU's user mode, on processors with and without dot products. Debian packages:
#          gcc-aarch64-linux-gnu qemu-user
# avx512   in Bochs, which emulates a whole machine, under a small Linux; some 10 minutes. Debian packages: bochs
#          bochs-term bochsbios vgabios grub-pc-bin grub-common xorriso mtools cpio tmux; and a kernel, whose path is in
#          KERNEL (/boot/vmlinuz-* otherwise)
set -uo pipefail
cd "$(dirname "$0")"
kernels=../../Sources/CKernels
build=${BUILD:-../../.build/KernelsEmulation}
compiler=${CC:-clang}
mkdir -p "$build"
build=$(cd "$build" && pwd)
flags=(-std=gnu11 -O3 -ffp-contract=off -Wall -Wextra -Werror -D_GNU_SOURCE)
failed=()
missing=()

# compile FOLDER FLAGS...: objects of kernels and checks
compile() {
    local folder=$build/$1 file
    shift
    mkdir -p "$folder"
    rm -f "$folder"/*.o
    for file in "$kernels"/*.c ./*.c; do
        "$compiler" "${flags[@]}" "$@" -c "$file" -o "$folder/$(basename "$file" .c)_$(basename "$(dirname "$file")").o" || return 1
    done
}

native() {
    compile native && "$compiler" "$build"/native/*.o -o "$build/native/checks" -lm -lpthread && "$build/native/checks"
}

neon() {
    command -v aarch64-linux-gnu-gcc qemu-aarch64 >/dev/null || { missing+=("neon: needs gcc-aarch64-linux-gnu and qemu-user"); return; }
    compile neon --target=aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include || return 1
    aarch64-linux-gnu-gcc -static "$build"/neon/*.o -o "$build/neon/checks" -lm -lpthread || return 1
    qemu-aarch64 -cpu cortex-a57 "$build/neon/checks" && qemu-aarch64 -cpu max "$build/neon/checks"
}
