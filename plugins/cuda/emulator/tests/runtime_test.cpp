// Fibers, barriers, warp operations and shared memory.
#include <signal.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "check.h"
#include "kernels.cuh"

namespace {

const char *const ORDERS[] = {"forward", "reverse", "1", "2", "3"};

template <class F> void in_all_orders(F f) {
    for (const char *order : ORDERS) {
        emu::set_order(order);
        f();
    }
    emu::set_order("forward");
}

std::vector<int> counting(size_t n) {
    std::vector<int> v(n);
    std::iota(v.begin(), v.end(), 0);
    return v;
}

TEST(a_barrier_waits_for_all_threads) {
    in_all_orders([] {
        for (unsigned threads : {1u, 31u, 32u, 100u, 1024u}) {
            std::vector<int> x = counting(threads);
            emu::launch(test_reverse, 1, threads, threads * 4, x.data());
            for (unsigned i = 0; i < threads; ++i) CHECK(x[i] == static_cast<int>(threads - 1 - i));
        }
    });
}

TEST(orders_show_a_missing_barrier) {
    int wrong = 0;
    in_all_orders([&] {
        std::vector<int> x = counting(128), right(x.rbegin(), x.rend());
        emu::launch(test_reverse_without_barrier, 1, 128, 128 * 4, x.data());
        wrong += x != right;
    });
    CHECK(wrong == 5);
}

TEST(sums_do_not_depend_on_the_order) {
    std::vector<float> x(10 * 1000);
    for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
    std::vector<float> first;
    in_all_orders([&] {
        std::vector<float> sums(10);
        emu::launch(test_sum, 10, 256, 0, x.data(), sums.data(), 1000);
        if (first.empty()) first = sums;
        CHECK(first == sums);
    });
    CHECK(std::fabs(first[0] - std::accumulate(x.begin(), x.begin() + 1000, 0.0f)) < 1e-3f);
}

TEST(the_last_block_sees_all_others) {
    in_all_orders([] {
        const unsigned blocks = 3000;
        std::vector<unsigned> x(blocks * 64, 3), sums(blocks);
        unsigned counter = 0, total = 0;
        emu::launch(test_last_block, blocks, 64, 0, x.data(), sums.data(), &counter, &total);
        CHECK(total == 3 * 64 * blocks && counter == 0);
    });
}

TEST(threads_may_return_before_a_barrier) {
    in_all_orders([] {
        std::vector<int> x(96), expected(96);
        for (int t = 0; t < 96; ++t)
            for (int i = 0; i < t % 5; ++i)
                for (int lane = 0; lane < 32; ++lane) expected[static_cast<size_t>(t)] += (t / 32 * 32 + lane) % 5 > i;
        emu::launch(test_exit, 1, 96, 0, x.data(), 5);
        CHECK(x == expected);
    });
}

TEST(barriers_count_votes) {
    in_all_orders([] {
        std::vector<int> votes(5, -1);
        emu::launch(test_votes, 1, 64, 0, votes.data());
        CHECK((votes == std::vector<int>{1, 0, 1, 0, 32}));
    });
}

TEST(lanes_exchange_values) {
    in_all_orders([] {
        std::vector<int> out(32 * 12);
        emu::launch(test_shuffles, 1, 32, 0, out.data());
        for (int lane = 0; lane < 32; ++lane) {
            const int *o = &out[static_cast<size_t>(12 * lane)];
            CHECK(o[0] == 7 && o[1] == (lane ^ 5));
            CHECK(o[2] == (lane + 3 < 32 ? lane + 3 : lane));
            CHECK(o[3] == (lane >= 3 ? lane - 3 : lane));
            CHECK(o[4] == lane / 8 * 8 + 1);
            CHECK(o[5] == (lane % 8 + 3 < 8 ? lane + 3 : lane));
            CHECK(o[6] == 0x49249249 && o[7] == 1);
            CHECK(o[8] == 31 * 16 && o[9] == 0 && o[10] == 4);
            CHECK(static_cast<unsigned>(o[11]) == (lane < 16 ? 0xffffu : 0xffff0000u));
        }
    });
}

TEST(halves_of_a_warp_go_their_own_ways) {
    in_all_orders([] {
        std::vector<unsigned> out(32);
        emu::launch(test_halves, 1, 32, 0, out.data());
        for (unsigned lane = 0; lane < 32; ++lane) CHECK(out[lane] == (lane ^ 1) + 3 + ((lane ^ 16) ^ 1) + 7);
    });
}

TEST(a_collective_runs_once_for_a_warp) {
    in_all_orders([] {
        std::vector<int> out(128);
        emu::launch(test_collective, 1, 64, 0, out.data());
        for (int t = 0; t < 64; ++t) {
            const int first = t / 32 * 32;
            CHECK(out[static_cast<size_t>(2 * t)] == first + 31 - t % 32);
            CHECK(out[static_cast<size_t>(2 * t + 1)] == 32 * first + 31 * 16);
        }
    });
}

TEST(indices_have_three_dimensions) {
    in_all_orders([] {
        std::vector<uint32_t> out(2 * 3 * 4 * 60);
        emu::launch(test_index, dim3(2, 3, 4), dim3(3, 4, 5), 0, out.data());
        for (uint32_t i = 0; i < out.size(); ++i) CHECK(out[i] == i / 60 * 1000 + i % 60);
    });
}

TEST(fresh_shared_memory_is_no_number) {
    std::vector<float> out(64);
    emu::launch(test_fresh_shared, 1, 32, 128, out.data(), 0);
    for (float v : out) CHECK(std::isnan(v));
    emu::launch(test_fresh_shared, 1, 32, 128, out.data(), 1);
    for (float v : out) CHECK(v == 1.0f);
    emu::launch(test_fresh_shared, 1, 32, 128, out.data(), 0);
    for (size_t i = 32; i < 64; ++i) CHECK(std::isnan(out[i])); // that of a launch always is
}

TEST(bf16_rounds_to_nearest_even) {
    const auto bits = [](float f) { return __bfloat16_as_ushort(__float2bfloat16_rn(f)); };
    CHECK(bits(1.0f) == 0x3f80);
    CHECK(bits(__uint_as_float(0x3f808000u)) == 0x3f80); // a tie, to even
    CHECK(bits(__uint_as_float(0x3f818000u)) == 0x3f82);
    CHECK(bits(__uint_as_float(0x3f808001u)) == 0x3f81);
    CHECK(bits(__uint_as_float(0x7f7fffffu)) == 0x7f80); // beyond the largest
    CHECK(bits(-INFINITY) == 0xff80);
    CHECK(bits(std::numeric_limits<float>::quiet_NaN()) == 0x7fff);
    CHECK(bits(__uint_as_float(0x7f800001u)) == 0x7fff);
    std::vector<bf16> x(256, bf16(1.0f));
    emu::launch(test_scale_bf16, 2, 128, 0, x.data(), 3.14159f);
    for (bf16 v : x) CHECK(to_float(v) == 3.140625f);
}

DEATH(deadlock) { emu::launch(test_deadlock, 1, 32, 0); }
DEATH(two_masks) { emu::launch(test_two_masks, 1, 32, 0); }
DEATH(behind_shared) { emu::launch(test_shared_overrun, 1, 1, 256, 64); }
DEATH(before_shared) { emu::launch(test_shared_overrun, 1, 1, 256, -1); }

TEST(what_cannot_go_on_is_reported) {
    CHECK(test::dies("deadlock", SIGABRT, "kernel test_deadlock, block (0, 0, 0)"));
    CHECK(test::dies("deadlock", SIGABRT, "thread 2 (warp 0, lane 2) waits in __shfl_sync"));
    CHECK(test::dies("two_masks", SIGABRT, "different operations"));
}

TEST(shared_memory_has_ends) {
    CHECK(test::dies("behind_shared", SIGSEGV));
    CHECK(test::dies("before_shared", SIGABRT, "before the start of its dynamic shared memory"));
}

} // namespace
