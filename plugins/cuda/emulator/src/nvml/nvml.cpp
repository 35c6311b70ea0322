// The management library (libnvidia-ml) for the emulated devices. Readings are made up, but move: energy grows
// with time at the power that is shown. Of what it says, only the memory of this process is real.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <string>

#include "../facts.h"

#define NVML_API extern "C" __attribute__((visibility("default")))

namespace {

enum nvmlReturn_t : unsigned {
    NVML_SUCCESS = 0,
    NVML_ERROR_UNINITIALIZED = 1,
    NVML_ERROR_INVALID_ARGUMENT = 2,
    NVML_ERROR_NOT_SUPPORTED = 3,
    NVML_ERROR_NOT_FOUND = 6,
    NVML_ERROR_INSUFFICIENT_SIZE = 7,
    NVML_ERROR_UNKNOWN = 999,
};

struct Device {
    int index;
};
typedef Device *nvmlDevice_t;

struct PciInfo {
    char bus_id_legacy[16];
    unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
    char bus_id[32];
};
struct Memory {
    unsigned long long total, free, used;
};
struct MemoryV2 {
    unsigned version;
    unsigned long long total, reserved, free, used;
};
struct Utilization {
    unsigned gpu, memory;
};

int users = 0;
Device all[16];

nvmlDevice_t at(int index) {
    all[index].index = index;
    return &all[index];
}

bool valid(nvmlDevice_t d) { return users > 0 && d >= all && d < all + emu::device_count(); }

nvmlReturn_t put(const std::string &text, char *out, unsigned length) {
    if (out == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
    if (text.size() + 1 > length) return NVML_ERROR_INSUFFICIENT_SIZE;
    memcpy(out, text.c_str(), text.size() + 1);
    return NVML_SUCCESS;
}

template <class T> nvmlReturn_t give(nvmlDevice_t d, T *out, T value) {
    if (users == 0) return NVML_ERROR_UNINITIALIZED;
    if (!valid(d) || out == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
    *out = value;
    return NVML_SUCCESS;
}

unsigned milliwatts() { return static_cast<unsigned>(emu::environment("KOBENCH_EMU_POWER", 250000)); }
unsigned long long throttle_reasons() {
    return static_cast<unsigned long long>(emu::environment("KOBENCH_EMU_THROTTLE", 0));
}

// Of the driver's library, if this process has loaded it.
size_t used_memory(int index) {
    void *driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
    if (driver == nullptr) return 0;
    const auto used = reinterpret_cast<size_t (*)(int)>(dlsym(driver, "kobench_emu_used_memory"));
    const size_t bytes = used == nullptr ? 0 : used(index);
    dlclose(driver);
    return bytes;
}

nvmlReturn_t clock_of(nvmlDevice_t d, unsigned type, unsigned *mhz) {
    if (type > 3) return NVML_ERROR_INVALID_ARGUMENT;
    const unsigned core = static_cast<unsigned>(emu::environment("KOBENCH_EMU_CLOCK", 1980));
    return give(d, mhz, type == 2 ? 3201u : core);
}

nvmlReturn_t limit_of(nvmlDevice_t d, unsigned *limit) { return give(d, limit, 700000u); }

} // namespace

NVML_API nvmlReturn_t nvmlInit_v2() {
    ++users;
    return NVML_SUCCESS;
}
NVML_API nvmlReturn_t nvmlInitWithFlags(unsigned) { return nvmlInit_v2(); }
NVML_API nvmlReturn_t nvmlShutdown() {
    if (users == 0) return NVML_ERROR_UNINITIALIZED;
    --users;
    return NVML_SUCCESS;
}
NVML_API const char *nvmlErrorString(nvmlReturn_t result) { return result == NVML_SUCCESS ? "Success" : "Error"; }

NVML_API nvmlReturn_t nvmlSystemGetDriverVersion(char *out, unsigned length) { return put("580.65.06", out, length); }
NVML_API nvmlReturn_t nvmlSystemGetNVMLVersion(char *out, unsigned length) { return put("13.580.65.06", out, length); }
NVML_API nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version) {
    *version = static_cast<int>(emu::environment("KOBENCH_EMU_DRIVER", 13000));
    return NVML_SUCCESS;
}
NVML_API nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *v) { return nvmlSystemGetCudaDriverVersion_v2(v); }

NVML_API nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count) {
    if (users == 0) return NVML_ERROR_UNINITIALIZED;
    *count = static_cast<unsigned>(emu::device_count());
    return NVML_SUCCESS;
}
NVML_API nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *d) {
    if (users == 0) return NVML_ERROR_UNINITIALIZED;
    if (index >= static_cast<unsigned>(emu::device_count())) return NVML_ERROR_INVALID_ARGUMENT;
    *d = at(static_cast<int>(index));
    return NVML_SUCCESS;
}
NVML_API nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *d) {
    if (users == 0) return NVML_ERROR_UNINITIALIZED;
    for (int i = 0; i < emu::device_count(); ++i)
        if (emu::uuid_text(i) == uuid) {
            *d = at(i);
            return NVML_SUCCESS;
        }
    return NVML_ERROR_NOT_FOUND;
}
NVML_API nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *id, nvmlDevice_t *d) {
    if (users == 0) return NVML_ERROR_UNINITIALIZED;
    unsigned domain = 0, bus = 0, device = 0, function = 0;
    if (id == nullptr || (sscanf(id, "%x:%x:%x.%x", &domain, &bus, &device, &function) != 4 &&
                          sscanf(id, "%x:%x.%x", &bus, &device, &function) != 3))
        return NVML_ERROR_INVALID_ARGUMENT;
    for (int i = 0; i < emu::device_count(); ++i)
        if (domain == 0 && bus == static_cast<unsigned>(emu::pci_bus(i)) && device == 0) {
            *d = at(i);
            return NVML_SUCCESS;
        }
    return NVML_ERROR_NOT_FOUND;
}

NVML_API nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t d, unsigned *index) {
    return valid(d) ? give(d, index, static_cast<unsigned>(d->index)) : NVML_ERROR_INVALID_ARGUMENT;
}
NVML_API nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t d, char *out, unsigned length) {
    return valid(d) ? put(emu::device_name(), out, length) : NVML_ERROR_INVALID_ARGUMENT;
}
NVML_API nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t d, char *out, unsigned length) {
    return valid(d) ? put(emu::uuid_text(d->index), out, length) : NVML_ERROR_INVALID_ARGUMENT;
}
NVML_API nvmlReturn_t nvmlDeviceGetSerial(nvmlDevice_t, char *, unsigned) { return NVML_ERROR_NOT_SUPPORTED; }
NVML_API nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t d, PciInfo *info) {
    if (!valid(d) || info == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
    memset(info, 0, sizeof *info);
    info->bus = static_cast<unsigned>(emu::pci_bus(d->index));
    snprintf(info->bus_id_legacy, sizeof info->bus_id_legacy, "0000:%02X:00.0", info->bus);
    snprintf(info->bus_id, sizeof info->bus_id, "00000000:%02X:00.0", info->bus);
    return NVML_SUCCESS;
}
NVML_API nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t d, int *major, int *minor) {
    if (!valid(d)) return NVML_ERROR_INVALID_ARGUMENT;
    *major = 9;
    *minor = 0;
    return NVML_SUCCESS;
}

NVML_API nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t d, unsigned *power) { return give(d, power, milliwatts()); }
// Millijoules since the machine was started.
NVML_API nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t d, unsigned long long *energy) {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    const double seconds = static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
    return give(d, energy, static_cast<unsigned long long>(seconds * milliwatts()));
}
NVML_API nvmlReturn_t nvmlDeviceGetPowerManagementLimit(nvmlDevice_t d, unsigned *limit) { return limit_of(d, limit); }
NVML_API nvmlReturn_t nvmlDeviceGetPowerManagementDefaultLimit(nvmlDevice_t d, unsigned *limit) {
    return limit_of(d, limit);
}
NVML_API nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t d, unsigned *limit) { return limit_of(d, limit); }
NVML_API nvmlReturn_t nvmlDeviceGetPowerManagementLimitConstraints(nvmlDevice_t d, unsigned *least, unsigned *most) {
    if (give(d, least, 200000u) != NVML_SUCCESS) return NVML_ERROR_INVALID_ARGUMENT;
    return limit_of(d, most);
}
NVML_API nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t d, unsigned sensor, unsigned *celsius) {
    if (sensor != 0) return NVML_ERROR_INVALID_ARGUMENT;
    return give(d, celsius, static_cast<unsigned>(emu::environment("KOBENCH_EMU_TEMPERATURE", 45)));
}
NVML_API nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t d, unsigned type, unsigned *mhz) {
    return clock_of(d, type, mhz);
}
NVML_API nvmlReturn_t nvmlDeviceGetClock(nvmlDevice_t d, unsigned type, unsigned, unsigned *mhz) {
    return clock_of(d, type, mhz);
}
NVML_API nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t d, unsigned type, unsigned *mhz) {
    return type > 3 ? NVML_ERROR_INVALID_ARGUMENT : give(d, mhz, type == 2 ? 3201u : 1980u);
}
NVML_API nvmlReturn_t nvmlDeviceGetPerformanceState(nvmlDevice_t d, unsigned *state) { return give(d, state, 0u); }
NVML_API nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t d, Utilization *rates) {
    return give(d, rates, Utilization{50, 20});
}
NVML_API nvmlReturn_t nvmlDeviceGetFanSpeed_v2(nvmlDevice_t, unsigned, unsigned *) { return NVML_ERROR_NOT_SUPPORTED; }

NVML_API nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t d, Memory *memory) {
    if (!valid(d) || memory == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
    const size_t total = emu::memory_bytes(), used = used_memory(d->index);
    *memory = {total, total - used, used};
    return NVML_SUCCESS;
}
NVML_API nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t d, MemoryV2 *memory) {
    if (!valid(d) || memory == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
    const size_t total = emu::memory_bytes(), used = used_memory(d->index);
    *memory = {memory->version, total, 0, total - used, used};
    return NVML_SUCCESS;
}

NVML_API nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t d, unsigned long long *reasons) {
    return give(d, reasons, throttle_reasons());
}
NVML_API nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t d, unsigned long long *reasons) {
    return give(d, reasons, throttle_reasons());
}
NVML_API nvmlReturn_t nvmlDeviceGetSupportedClocksEventReasons(nvmlDevice_t d, unsigned long long *reasons) {
    return give(d, reasons, 0x1ffull);
}
NVML_API nvmlReturn_t nvmlDeviceGetSupportedClocksThrottleReasons(nvmlDevice_t d, unsigned long long *reasons) {
    return give(d, reasons, 0x1ffull);
}
NVML_API nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t d, unsigned *count, void *) {
    return give(d, count, 0u);
}
