// What the emulated devices are: shared by the driver's library and that of the management interface.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <string>

namespace emu {

inline long environment(const char *name, long otherwise) {
    const char *text = getenv(name);
    if (text == nullptr || *text == 0) return otherwise;
    char *end = nullptr;
    const long value = strtol(text, &end, 10);
    if (*end == 0) return value;
    fprintf(stderr, "emulated device: %s is \"%s\", but must be a number\n", name, text);
    abort();
}

inline int device_count() {
    const long n = environment("KOBENCH_EMU_DEVICES", 1);
    return static_cast<int>(n < 0 ? 0 : n > 16 ? 16 : n);
}

inline size_t memory_bytes() { return static_cast<size_t>(environment("KOBENCH_EMU_MEMORY", 8L << 30)); }

inline std::string device_name() {
    const char *name = getenv("KOBENCH_EMU_NAME");
    return name != nullptr && *name != 0 ? name : "kobench software device";
}

// 16 bytes, as cuDeviceGetUuid gives them.
inline void device_uuid(int index, unsigned char *uuid) {
    const unsigned char base[16] = {0x6b, 0x6f, 0x62, 0x65, 0x6e, 0x63, 0x68, 0, 0x80, 0, 0, 0, 0, 0, 0, 0};
    for (int i = 0; i < 16; ++i) uuid[i] = base[i];
    uuid[15] = static_cast<unsigned char>(index);
}

inline std::string uuid_text(int index) {
    unsigned char u[16];
    device_uuid(index, u);
    std::string text = "GPU-";
    for (int i = 0; i < 16; ++i) {
        char byte[4];
        snprintf(byte, sizeof byte, "%02x", u[i]);
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += byte;
    }
    return text;
}

inline int pci_bus(int index) { return index + 1; }

} // namespace emu
