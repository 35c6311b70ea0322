/*
 * A library that answers as NVIDIA's NVML does, of GPUs that are not there: for the tests of telemetry.
 *
 *     cc -shared -fPIC -o libnvidia-ml.so.1 tests/nvml/nvml.c
 *
 * It knows every UUID that begins with "GPU-". Power is 500 W from the moment that it is loaded. Environment variables:
 *     NVML_INIT       what nvmlInit_v2 answers (0; 4 is: no permission)
 *     NVML_NO_ENERGY  the energy counter is not supported
 *     NVML_REASONS    why clocks are held down, as a mask (0)
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OK = 0, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7 };

static struct timespec loaded;
static char the_device;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - loaded.tv_sec) + (double)(now.tv_nsec - loaded.tv_nsec) / 1e9;
}

int nvmlInit_v2(void) {
    const char *answer = getenv("NVML_INIT");
    clock_gettime(CLOCK_MONOTONIC, &loaded);
    return answer ? atoi(answer) : OK;
}

int nvmlShutdown(void) { return OK; }

int nvmlSystemGetDriverVersion(char *version, unsigned length) {
    static const char own[] = "580.65.06";
    if (length < sizeof own) return TOO_SMALL;
    memcpy(version, own, sizeof own);
    return OK;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) {
    if (strncmp(uuid, "GPU-", 4)) return NOT_FOUND;
    *device = &the_device;
    return OK;
}

int nvmlDeviceGetClockInfo(void *device, int clock, unsigned *mhz) {
    (void)device;
    *mhz = clock == 1 ? 1980 : 3201; /* 1: the multiprocessors, 2: the memory */
    return OK;
}

int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius) {
    (void)device;
    *celsius = 61;
    return sensor == 0 ? OK : INVALID;
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts) {
    (void)device;
    *milliwatts = 500000;
    return OK;
}

int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules) {
    (void)device;
    if (getenv("NVML_NO_ENERGY")) return NOT_SUPPORTED;
    *millijoules = 7000000 + (unsigned long long)(500000 * seconds());
    return OK;
}

int nvmlDeviceGetUtilizationRates(void *device, unsigned rates[2]) {
    (void)device;
    rates[0] = 93;
    rates[1] = 40;
    return OK;
}

int nvmlDeviceGetMemoryInfo_v2(void *device, void *info) {
    (void)device;
    struct {
        unsigned version;
        unsigned long long total, reserved, free, used;
    } own = {0, 1ull << 37, 0, 1ull << 36, 1ull << 36};
    memcpy((char *)info + sizeof own.total, &own.total, 4 * sizeof own.total); /* the version stays */
    return OK;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *reasons) {
    const char *mask = getenv("NVML_REASONS");
    (void)device;
    *reasons = mask ? strtoull(mask, NULL, 0) : 0;
    return OK;
}
