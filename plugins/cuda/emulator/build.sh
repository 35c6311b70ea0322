#!/bin/sh
# Builds the emulated driver libraries into a folder:
#     build.sh [--test] OUTDIR
# Only what has changed is compiled. With --test the emulator's own tests are built and run, too.
set -eu
test=
if [ "${1:-}" = --test ]; then
    test=yes
    shift
fi
if [ $# -ne 1 ]; then
    echo "usage: $0 [--test] OUTDIR" >&2
    exit 2
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"
jobs=${KOBENCH_EMU_BUILD_JOBS:-2}
make --no-print-directory -s -j "$jobs" OUT="$out" all
if [ -n "$test" ]; then
    make --no-print-directory -s -j "$jobs" OUT="$out" tests
    "$out/emulator_tests"
fi
