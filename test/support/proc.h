/*
 * What the kernel says about this process. Nothing here allocates.
 */
#ifndef TEST_SUPPORT_PROC_H
#define TEST_SUPPORT_PROC_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The number after NAME: in /proc/self/status, in base 10 or 16; -1 if absent. */
long proc_status(const char *name, int base);

/* Resident and peak resident memory, in bytes, as VmRSS and VmHWM show them; emulated
 * (TEST_EMULATOR), what is resident without files and without the emulator's own. */
size_t proc_resident(void);
size_t proc_peak(void);
/* Makes the peak start anew from what is resident now; 0 if the kernel cannot, or the peak
 * has an emulator's memory in it. */
int proc_peak_reset(void);

#ifdef __cplusplus
}
#endif

#endif
