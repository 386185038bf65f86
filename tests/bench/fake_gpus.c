/* The tests' stand-in for libnvidia-ml.so.1, with what nvitop asks for besides: each failure would cost it a traceback. */
#define STEP_MS 60 /* a driver wakes who waits; looking every 5 ms would cost more than the agent does */
#include "../agent/gpu/fake_nvml.c"

int nvmlSystemGetCudaDriverVersion_v2(int *version) {
    *version = 13000;
    return OK;
}

int nvmlDeviceGetPowerManagementLimit(void *handle, unsigned *mw) {
    return nvmlDeviceGetEnforcedPowerLimit(handle, mw);
}

int nvmlDeviceGetFanSpeed(void *handle, unsigned *percent) {
    return nvmlDeviceGetTemperature(handle, 0, percent);
}

/* The real one takes 20 ms, asleep. */
int nvmlDeviceGetPcieThroughput(void *handle, int counter, unsigned *kib_a_s) {
    return nvmlDeviceGetTemperature(handle, counter, kib_a_s);
}
