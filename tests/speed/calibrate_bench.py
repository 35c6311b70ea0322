"""How often `kobench bench --against` is wrong on this machine: false alarms of a build against itself, and slowdowns of a
known size that are found.

    cargo build --release --workspace
    python tests/speed/calibrate_bench.py                                 200 comparisons of each kind
    python tests/speed/calibrate_bench.py --only same --comparisons 50

Real processes with the bundled kcbert-demo on the sample of NSMC. The slowdown is real too: tests/plugins/slowed.c lets both calls
that answer a query take so much longer. Nothing but the Python interpreter and a C compiler is needed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

WORKSPACE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def wilson(k, n, z=1.959964):
    """The 95% Wilson interval of k of n."""
    centre = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * (k * (n - k) / n + z * z / 4) ** 0.5
    return centre - half, centre + half


def slowed(folder, library, part):
    """The plugin, slower by a part; in a folder of its own."""
    os.makedirs(folder)
    subprocess.run(
        ["cc", "-O1", "-shared", "-fPIC", "-std=gnu11", "-I", f"{WORKSPACE}/plugins/abi/include",
         f'-DSLOWED_INNER="{library}"', f"-DSLOWED_PART={part}",
         "-o", f"{folder}/libkobench_plugin_slowed.so", f"{WORKSPACE}/tests/plugins/slowed.c", "-ldl"],
        check=True,
    )
    return folder


def compare(kobench, new, base, seed, args):
    """The comparison of the measures that decide: a dictionary by scenario and measure."""
    command = [
        kobench, "bench", "-m", "kcbert-demo", "-t", "nsmc", "--split", "sample", "--plugin-dir", new,
        "--against", f"plugins={base}", "--scenario", args.scenario, "--repetitions", str(args.rounds),
        "--duration", str(args.seconds), "--warmup", str(args.warmup), "--min-queries", "1", "--seed", str(seed),
        "--margin", str(args.margin), "--threads", str(args.threads), "--turns", str(args.turns), "--quiet", "--format", "json",
        "--out", os.path.join(os.path.dirname(kobench), "run"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    document = json.loads(done.stdout)
    if document["failed"]:
        sys.exit(str(document["failed"]))
    speeds = {(s["scenario"], s["measure"]): s for s in document["speeds"] if s["gates"]}
    return document["verdict"], done.returncode, speeds


def half_width(speed):
    return (speed["ci_high"] - speed["ci_low"]) / 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--comparisons", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.05)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--warmup", type=float, default=0.1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--margin", type=float, default=2.0, help="percent")
    parser.add_argument("--slowdown", type=float, default=5.0, help="percent")
    parser.add_argument("--scenario", default="offline")
    parser.add_argument("--only", choices=["same", "slower"])
    parser.add_argument("--release", default=f"{WORKSPACE}/target/release")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # Away from the plugins beside it, so that each side has its own and no other.
        kobench = shutil.copy(f"{args.release}/kobench", folder)
        library = f"{args.release}/libkobench_plugin_kcbert.so"
        # Both go through the same detour.
        base = slowed(f"{folder}/base", library, 0.0)
        sides = {"same": slowed(f"{folder}/same", library, 0.0), "slower": slowed(f"{folder}/slower", library, args.slowdown / 100)}
        for kind, new in sides.items():
            if args.only in (None, kind):
                run(kind, kobench, new, base, args)


def run(kind, kobench, new, base, args):
    started, worse, verdicts = time.time(), 0, {}
    by_measure = {}
    for number in range(args.comparisons):
        verdict, code, speeds = compare(kobench, new, base, number, args)
        worse += code == 1
        verdicts[verdict] = verdicts.get(verdict, 0) + 1
        for (scenario, measure), speed in speeds.items():
            counts = by_measure.setdefault(f"{scenario} {measure}", [0, [], []])
            counts[0] += speed["verdict"] == "regression"
            counts[1].append(speed["ratio"])
            counts[2].append(half_width(speed))
        if (number + 1) % 10 == 0:
            print(f"{kind}: {number + 1}, {worse} worse, {time.time() - started:.0f} s", file=sys.stderr, flush=True)
    low, high = wilson(worse, args.comparisons)
    print(f"{kind}: {worse} of {args.comparisons} comparisons are regressions ({100 * worse / args.comparisons:.1f}%, 95% interval "
          f"{100 * low:.1f} to {100 * high:.1f}); verdicts {verdicts}; {(time.time() - started) / args.comparisons:.1f} s each; "
          f"load average {os.getloadavg()[0]:.1f}")
    for measure, (count, ratios, widths) in by_measure.items():
        ratios, widths = sorted(ratios), sorted(widths)
        middle = len(ratios) // 2
        print(f"  {measure}: {count} regressions; new / base {ratios[middle]:.4f} (median; {ratios[0]:.4f} to {ratios[-1]:.4f}); "
              f"half width of the interval {100 * widths[middle]:.2f}% (median)")


if __name__ == "__main__":
    main()
