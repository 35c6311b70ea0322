// A small test harness. A test that has to die runs in a child, which is this program with its name.
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include <string>

#define TEST(name)                                             \
    static void name();                                        \
    static const test::Registrar registered_##name(#name, name);     \
    static void name()
// For `dies`: run only by its name.
#define DEATH(name)                                            \
    static void name();                                        \
    static const test::Registrar registered_##name(#name, name, true); \
    static void name()

#define CHECK(condition)                                                                    \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);   \
            exit(1);                                                                        \
        }                                                                                   \
    } while (0)

namespace test {
struct Registrar {
    Registrar(const char *name, void (*function)(), bool only_by_name = false);
};
// Whether the test, in a child, is killed by the signal and says the words.
bool dies(const char *name, int signal, const std::string &words = "");
} // namespace test
