#!/usr/bin/env bash
# Compares every kernel table with the portable one, wherever it can run. Says loudly what it could not run.
#
#   run.sh [native] [intrinsics] [neon]     all of them if none is named
#
# native      the tables that this processor has.
# intrinsics  all tables for x86: AVX-512 with VNNI and BF16 and AVX-VNNI made of plain C (intrinsics/immintrin.h). Checks
#             what the kernels compute; neither what a compiler makes of them nor how the processor is recognized.
# neon        cross-compiled, in QEMU's user mode, on processors without and with dot products. Debian packages:
#             gcc-aarch64-linux-gnu qemu-user
#
# CC: clang, or what stands in for it. BUILD: a folder for what is built.
set -uo pipefail
shopt -s extglob
cd "$(dirname "$0")"
build=${BUILD:-../../.build/KernelsEmulation}
compiler=${CC:-clang}
mkdir -p "$build"
build=$(cd "$build" && pwd)
# Intermediate results must not be fused by the compiler's choice. Tables override the scalar functions they start with.
flags=(-std=gnu11 -O3 -ffp-contract=off -Wall -Wextra -Werror -D_GNU_SOURCE)
failed=()
missing=()

# objects FOLDER FILES -- FLAGS: one object per file.
objects() {
    local folder=$build/$1 files=() file
    shift
    mkdir -p "$folder"
    while [[ $1 != -- ]]; do files+=("$1"); shift; done
    shift
    for file in "${files[@]}"; do
        "$compiler" "${flags[@]}" "$@" -c "$file" -o "$folder/$(basename "$(realpath "$(dirname "$file")")")-$(basename "$file" .c).o" || return 1
    done
}

native() {
    rm -rf "$build/native"
    objects native ../../Sources/CKernels/*.c ./*.c -- || return 1
    "$compiler" "$build"/native/*.o -o "$build/native/checks" -lm -lpthread && "$build/native/checks"
}

intrinsics() {
    if [[ $(uname -m) != x86_64 ]] || ! "$compiler" --version | grep -q clang; then
        missing+=("intrinsics: needs clang and an x86-64 processor with AVX2")
        return
    fi
    rm -rf "$build/intrinsics"
    objects intrinsics ../../Sources/CKernels/!(x86_avx512*|x86_avxvnni*|x86_vnni*).c ./*.c -- || return 1
    objects intrinsics ../../Sources/CKernels/@(x86_avx512*|x86_avxvnni*|x86_vnni*).c -- -Iintrinsics -Wno-psabi || return 1
    "$compiler" "$build"/intrinsics/*.o -o "$build/intrinsics/checks" -lm -lpthread && "$build/intrinsics/checks" --all
}

neon() {
    if ! command -v aarch64-linux-gnu-gcc >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
        missing+=("neon: needs gcc-aarch64-linux-gnu and qemu-user")
        return
    fi
    rm -rf "$build/neon"
    objects neon ../../Sources/CKernels/*.c ./*.c -- --target=aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include ||
        return 1
    aarch64-linux-gnu-gcc -static "$build"/neon/*.o -o "$build/neon/checks" -lm -lpthread || return 1
    qemu-aarch64 -cpu cortex-a57 "$build/neon/checks" && qemu-aarch64 -cpu max "$build/neon/checks"
}

for way in "${@:-native intrinsics neon}"; do
    for name in $way; do
        echo "== $name"
        "$name" || failed+=("$name")
    done
done
for reason in "${missing[@]}"; do echo "NOT RUN: $reason" >&2; done
for name in "${failed[@]}"; do echo "FAILED: $name" >&2; done
[[ ${#failed[@]} == 0 ]]
