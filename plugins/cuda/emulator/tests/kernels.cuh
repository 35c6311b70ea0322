// Kernels for the emulator's own tests.
#pragma once

#include "common.cuh"

KB_KERNEL test_scale(float *x, float by, int n);
KB_KERNEL test_scale_bf16(bf16 *x, float by);
KB_KERNEL test_reverse(int *x);
KB_KERNEL test_reverse_without_barrier(int *x);
KB_KERNEL test_sum(const float *x, float *sums, int n);
KB_KERNEL test_last_block(const unsigned *x, unsigned *sums, unsigned *counter, unsigned *total);
KB_KERNEL test_exit(int *x, int stay);
KB_KERNEL test_votes(int *votes);
KB_KERNEL test_shuffles(int *out);
KB_KERNEL test_halves(unsigned *out);
KB_KERNEL test_collective(int *out);
KB_KERNEL test_index(uint32_t *out);
KB_KERNEL test_fresh_shared(float *out, int write);
KB_KERNEL test_shared_overrun(int at);
KB_KERNEL test_deadlock();
KB_KERNEL test_two_masks();
KB_KERNEL test_store(float *x, long long at);
KB_KERNEL test_mixed(char a, double b, kb_dropout c, const kb_step *d, double *out);
