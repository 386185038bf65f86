/* A stand-in for libnvidia-ml.so.1 for tests, written from the public description of the API.
 *
 * Everything that it answers stands in the file that TOCSIN_FAKE_NVML names, mapped into memory, so that a test flips
 * it live from another process. All fields are unsigned 64-bit integers; conftest.py knows the same layout. Each call on
 * a device is counted by its function.
 * Compile with -DOLD_DRIVER for a driver that lacks field values, memory info v2 and events.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define DEVICES 8
#define FUNCTIONS 64
#define FIELDS 320
#define PROCESSES 32
#define SAMPLES 120
#ifndef STEP_MS
#define STEP_MS 5 /* how long a wait for events sleeps before it looks again; a driver does not look at all */
#endif
enum { OK = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, DRIVER_NOT_LOADED = 9, TIMEOUT = 10,
       VERSION_MISMATCH = 25, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7 };
enum { UTILIZATION = 1, MEMORY = 2, POWER = 4, LIMIT = 8, ENERGY = 16, TEMPERATURE = 32, ECC = 64, EVENTS = 128,
       ENGINES = 256, THROTTLE = 512, LISTS = 1024 };

struct device {
    uint64_t ret, hang, unsupported, utilization, memory_total, memory_used, power_mw, limit_mw, energy_mj, temperature,
        corrected, uncorrected, xid, xid_count, calls, identity;
    uint64_t bar1_total, bar1_used, encoder, decoder, limit_default_mw, limit_lowest_mw, limit_highest_mw,
        throttle, sram_corrected, sram_uncorrected;
    uint64_t counted[FUNCTIONS];
    uint64_t field[FIELDS]; /* one more than the value; 0 where the GPU has no such field */
    uint64_t clock[4], clock_max[4], threshold[8];
    uint64_t samples[2]; /* of power and of utilisation there have been so many; 0: the driver keeps none */
    uint64_t process[4 * PROCESSES]; /* pid (0: none), bytes, percent, microseconds of the sample (0: now) */
    uint64_t ring[2 * SAMPLES * 2]; /* by kind: microseconds, value */
};
struct control {
    uint64_t loads, init_ret, init_hang, count, init_calls, shutdown_calls, free_ret, register_ret;
    struct device device[DEVICES];
};

/* conftest.py reads this list. */
static const char *const functions[FUNCTIONS] = {
    "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetUUID", "nvmlDeviceGetName", "nvmlDeviceGetUtilizationRates",
    "nvmlDeviceGetMemoryInfo", "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetPowerUsage",
    "nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetTemperature", "nvmlDeviceGetTotalEccErrors",
    "nvmlDeviceRegisterEvents", "nvmlEventSetWait_v2", "nvmlDeviceGetFieldValues", "nvmlDeviceGetClockInfo",
    "nvmlDeviceGetMaxClockInfo", "nvmlDeviceGetTemperatureThreshold", "nvmlDeviceGetBAR1MemoryInfo",
    "nvmlDeviceGetEncoderUtilization", "nvmlDeviceGetDecoderUtilization",
    "nvmlDeviceGetPowerManagementLimitConstraints", "nvmlDeviceGetPowerManagementDefaultLimit",
    "nvmlDeviceGetCurrentClocksThrottleReasons", "nvmlDeviceGetMemoryErrorCounter",
    "nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v3",
    "nvmlDeviceGetProcessUtilization", "nvmlDeviceGetSamples",
};

static volatile struct control *control;
static uint64_t session; /* the load of the driver that this process was initialised under; 0 before nvmlInit */

static void pause_ms(long ms) {
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&wait, NULL);
}

static void hang(volatile uint64_t *while_set) {
    while (*while_set) pause_ms(5);
}

static int ready(void) { return control && session && session == control->loads; }

/* A handle is the session and the index, so that one of an earlier session is noticed. */
static volatile struct device *find(void *handle) {
    uintptr_t value = (uintptr_t)handle;
    return value >> 8 == session && (value & 255) < control->count ? &control->device[value & 255] : NULL;
}

static void count(volatile struct device *device, const char *function) {
    int index = 0;
    while (strcmp(functions[index], function)) index++; /* one that the list lacks ends here, loudly */
    __atomic_add_fetch((uint64_t *)&device->counted[index], 1, __ATOMIC_RELAXED);
}

/* What every call on a device has in common: count, hang, fail. */
#define enter(handle, what, device) enter_as(__func__, handle, what, device)
static int enter_as(const char *function, void *handle, uint64_t what, volatile struct device **device) {
    if (!ready()) return UNINITIALIZED;
    if (!(*device = find(handle))) return INVALID_ARGUMENT;
    count(*device, function);
    __atomic_add_fetch((uint64_t *)&(*device)->calls, 1, __ATOMIC_RELAXED);
    hang(&(*device)->hang);
    if (!ready()) return UNINITIALIZED;
    if ((*device)->ret) return (int)(*device)->ret;
    return (*device)->unsupported & what ? NOT_SUPPORTED : OK;
}

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    if (!control) {
        int file = open(getenv("TOCSIN_FAKE_NVML"), O_RDWR);
        if (file < 0) return 999;
        void *map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        close(file);
        if (map == MAP_FAILED) return 999;
        control = map;
    }
    __atomic_add_fetch((uint64_t *)&control->init_calls, 1, __ATOMIC_RELAXED);
    hang(&control->init_hang);
    if (control->init_ret) return (int)control->init_ret;
    if (!control->loads) return DRIVER_NOT_LOADED;
    session = control->loads;
    return OK;
}

int nvmlShutdown(void) {
    if (!session) return UNINITIALIZED;
    session = 0;
    __atomic_add_fetch((uint64_t *)&control->shutdown_calls, 1, __ATOMIC_RELAXED);
    return OK;
}

const char *nvmlErrorString(int code) { (void)code; return "an error of the fake"; }

int nvmlSystemGetDriverVersion(char *text, unsigned size) {
    if (!ready()) return UNINITIALIZED;
    snprintf(text, size, "570.%u", (unsigned)control->loads);
    return OK;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    if (!ready()) return UNINITIALIZED;
    *count = (unsigned)control->count;
    return OK;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    volatile struct device *device;
    *handle = (void *)(uintptr_t)(session << 8 | index);
    return enter(*handle, 0, &device);
}

int nvmlDeviceGetUUID(void *handle, char *text, unsigned size) {
    volatile struct device *device;
    int code = enter(handle, 0, &device);
    if (!code) snprintf(text, size, "GPU-%08x", (unsigned)device->identity);
    return code;
}

int nvmlDeviceGetName(void *handle, char *text, unsigned size) {
    volatile struct device *device;
    int code = enter(handle, 0, &device);
    if (!code) snprintf(text, size, "Fake \"H100\" 80GB");
    return code;
}

struct rates { unsigned gpu, memory; };
struct memory { unsigned long long total, free, used; };

int nvmlDeviceGetUtilizationRates(void *handle, struct rates *rates) {
    volatile struct device *device;
    int code = enter(handle, UTILIZATION, &device);
    if (!code) rates->gpu = (unsigned)device->utilization, rates->memory = (unsigned)device->utilization / 2;
    return code;
}

int nvmlDeviceGetMemoryInfo(void *handle, struct memory *memory) {
    volatile struct device *device;
    int code = enter(handle, MEMORY, &device);
    if (!code) {
        memory->total = device->memory_total, memory->used = device->memory_used;
        memory->free = memory->total - memory->used;
    }
    return code;
}

#define number(handle, what, offset, value) number_as(__func__, handle, what, offset, value)
static int number_as(const char *function, void *handle, uint64_t what, size_t offset, unsigned *value) {
    volatile struct device *device;
    int code = enter_as(function, handle, what, &device);
    if (!code) *value = (unsigned)*(volatile uint64_t *)((volatile char *)device + offset);
    return code;
}

int nvmlDeviceGetPowerUsage(void *handle, unsigned *mw) {
    return number(handle, POWER, offsetof(struct device, power_mw), mw);
}

int nvmlDeviceGetEnforcedPowerLimit(void *handle, unsigned *mw) {
    return number(handle, LIMIT, offsetof(struct device, limit_mw), mw);
}

int nvmlDeviceGetTemperature(void *handle, int sensor, unsigned *celsius) {
    (void)sensor;
    return number(handle, TEMPERATURE, offsetof(struct device, temperature), celsius);
}

int nvmlDeviceGetTotalEccErrors(void *handle, int kind, int lifetime, unsigned long long *errors) {
    volatile struct device *device;
    int code = enter(handle, ECC, &device);
    if (!code) *errors = lifetime != 1 ? 0 : kind ? device->uncorrected : device->corrected;
    return code;
}

/* 0 stands for what the GPU does not have. */
static int listed(const char *function, void *handle, size_t offset, size_t index, size_t size, unsigned *value) {
    if (index >= size) return INVALID_ARGUMENT;
    int code = number_as(function, handle, 0, offset + index * sizeof(uint64_t), value);
    return code ? code : *value ? OK : NOT_SUPPORTED;
}

int nvmlDeviceGetClockInfo(void *handle, unsigned clock, unsigned *mhz) {
    return listed(__func__, handle, offsetof(struct device, clock), clock, 4, mhz);
}

int nvmlDeviceGetMaxClockInfo(void *handle, unsigned clock, unsigned *mhz) {
    return listed(__func__, handle, offsetof(struct device, clock_max), clock, 4, mhz);
}

int nvmlDeviceGetTemperatureThreshold(void *handle, unsigned threshold, unsigned *celsius) {
    return listed(__func__, handle, offsetof(struct device, threshold), threshold, 8, celsius);
}

int nvmlDeviceGetEncoderUtilization(void *handle, unsigned *percent, unsigned *period_us) {
    *period_us = 166666;
    return number(handle, ENGINES, offsetof(struct device, encoder), percent);
}

int nvmlDeviceGetDecoderUtilization(void *handle, unsigned *percent, unsigned *period_us) {
    *period_us = 166666;
    return number(handle, ENGINES, offsetof(struct device, decoder), percent);
}

int nvmlDeviceGetPowerManagementDefaultLimit(void *handle, unsigned *mw) {
    return number(handle, LIMIT, offsetof(struct device, limit_default_mw), mw);
}

int nvmlDeviceGetPowerManagementLimitConstraints(void *handle, unsigned *lowest, unsigned *highest) {
    volatile struct device *device;
    int code = enter(handle, LIMIT, &device);
    if (!code) *lowest = (unsigned)device->limit_lowest_mw, *highest = (unsigned)device->limit_highest_mw;
    return code;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(void *handle, unsigned long long *reasons) {
    volatile struct device *device;
    int code = enter(handle, THROTTLE, &device);
    if (!code) *reasons = device->throttle;
    return code;
}

int nvmlDeviceGetMemoryErrorCounter(void *handle, int kind, int lifetime, int location, unsigned long long *errors) {
    volatile struct device *device;
    int code = enter(handle, ECC, &device);
    if (code) return code;
    if (lifetime != 1 || location != 7) return NOT_SUPPORTED;
    *errors = kind ? device->sram_uncorrected : device->sram_corrected;
    return OK;
}

union value { double d; unsigned u; unsigned long ul; unsigned long long ull; long long ll; };
struct sample { unsigned long long us; union value value; };

int nvmlDeviceGetSamples(void *handle, unsigned kind, unsigned long long seen, unsigned *type, unsigned *count,
                         struct sample *samples) {
    volatile struct device *device;
    int code = enter(handle, 0, &device);
    unsigned found = 0;
    if (code) return code;
    if (kind > 1 || !device->samples[kind]) return NOT_SUPPORTED;
    *type = 1;
    if (!samples) return *count = SAMPLES, OK;
    uint64_t last = device->samples[kind], first = last > SAMPLES ? last - SAMPLES : 0;
    for (uint64_t i = first; i < last; i++) {
        volatile uint64_t *slot = &device->ring[2 * (kind * SAMPLES + i % SAMPLES)];
        if (slot[0] > seen) samples[found].us = slot[0], samples[found++].value.u = (unsigned)slot[1];
    }
    *count = found;
    return found ? OK : NOT_FOUND;
}

struct process { unsigned pid; unsigned long long bytes; unsigned gpu_instance, compute_instance; };

int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, struct process *processes) {
    volatile struct device *device;
    int code = enter(handle, LISTS, &device);
    unsigned there = 0;
    if (code) return code;
    while (there < PROCESSES && device->process[4 * there]) there++;
    unsigned room = *count;
    *count = there;
    if (room < there) return INSUFFICIENT_SIZE;
    for (unsigned i = 0; i < there; i++)
        processes[i] = (struct process){(unsigned)device->process[4 * i], device->process[4 * i + 1], ~0u, ~0u};
    return OK;
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(void *handle, unsigned *count, struct process *processes) {
    volatile struct device *device;
    (void)processes;
    *count = 0;
    return enter(handle, LISTS, &device);
}

struct used { unsigned pid; unsigned long long us; unsigned sm, memory, encoder, decoder; };

int nvmlDeviceGetProcessUtilization(void *handle, struct used *samples, unsigned *count, unsigned long long seen) {
    volatile struct device *device;
    int code = enter(handle, LISTS, &device);
    unsigned found = 0;
    if (code) return code;
    if (!samples) return *count = PROCESSES, INSUFFICIENT_SIZE;
    for (unsigned i = 0; i < PROCESSES && device->process[4 * i]; i++) {
        uint64_t us = device->process[4 * i + 3] ? device->process[4 * i + 3] : (uint64_t)time(NULL) * 1000000;
        if (us > seen || !device->process[4 * i + 3])
            samples[found++] = (struct used){(unsigned)device->process[4 * i], us,
                                             (unsigned)device->process[4 * i + 2], 0, 0, 0};
    }
    *count = found;
    return found ? OK : NOT_FOUND;
}

struct bar1 { unsigned long long total, free, used; };

int nvmlDeviceGetBAR1MemoryInfo(void *handle, struct bar1 *window) {
    volatile struct device *device;
    int code = enter(handle, ENGINES, &device);
    if (!code) {
        window->total = device->bar1_total, window->used = device->bar1_used;
        window->free = window->total - window->used;
    }
    return code;
}

#ifndef OLD_DRIVER
struct field { unsigned id, scope; long long timestamp, latency; int type, code; union value value; };
enum { FIELD_ENERGY = 83, UNSIGNED_LONG_LONG = 3 };

int nvmlDeviceGetFieldValues(void *handle, int count, struct field *fields) {
    volatile struct device *device;
    int code = enter(handle, 0, &device);
    if (code) return code;
    for (int i = 0; i < count; i++) {
        unsigned id = fields[i].id, scope = fields[i].scope;
        uint64_t raw = id == FIELD_ENERGY ? device->energy_mj + 1 : id < FIELDS ? device->field[id] : 0;
        /* Of a link's own counters only the first link has any. */
        int there = (id == FIELD_ENERGY ? !(device->unsupported & ENERGY) : raw != 0) && (!scope || scope == ~0u);
        fields[i].code = there ? OK : NOT_SUPPORTED;
        fields[i].type = UNSIGNED_LONG_LONG, fields[i].value.ull = raw - 1;
    }
    return OK;
}

struct memory_v2 { unsigned version; unsigned long long total, reserved, free, used; };

int nvmlDeviceGetMemoryInfo_v2(void *handle, struct memory_v2 *memory) {
    volatile struct device *device;
    int code = enter(handle, MEMORY, &device);
    if (code) return code;
    if (memory->version != (sizeof *memory | 2u << 24)) return VERSION_MISMATCH;
    memory->total = device->memory_total, memory->used = device->memory_used;
    memory->reserved = 0, memory->free = memory->total - memory->used;
    return OK;
}

static struct { int device; uint64_t seen; } sets[4096];
static int set_count;

struct event { void *device; unsigned long long type, data; unsigned gpu_instance, compute_instance; };

int nvmlEventSetCreate(void **set) {
    if (!ready()) return UNINITIALIZED;
    int index = __atomic_fetch_add(&set_count, 1, __ATOMIC_RELAXED);
    if (index >= 4096) return 999;
    sets[index].device = -1;
    *set = &sets[index];
    return OK;
}

int nvmlDeviceRegisterEvents(void *handle, unsigned long long types, void *set) {
    volatile struct device *device;
    int code = enter(handle, EVENTS, &device), index = (int)((uintptr_t)handle & 255);
    if (code) return code;
    if (control->register_ret) return (int)control->register_ret;
    if (!(types & 8)) return NOT_SUPPORTED;
    sets[((char *)set - (char *)sets) / sizeof *sets].seen = device->xid_count;
    sets[((char *)set - (char *)sets) / sizeof *sets].device = index;
    return OK;
}

int nvmlEventSetWait_v2(void *set, struct event *event, unsigned timeout_ms) {
    int slot = (int)(((char *)set - (char *)sets) / sizeof *sets), index = sets[slot].device;
    if (ready()) count(&control->device[index], __func__);
    for (unsigned waited = 0;; waited += STEP_MS) {
        if (!ready()) return UNINITIALIZED;
        volatile struct device *device = &control->device[index];
        if (device->ret) return (int)device->ret;
        if (device->xid_count != sets[slot].seen) {
            sets[slot].seen++;
            *event = (struct event){(void *)(uintptr_t)(session << 8 | index), 8, device->xid, 0, 0};
            return OK;
        }
        if (waited >= timeout_ms) return TIMEOUT;
        pause_ms(STEP_MS);
    }
}

int nvmlEventSetFree(void *set) {
    (void)set;
    return ready() ? (int)control->free_ret : UNINITIALIZED;
}
#endif
