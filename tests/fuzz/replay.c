/* SPDX-License-Identifier: MIT
 *
 * The main of a fuzz harness without libFuzzer: runs it over the files named on the command line, each in a buffer of
 * just its size. A harness that finds something aborts, so whoever gets to the end has passed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* libFuzzer's, for a harness with a mutator: nothing is mutated here. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
{
    (void)data, (void)max;
    return size;
}

static int replay(const char *name)
{
    FILE *file = fopen(name, "rb");
    long size = -1;
    uint8_t *data = NULL;
    int bad = 1;

    if (file != NULL && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0) {
        rewind(file);
        data = malloc((size_t)size + (size == 0));
    }
    if (data != NULL && fread(data, 1, (size_t)size, file) == (size_t)size) {
        bad = LLVMFuzzerTestOneInput(data, (size_t)size);
    } else {
        fprintf(stderr, "%s: cannot be read\n", name);
    }
    free(data);
    if (file != NULL) {
        fclose(file);
    }
    return bad;
}

int main(int argc, char **argv)
{
    int failed = 0;

    for (int i = 1; i < argc; i++) {
        printf("%s\n", argv[i]);
        fflush(stdout);
        failed += replay(argv[i]) != 0;
    }
    printf("%d passed, %d failed\n", argc - 1 - failed, failed);
    return failed != 0 || argc < 2;
}
