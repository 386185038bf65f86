/* A stand-in for libnvidia-ml.so.1 for tests, written from the public description of the API.
 *
 * Everything that it answers stands in the file that TOCSIN_FAKE_NVML names, mapped into memory, so that a test flips
 * it live from another process. All fields are unsigned 64-bit integers; conftest.py knows the same layout. Each call on
 * a device is counted by its function.
 * Compile with -DOLD_DRIVER for a driver that lacks field values, memory info v2 and events, with -DBUILD=2 for the
 * library of the next driver. Under the folder TOCSIN_FAKE_DEV it opens nvidiactl, nvidia0, ... as the real one does
 * under /dev, from nvmlInit and the look-up of a GPU until nvmlShutdown.
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
#define INSTANCES 7
#define SHARES 16
#ifndef STEP_MS
#define STEP_MS 5 /* how long a wait for events sleeps before it looks again; a driver does not look at all */
#endif
#ifndef BUILD
#define BUILD 1
#endif
enum { OK = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, DRIVER_NOT_LOADED = 9, TIMEOUT = 10,
       VERSION_MISMATCH = 25, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, LOST = 15, LIBRARY_MISMATCH = 18 };
enum { UTILIZATION = 1, MEMORY = 2, POWER = 4, LIMIT = 8, ENERGY = 16, TEMPERATURE = 32, ECC = 64, EVENTS = 128,
       ENGINES = 256, THROTTLE = 512, LISTS = 1024 };

enum { WHOLE = 1, CUT = 2 };
/* Of an instance; an identity of 0 stands for none, and GARBLED of a text that is none. */
#define GARBLED 0xBAD
enum { IDENTITY, GPU_INSTANCE, COMPUTE_INSTANCE, SLICES, GIGABYTES, USED, CODE, PART_FIELDS };

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

    uint64_t mig[1];    /* WHOLE, CUT, or 0: cannot be cut */
    uint64_t instance[INSTANCES * PART_FIELDS];
    uint64_t process_instance[PROCESSES]; /* 0: of none, else 1 + (GPU instance << 8 | compute instance) */
    uint64_t gpm[1];    /* 1: the GPU counts what its parts do; more is the code of each sample */
    uint64_t share[(1 + SHARES) * SHARES]; /* of the GPU, then of GPU instances: hundredths of a percent + 1 */
    uint64_t fabric[4]; /* state (0: none), status, clique, health */
    uint64_t margin[1]; /* degrees + 1000; 0: tells none */
};
/* Faults of single functions; the last of control.fault is for those that concern no device. */
enum { GARBLED_NAME = 1, GARBLED_UUID = 2, GARBLED_VERSION = 4 };
struct fault {
    uint64_t ret_in[FUNCTIONS], hang_in[FUNCTIONS];
    uint64_t garbled; /* texts that are none */
    uint64_t flap;    /* lost and found again every so many calls */
};
struct control {
    uint64_t loads, init_ret, init_hang, count, init_calls, shutdown_calls, free_ret, register_ret;
    struct device device[DEVICES];
    uint64_t module; /* the build of the kernel's module; 0 fits every library */
    uint64_t sets;   /* event sets that are not freed */
    struct fault fault[DEVICES + 1];
};

/* conftest.py reads this list. */
static const char *const functions[FUNCTIONS] = {
    "nvmlInitWithFlags", "nvmlShutdown", "nvmlSystemGetDriverVersion", "nvmlDeviceGetCount_v2", "nvmlEventSetCreate",
    "nvmlEventSetFree", "nvmlDeviceGetPciInfo_v3",
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
    "nvmlDeviceGetMigMode", "nvmlDeviceGetMaxMigDeviceCount", "nvmlDeviceGetMigDeviceHandleByIndex",
    "nvmlDeviceGetGpuInstanceId", "nvmlDeviceGetComputeInstanceId", "nvmlDeviceGetAttributes_v2",
    "nvmlGpmQueryDeviceSupport", "nvmlGpmSampleGet", "nvmlGpmMigSampleGet", "nvmlGpmMetricsGet",
    "nvmlDeviceGetGpuFabricInfoV", "nvmlDeviceGetMarginTemperature",
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

/* An instance's handle is its place, so that it is another's once another stands there: nvml.h warns of that. */
#define PART ((uintptr_t)1 << 48)
static volatile uint64_t *part(void *handle) {
    uintptr_t value = (uintptr_t)handle, index = value & 255, place = value >> 8 & 255;
    if (!(value & PART) || (value ^ PART) >> 16 != session || index >= control->count) return NULL;
    volatile uint64_t *own = &control->device[index].instance[PART_FIELDS * place];
    return control->device[index].mig[0] == CUT && own[IDENTITY] ? own : NULL;
}

/* What instances answer; all else is the whole GPU's. */
static int of_parts(const char *function) {
    const char *const names[] = {"UUID", "Name", "MemoryInfo", "InstanceId", "Attributes"};
    for (int i = 0; i < 5; i++)
        if (strstr(function, names[i]) && !strstr(function, "BAR1")) return 1;
    return 0;
}

/* A handle is the session and the index, so that one of an earlier session is noticed. */
static volatile struct device *find(void *handle) {
    uintptr_t value = (uintptr_t)handle;
    if (value & PART) return part(handle) ? &control->device[value & 255] : NULL;
    int there = (value & 255) < control->count && (value & 255) < DEVICES;
    return value >> 8 == session && there ? &control->device[value & 255] : NULL;
}

static int number_of(const char *function) {
    int index = 0;
    while (strcmp(functions[index], function)) index++; /* one that the list lacks ends here, loudly */
    return index;
}

static void count(volatile struct device *device, const char *function) {
    __atomic_add_fetch((uint64_t *)&device->counted[number_of(function)], 1, __ATOMIC_RELAXED);
}

/* Hang or fail in one function, as a test wants it; `place` is a device, or DEVICES. */
static int faulty(int place, const char *function) {
    volatile struct fault *fault = &control->fault[place];
    int index = number_of(function);
    hang(&fault->hang_in[index]);
    return (int)fault->ret_in[index];
}
#define outside() faulty(DEVICES, __func__)

static int files[DEVICES + 1]; /* one more than the descriptor; the last is nvidiactl */

static void hold(int place) {
    const char *folder = getenv("TOCSIN_FAKE_DEV");
    char path[512];
    if (!folder || files[place]) return;
    if (place == DEVICES) snprintf(path, sizeof path, "%s/nvidiactl", folder);
    else snprintf(path, sizeof path, "%s/nvidia%d", folder, place);
    files[place] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) + 1;
}

static void let_go(void) {
    for (int place = 0; place <= DEVICES; place++)
        if (files[place]) close(files[place] - 1), files[place] = 0;
}

/* What every call on a device has in common: count, hang, fail. */
#define enter(handle, what, device) enter_as(__func__, handle, what, device)
static int enter_as(const char *function, void *handle, uint64_t what, volatile struct device **device) {
    if (!ready()) return UNINITIALIZED;
    if (!(*device = find(handle))) return INVALID_ARGUMENT;
    count(*device, function);
    __atomic_add_fetch((uint64_t *)&(*device)->calls, 1, __ATOMIC_RELAXED);
    hang(&(*device)->hang);
    int index = (int)((uintptr_t)handle & 255), fault = faulty(index, function);
    if (!ready()) return UNINITIALIZED;
    if ((*device)->ret) return (int)(*device)->ret;
    if (fault) return fault;
    uint64_t flap = control->fault[index].flap;
    if (flap && (*device)->calls / flap % 2) return LOST;
    volatile uint64_t *own = part(handle);
    if (own && own[CODE]) return (int)own[CODE];
    if (own && !of_parts(function)) return NOT_SUPPORTED;
    if ((*device)->mig[0] == CUT && strstr(function, "Utilization")) return NOT_SUPPORTED;
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
    int fault = outside();
    if (control->init_ret || fault) return control->init_ret ? (int)control->init_ret : fault;
    if (!control->loads) return DRIVER_NOT_LOADED;
    if (control->module && control->module != BUILD) return LIBRARY_MISMATCH;
    hold(DEVICES);
    session = control->loads;
    return OK;
}

int nvmlShutdown(void) {
    if (!session) return UNINITIALIZED;
    int fault = outside();
    if (fault) return fault;
    session = 0;
    let_go();
    __atomic_add_fetch((uint64_t *)&control->shutdown_calls, 1, __ATOMIC_RELAXED);
    return OK;
}

const char *nvmlErrorString(int code) { (void)code; return "an error of the fake"; }

int nvmlSystemGetDriverVersion(char *text, unsigned size) {
    int fault = outside();
    if (!ready() || fault) return ready() ? fault : UNINITIALIZED;
    if (control->fault[DEVICES].garbled & GARBLED_VERSION) snprintf(text, size, "\xff\xfe 57");
    else snprintf(text, size, "%u.%u", 560 + 10 * BUILD, (unsigned)control->loads);
    return OK;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    int fault = outside();
    if (!ready() || fault) return ready() ? fault : UNINITIALIZED;
    *count = (unsigned)control->count;
    return OK;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    volatile struct device *device;
    *handle = (void *)(uintptr_t)(session << 8 | index);
    int code = enter(*handle, 0, &device);
    if (!code) hold((int)index);
    return code;
}

int nvmlDeviceGetUUID(void *handle, char *text, unsigned size) {
    volatile struct device *device;
    int code = enter(handle, 0, &device);
    volatile uint64_t *own = part(handle);
    if (!code && own && own[IDENTITY] == GARBLED) return snprintf(text, size, "MIG-\xc3("), OK;
    if (!code && !own && control->fault[(uintptr_t)handle & 255].garbled & GARBLED_UUID) return snprintf(text, size, "\xc3("), OK;
    if (!code) snprintf(text, size, own ? "MIG-%08x" : "GPU-%08x", (unsigned)(own ? own[IDENTITY] : device->identity));
    return code;
}

int nvmlDeviceGetName(void *handle, char *text, unsigned size) {
    volatile struct device *device;
    int code = enter(handle, 0, &device);
    volatile uint64_t *own = part(handle);
    if (code) return code;
    if (!own && control->fault[(uintptr_t)handle & 255].garbled & GARBLED_NAME) return snprintf(text, size, "\xff\x80"), OK;
    int length = snprintf(text, size, "Fake \"H100\" 80GB");
    if (own && own[GIGABYTES] == GARBLED) snprintf(text, size, "\xff\x80");
    else if (own)
        snprintf(text + length, size - length, " MIG %ug.%ugb", (unsigned)own[SLICES], (unsigned)own[GIGABYTES]);
    return OK;
}

struct pci { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; };

/* A card's place goes with the card: 0000:a0:00 and so on. */
int nvmlDeviceGetPciInfo_v3(void *handle, struct pci *pci) {
    volatile struct device *device;
    int code = enter(handle, 0, &device);
    if (!code) pci->domain = 0, pci->bus = (unsigned)device->identity & 255, pci->device = 0;
    return code;
}

struct rates { unsigned gpu, memory; };
struct memory { unsigned long long total, free, used; };

static uint64_t total_of(void *handle, volatile struct device *device) {
    volatile uint64_t *own = part(handle);
    return own ? own[GIGABYTES] << 30 : device->memory_total;
}

static uint64_t used_of(void *handle, volatile struct device *device) {
    volatile uint64_t *own = part(handle);
    return own ? own[USED] : device->memory_used;
}

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
        memory->total = total_of(handle, device), memory->used = used_of(handle, device);
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

union value { double d; unsigned u; unsigned long ul; unsigned long long ull; long long ll; int i; };
struct sample { unsigned long long us; union value value; };

int nvmlDeviceGetSamples(void *handle, unsigned kind, unsigned long long seen, unsigned *type, unsigned *count,
                         struct sample *samples) {
    volatile struct device *device;
    int code = enter(handle, 0, &device);
    unsigned found = 0;
    if (code) return code;
    if (kind > 1 || !device->samples[kind] || (kind && device->mig[0] == CUT)) return NOT_SUPPORTED;
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
    for (unsigned i = 0; i < there; i++) {
        unsigned own = (unsigned)device->process_instance[i] - 1;
        processes[i] = (struct process){(unsigned)device->process[4 * i], device->process[4 * i + 1],
                                        own == ~0u ? own : own >> 8, own == ~0u ? own : own & 255};
    }
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
enum { FIELD_ENERGY = 83, FIELD_MARGIN = 193, FIELD_MARGIN_LAST = 196, UNSIGNED_LONG_LONG = 3, SIGNED_INT = 5 };

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
        if (id >= FIELD_MARGIN && id <= FIELD_MARGIN_LAST) fields[i].type = SIGNED_INT, fields[i].value.i = (int)(raw - 1);
    }
    return OK;
}

struct memory_v2 { unsigned version; unsigned long long total, reserved, free, used; };

int nvmlDeviceGetMemoryInfo_v2(void *handle, struct memory_v2 *memory) {
    volatile struct device *device;
    int code = enter(handle, MEMORY, &device);
    if (code) return code;
    if (memory->version != (sizeof *memory | 2u << 24)) return VERSION_MISMATCH;
    memory->total = total_of(handle, device), memory->used = used_of(handle, device);
    memory->reserved = 0, memory->free = memory->total - memory->used;
    return OK;
}

static struct { int used, device; uint64_t seen; } sets[4096];

struct event { void *device; unsigned long long type, data; unsigned gpu_instance, compute_instance; };

int nvmlEventSetCreate(void **set) {
    int fault = outside();
    if (!ready() || fault) return ready() ? fault : UNINITIALIZED;
    for (int index = 0; index < 4096; index++)
        if (!__atomic_exchange_n(&sets[index].used, 1, __ATOMIC_ACQ_REL)) {
            sets[index].device = -1;
            *set = &sets[index];
            __atomic_add_fetch((uint64_t *)&control->sets, 1, __ATOMIC_RELAXED);
            return OK;
        }
    return 999;
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
    int fault = ready() ? faulty(index, __func__) : OK;
    if (fault) return fault;
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
    int fault = outside();
    if (!ready()) return UNINITIALIZED;
    if (control->free_ret || fault) return control->free_ret ? (int)control->free_ret : fault;
    sets[((char *)set - (char *)sets) / sizeof *sets].used = 0;
    __atomic_sub_fetch((uint64_t *)&control->sets, 1, __ATOMIC_RELAXED);
    return OK;
}

int nvmlDeviceGetMigMode(void *handle, unsigned *current, unsigned *pending) {
    volatile struct device *device;
    int code = enter(handle, 0, &device);
    if (!code && !device->mig[0]) code = NOT_SUPPORTED;
    if (!code) *current = *pending = device->mig[0] == CUT;
    return code;
}

int nvmlDeviceGetMaxMigDeviceCount(void *handle, unsigned *most) {
    volatile struct device *device;
    int code = enter(handle, 0, &device);
    if (!code) *most = device->mig[0] ? INSTANCES : 0;
    return code;
}

int nvmlDeviceGetMigDeviceHandleByIndex(void *handle, unsigned place, void **found) {
    volatile struct device *device;
    int code = enter(handle, 0, &device);
    if (code) return code;
    if (place >= INSTANCES) return INVALID_ARGUMENT;
    *found = (void *)(PART | session << 16 | place << 8 | ((uintptr_t)handle & 255));
    return part(*found) ? OK : NOT_FOUND;
}

static int own_number(const char *function, void *handle, int which, unsigned *value) {
    volatile struct device *device;
    int code = enter_as(function, handle, 0, &device);
    volatile uint64_t *own = part(handle);
    if (!code && !own) code = NOT_FOUND;
    if (!code) *value = (unsigned)own[which];
    return code;
}

int nvmlDeviceGetGpuInstanceId(void *handle, unsigned *id) { return own_number(__func__, handle, GPU_INSTANCE, id); }
int nvmlDeviceGetComputeInstanceId(void *handle, unsigned *id) {
    return own_number(__func__, handle, COMPUTE_INSTANCE, id);
}

struct attributes {
    unsigned multiprocessors, copy, decoders, encoders, jpeg, optical_flow, slices, compute_slices;
    unsigned long long megabytes;
};

int nvmlDeviceGetAttributes_v2(void *handle, struct attributes *attributes) {
    unsigned slices;
    int code = own_number(__func__, handle, SLICES, &slices);
    volatile uint64_t *own = part(handle);
    if (!code && own)
        *attributes = (struct attributes){16 * slices, slices, 1, 0, 0, 0, slices, slices, own[GIGABYTES] << 10};
    return code;
}

struct support { unsigned version, supported; };
struct sample_of_parts { uint64_t made, session, device, of, at_ms, share[SHARES]; };
struct metric { unsigned id, code; double value; struct { char *name, *longer, *unit; } info; };
struct metrics { unsigned version, count; struct sample_of_parts *earlier, *later; struct metric metric[]; };
enum { NO_DATA = 21, APART_MS = 100 };

int nvmlGpmQueryDeviceSupport(void *handle, struct support *support) {
    volatile struct device *device;
    int code = enter(handle, 0, &device);
    if (code) return code;
    if (support->version != 1) return VERSION_MISMATCH;
    support->supported = device->gpm[0] > 0;
    return OK;
}

int nvmlGpmSampleAlloc(struct sample_of_parts **sample) {
    if (!ready()) return UNINITIALIZED;
    if (!(*sample = calloc(1, sizeof **sample))) return 999;
    (*sample)->made = session;
    return OK;
}

int nvmlGpmSampleFree(struct sample_of_parts *sample) {
    free(sample);
    return OK;
}

/* ``of`` is 0 for the whole GPU, else one more than a GPU instance. */
static int take(void *handle, volatile struct device *device, unsigned of, struct sample_of_parts *sample) {
    struct timespec now;
    if (!device->gpm[0]) return NOT_SUPPORTED;
    if (device->gpm[0] > 1) return (int)device->gpm[0];
    if (sample->made != session) return INVALID_ARGUMENT; /* the stricter reading: NVML says nothing of it */
    clock_gettime(CLOCK_MONOTONIC, &now);
    sample->session = session, sample->device = (uintptr_t)handle & 255, sample->of = of;
    sample->at_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    for (int i = 0; i < SHARES; i++) sample->share[i] = device->share[SHARES * of + i];
    return OK;
}

int nvmlGpmSampleGet(void *handle, struct sample_of_parts *sample) {
    volatile struct device *device;
    int code = enter(handle, 0, &device);
    return code ? code : device->mig[0] == CUT ? NOT_SUPPORTED : take(handle, device, 0, sample);
}

int nvmlGpmMigSampleGet(void *handle, unsigned instance, struct sample_of_parts *sample) {
    volatile struct device *device;
    int code = enter(handle, 0, &device);
    if (code) return code;
    for (int i = 0; device->mig[0] == CUT && i < INSTANCES; i++) {
        volatile uint64_t *own = &device->instance[PART_FIELDS * i];
        if (own[IDENTITY] && own[GPU_INSTANCE] == instance) return take(handle, device, instance + 1, sample);
    }
    return INVALID_ARGUMENT;
}

int nvmlGpmMetricsGet(struct metrics *asked) {
    struct sample_of_parts *earlier = asked->earlier, *later = asked->later;
    if (!ready()) return UNINITIALIZED;
    if (asked->version != 1) return VERSION_MISMATCH;
    if (later->session != session || earlier->session != session) return INVALID_ARGUMENT;
    if (later->device != earlier->device || later->of != earlier->of) return INVALID_ARGUMENT;
    count(&control->device[later->device], __func__);
    if (later->at_ms < earlier->at_ms + APART_MS) return NO_DATA;
    for (unsigned i = 0; i < asked->count; i++) {
        struct metric *metric = &asked->metric[i];
        uint64_t share = metric->id < SHARES ? later->share[metric->id] : 0;
        metric->code = share ? OK : NOT_SUPPORTED;
        metric->value = ((double)share - 1) / 100;
    }
    return OK;
}

struct fabric { unsigned version; unsigned char cluster[16]; unsigned status, clique, state, health; };

int nvmlDeviceGetGpuFabricInfoV(void *handle, struct fabric *fabric) {
    volatile struct device *device;
    int code = enter(handle, 0, &device);
    if (code) return code;
    if (fabric->version != (sizeof *fabric | 2u << 24)) return VERSION_MISMATCH;
    for (unsigned i = 0; i < 16; i++) fabric->cluster[i] = (unsigned char)i;
    fabric->state = (unsigned)device->fabric[0], fabric->status = (unsigned)device->fabric[1];
    fabric->clique = (unsigned)device->fabric[2], fabric->health = (unsigned)device->fabric[3];
    return OK;
}

struct margin { unsigned version; int celsius; };

int nvmlDeviceGetMarginTemperature(void *handle, struct margin *margin) {
    volatile struct device *device;
    int code = enter(handle, 0, &device);
    if (code) return code;
    if (margin->version != (sizeof *margin | 1u << 24)) return VERSION_MISMATCH;
    margin->celsius = (int)device->margin[0] - 1000;
    return device->margin[0] ? OK : NOT_SUPPORTED;
}

/* What a test compares with the binding's own classes; of a GPM query, without its metrics. */
const unsigned fake_sizes[] = {
    sizeof(struct attributes), sizeof(struct support), sizeof(struct metric), sizeof(struct metrics),
    sizeof(struct fabric), sizeof(struct margin), sizeof(struct memory_v2), sizeof(struct process),
};
#endif
