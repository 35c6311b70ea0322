#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "check.h"

namespace test {

struct Case {
    const char *name;
    void (*function)();
    bool only_by_name;
};
static std::vector<Case> &cases() {
    static std::vector<Case> all;
    return all;
}

Registrar::Registrar(const char *name, void (*function)(), bool only_by_name) {
    cases().push_back({name, function, only_by_name});
}

bool dies(const char *name, int signal, const std::string &words) {
    int ends[2];
    if (pipe(ends) != 0) return false;
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        execl("/proc/self/exe", "child", name, static_cast<char *>(nullptr));
        _exit(127);
    }
    close(ends[1]);
    std::string said;
    char buffer[4096];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) said.append(buffer, static_cast<size_t>(n));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == signal && said.find(words) != std::string::npos) return true;
    fprintf(stderr, "%s ended with status 0x%x and said:\n%s\n", name, static_cast<unsigned>(status), said.c_str());
    return false;
}

} // namespace test

int main(int count, char **arguments) {
    // What the tests expect of the devices.
    setenv("KOBENCH_EMU_DEVICES", "2", 1);
    setenv("KOBENCH_EMU_MEMORY", "1073741824", 1);
    unsetenv("CUDA_VISIBLE_DEVICES");
    if (count > 1) { // a child, which may be here to crash
        const rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
    }
    for (const test::Case &c : test::cases()) {
        if (count > 1 ? strcmp(c.name, arguments[1]) != 0 : c.only_by_name) continue;
        if (count == 1) printf("%s\n", c.name);
        fflush(stdout);
        c.function();
    }
    if (count == 1) printf("all passed\n");
    return 0;
}
