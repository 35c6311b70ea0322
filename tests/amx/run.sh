#!/bin/bash
# Runs the tests of the matrix products, and kobench itself in bf16, on an emulated processor with AMX.
#
#     KERNEL=bzImage BOCHS=bochs BIOS=DIR tests/amx/run.sh FOLDER
#
# README.md says what the three have to be. FOLDER receives what is made, and the output: FOLDER/out.txt. Needs xorriso,
# isolinux, a static busybox, cc, and what `cargo build --release --workspace` and
# `cargo test --release -p kobench-engine --lib --no-run` have built.
set -euo pipefail

folder=$(mkdir -p "${1:?a folder to work in}" && cd "$1" && pwd)
cd "$(dirname "$0")/../.."
busybox=${BUSYBOX:-/bin/busybox}
root=$folder/root
rm -rf "$root" "$folder/iso"
mkdir -p "$root"/{bin,proc,sys,dev,tmp} "$folder/iso"

tests=$(cargo test --release --locked -p kobench-engine --lib --no-run --message-format=json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*kobench_engine-[^"]*\)".*/\1/p' | tail -1)
cp "$tests" "$root/bin/engine-tests"
cp target/release/kobench target/release/libkobench_plugin_kcbert.so "$root/bin/"
strip -g "$root"/bin/*
cp "$busybox" "$root/bin/busybox"
# A console takes long to write to; port 0xe9 is the emulator's own.
cat > "$folder/e9.c" <<'C'
#include <stdio.h>
#include <sys/io.h>
int main(void) {
    int c;
    if (iopl(3)) return 1;
    while ((c = getchar()) != EOF) outb(c, 0xe9);
    return 0;
}
C
cc -O2 -static -o "$root/bin/e9" "$folder/e9.c"
for library in $(ldd "$root"/bin/{engine-tests,kobench,libkobench_plugin_kcbert.so} | grep -o '/[^ :]* ' | sort -u); do
    [ "${library#"$root"}" = "$library" ] || continue
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done

cat > "$root/init" <<'SH'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
export PROPTEST_CASES=12 RAYON_NUM_THREADS=1 HOME=/tmp
{
    $b grep -o -E 'amx[_a-z0-9]*|avx512_bf16|model name.*' /proc/cpuinfo
    /bin/engine-tests --test-threads 1 kernels::gemm:: 2>&1
    for isa in amx-bf16 avx512-bf16 avx512; do
        echo "== $isa"
        /bin/kobench run -q -m kcbert-demo -t nsmc --split sample --limit 24 --precision bf16 --threads 2 \
            --plugin-option isa=$isa --out /tmp/$isa 2>&1 > /dev/null
        echo "exit $?"
        $b grep -o '"isa": *"[^"]*"' /tmp/$isa/cells/*/cell.json
        $b cut -d "\"" -f 1-14 /tmp/$isa/cells/*/predictions.jsonl > /tmp/$isa.txt
        $b cmp /tmp/amx-bf16.txt /tmp/$isa.txt && echo "predictions as amx-bf16"
    done
    echo finished
} 2>&1 | /bin/e9
$b poweroff -f
SH
chmod +x "$root/init"

(cd "$root" && find . | "$busybox" cpio -o -H newc | gzip -1) > "$folder/iso/initrd.gz" 2> /dev/null
cp "${KERNEL:?the kernel, a bzImage}" "$folder/iso/vmlinuz"
cp "${ISOLINUX:-/usr/lib/ISOLINUX/isolinux.bin}" "$folder/iso/isolinux.bin"
cp "${SYSLINUX:-/usr/lib/syslinux/modules/bios}/ldlinux.c32" "$folder/iso/"
cat > "$folder/iso/isolinux.cfg" <<'C'
DEFAULT linux
LABEL linux
  KERNEL vmlinuz
  APPEND initrd=initrd.gz rdinit=/init loglevel=1 initcall_blacklist=init_hw_perf_events clearcpuid=erms,fsrm,rep_good,umip,movdiri,movdir64b,serialize,rdpid
C
xorriso -as mkisofs -quiet -o "$folder/boot.iso" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table \
    "$folder/iso" 2> /dev/null
cat > "$folder/bochsrc" <<C
cpu: model=sapphire_rapids, count=1, ips=40000000, reset_on_triple_fault=0, ignore_bad_msrs=1, exclude_features="cet,uintr,pks,la57,waitpkg"
memory: guest=2048, host=2048
romimage: file=${BIOS:?the folder bios of the emulator}/BIOS-bochs-latest
vgaromimage: file=$BIOS/VGABIOS-lgpl-latest.bin
ata0-master: type=cdrom, path=$folder/boot.iso, status=inserted
boot: cdrom
log: $folder/bochs.log
display_library: nogui
panic: action=fatal
error: action=report
clock: sync=none
port_e9_hack: enabled=1
C

# A start fails now and then, by whichever fault of the emulator; it is seen by its silence.
for attempt in 1 2 3 4 5; do
    "${BOCHS:?the emulator}" -q -f "$folder/bochsrc" > "$folder/out.txt" 2>&1 < /dev/null &
    emulator=$!
    for ((tens = 1; tens <= 90; tens++)); do
        sleep 10
        grep -aq '^finished' "$folder/out.txt" && break
        [ "$tens" = 6 ] && ! grep -aq '^running' "$folder/out.txt" && break
    done
    kill "$emulator" 2> /dev/null || true
    wait "$emulator" 2> /dev/null || true
    if grep -aq '^running' "$folder/out.txt"; then
        grep -av -e '^0' -e 'ips = ' "$folder/out.txt"
        grep -aq '^test result: ok' "$folder/out.txt" && grep -aq '^finished' "$folder/out.txt"
        exit
    fi
    echo "start $attempt failed" >&2
done
exit 1
