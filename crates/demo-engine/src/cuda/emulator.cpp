// A device that is a program: the kernels, compiled by a C++ compiler, run thread by thread. It obeys
// commands on its standard input, written by `emulated.rs`. Every allocation ends at a page that cannot
// be touched and begins as NaNs, shared memory too; the threads of a block run one after the other from
// barrier to barrier, in ascending or descending order; so a number read too far or too early shows.
//
// usage: emulator MEMORY_LIMIT ascending|descending

#include <csetjmp>
#include <csignal>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define EMULATED
#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct Three { unsigned x, y, z; };
struct alignas(16) float4 { float x, y, z, w; };
static Three threadIdx, blockIdx, blockDim, gridDim;
static unsigned char *shared_memory;
static void __syncthreads();

static float __int_as_float(unsigned bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static int __float_as_int(float value) {
    int bits;
    memcpy(&bits, &value, 4);
    return bits;
}

#include "kernels.cu"

namespace {

[[noreturn]] void fail(const std::string &what) {
    fprintf(stderr, "emulated device: %s\n", what.c_str());
    _exit(3);
}

// Memory that ends at an untouchable page, within 16 bytes.
struct Region {
    unsigned char *start;
    size_t mapped, bytes;
};

Region map_region(size_t bytes) {
    size_t page = sysconf(_SC_PAGESIZE), room = (bytes + 15) / 16 * 16;
    size_t mapped = (room + page - 1) / page * page + 2 * page;
    void *place = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) fail("the system has no memory");
    auto *base = (unsigned char *)place;
    mprotect(base, page, PROT_NONE);
    mprotect(base + mapped - page, page, PROT_NONE);
    unsigned char *start = base + mapped - page - room;
    memset(start, 0xFF, room);
    return {start, mapped, bytes};
}

void unmap_region(const Region &region) {
    size_t page = sysconf(_SC_PAGESIZE), room = (region.bytes + 15) / 16 * 16;
    munmap(region.start - (region.mapped - page - room), region.mapped);
}

struct Argument {
    char kind;
    uint64_t value;
};

template <class P> char kind() {
    if (std::is_pointer<P>::value) return 'p';
    if (std::is_same<P, float>::value) return 'f';
    return sizeof(P) == 8 ? 'l' : 'i';
}

template <class P> P read_argument(const Argument &argument) {
    P value;
    memcpy(&value, &argument.value, sizeof(P));
    return value;
}

struct Kernel {
    std::string kinds;
    std::function<void(const Argument *)> run;
};

template <class... P, size_t... I>
Kernel make_kernel(void (*function)(P...), std::index_sequence<I...>) {
    return {{kind<P>()...}, [function](const Argument *a) { function(read_argument<P>(a[I])...); }};
}

template <class... P> Kernel kernel(void (*function)(P...)) {
    return make_kernel(function, std::make_index_sequence<sizeof...(P)>());
}

#define KERNEL(name) {#name, kernel(name)},
std::map<std::string, Kernel> kernels = {
#include "table.inc"
};

// The threads of a block: fibers that yield at barriers.
struct Fiber {
    ucontext_t context;
    jmp_buf jump;
    std::vector<unsigned char> stack;
    bool started, done;
};

std::vector<Fiber> fibers;
jmp_buf scheduler;
unsigned current;
const Kernel *running;
const Argument *arguments;
std::string running_name;

void enter() {
    running->run(arguments);
    fibers[current].done = true;
    _longjmp(scheduler, 1);
}

void prepare(unsigned threads) {
    if (fibers.size() < threads) fibers.resize(threads);
    for (unsigned i = 0; i < threads; i++) {
        Fiber &fiber = fibers[i];
        fiber.started = fiber.done = false;
        if (fiber.stack.empty()) fiber.stack.resize(1 << 16);
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.data();
        fiber.context.uc_stack.ss_size = fiber.stack.size();
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, enter, 0);
    }
}

// Takes a fiber to its next barrier or its end.
__attribute__((noinline)) void resume(unsigned index) {
    current = index;
    threadIdx = {index, 0, 0};
    if (_setjmp(scheduler) != 0) return;
    Fiber &fiber = fibers[index];
    if (fiber.started) _longjmp(fiber.jump, 1);
    fiber.started = true;
    setcontext(&fiber.context);
}

void run_block(unsigned threads, bool descending) {
    prepare(threads);
    for (bool live = true; live;) {
        live = false;
        for (unsigned i = 0; i < threads; i++) {
            unsigned index = descending ? threads - 1 - i : i;
            if (fibers[index].done) continue;
            resume(index);
            live = live || !fibers[index].done;
        }
    }
}

template <class T> T take() {
    T value;
    if (fread(&value, sizeof value, 1, stdin) != 1) _exit(0);
    return value;
}

template <class T> void give(T value) {
    fwrite(&value, sizeof value, 1, stdout);
    fflush(stdout);
}

void launch(bool descending) {
    std::string name(take<uint32_t>(), ' ');
    if (fread(&name[0], 1, name.size(), stdin) != name.size()) _exit(0);
    Three grid = {take<uint32_t>(), take<uint32_t>(), take<uint32_t>()};
    unsigned threads = take<uint32_t>(), shared = take<uint32_t>();
    std::vector<Argument> list(take<uint32_t>());
    std::string kinds;
    for (Argument &argument : list) {
        argument.kind = take<char>();
        argument.value = take<uint64_t>();
        kinds += argument.kind;
    }
    auto found = kernels.find(name);
    if (found == kernels.end()) fail("no kernel is called " + name);
    if (found->second.kinds != kinds)
        fail(name + " takes arguments " + found->second.kinds + ", found " + kinds);
    if (grid.y > 65535 || grid.z > 65535 || grid.x == 0 || grid.y == 0 || grid.z == 0 || threads > 1024)
        fail("a grid that no device takes for " + name);
    running = &found->second;
    running_name = name;
    arguments = list.data();
    gridDim = grid;
    blockDim = {threads, 1, 1};
    Region region = map_region(shared);
    shared_memory = region.start;
    for (blockIdx.z = 0; blockIdx.z < grid.z; blockIdx.z++)
        for (blockIdx.y = 0; blockIdx.y < grid.y; blockIdx.y++)
            for (blockIdx.x = 0; blockIdx.x < grid.x; blockIdx.x++) {
                memset(shared_memory, 0xFF, shared);
                run_block(threads, descending);
            }
    unmap_region(region);
}

void on_fault(int) {
    fprintf(stderr, "emulated device: kernel %s, block (%u, %u, %u), thread %u touches memory that is not its own\n",
            running_name.c_str(), blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x);
    _exit(4);
}

}  // namespace

__attribute__((noinline)) static void __syncthreads() {
    if (_setjmp(fibers[current].jump) == 0) _longjmp(scheduler, 1);
}

int main(int, char **words) {
    uint64_t limit = strtoull(words[1], nullptr, 10), used = 0;
    bool descending = std::string(words[2]) == "descending";
    static unsigned char room[1 << 16];
    stack_t stack = {};
    stack.ss_sp = room;
    stack.ss_size = sizeof room;
    sigaltstack(&stack, nullptr);
    struct sigaction action = {};
    action.sa_handler = on_fault;
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGSEGV, &action, nullptr);
    sigaction(SIGBUS, &action, nullptr);
    std::map<uint64_t, Region> regions;
    for (;;) {
        switch (take<char>()) {
        case 'A': {
            uint64_t bytes = take<uint64_t>();
            if (used + bytes > limit) {
                give<uint64_t>(0);
                break;
            }
            Region region = map_region(bytes);
            used += bytes;
            regions[(uint64_t)region.start] = region;
            give((uint64_t)region.start);
            break;
        }
        case 'F': {
            auto found = regions.find(take<uint64_t>());
            if (found == regions.end()) fail("memory freed that was not allocated");
            used -= found->second.bytes;
            unmap_region(found->second);
            regions.erase(found);
            break;
        }
        case 'W': {
            auto *to = (unsigned char *)take<uint64_t>();
            uint64_t bytes = take<uint64_t>();
            if (fread(to, 1, bytes, stdin) != bytes) _exit(0);
            break;
        }
        case 'R': {
            auto *from = (unsigned char *)take<uint64_t>();
            fwrite(from, 1, take<uint64_t>(), stdout);
            fflush(stdout);
            break;
        }
        case 'C': {
            auto *from = (unsigned char *)take<uint64_t>();
            auto *to = (unsigned char *)take<uint64_t>();
            memmove(to, from, take<uint64_t>());
            break;
        }
        case 'Z': {
            auto *to = (unsigned char *)take<uint64_t>();
            memset(to, 0, take<uint64_t>());
            break;
        }
        case 'L': launch(descending); break;
        case 'M':
            give(limit - used);
            give(limit);
            break;
        default: fail("an unknown command");
        }
    }
}
