// Compares every function of every kernel table that this process can run with the portable one, which is the
// definition. What must agree in every bit and what only within rounding is as in Tests/KernelsTests; this program
// exists because C runs in emulators where Swift doesn't.
//
//   main            all tables that ck_tables offers
//   main --all      all tables that are compiled in, whatever the processor says (for intrinsics made of plain C)
//   main --list     names only
//
// Exit status 1 when anything differs.

#include <stdio.h>
#include <stdlib.h>

#include "checks.h"

static const ck_table *const compiled[] = {
#if defined(__x86_64__)
    &ck_avx512bf16, &ck_avx512vnni, &ck_avx512, &ck_avxvnni, &ck_avx2,
#elif defined(__aarch64__)
    &ck_neondot, &ck_neon,
#endif
    &ck_portable,
};

int main(int count, char **arguments) {
    const char *option = count > 1 ? arguments[1] : "";
    const ck_table *tables[8];
    size_t tables_count = ck_tables(tables);
    if (strcmp(option, "--all") == 0) {
        tables_count = sizeof compiled / sizeof *compiled;
        memcpy(tables, compiled, sizeof compiled);
    }
    printf("levels:");
    for (size_t i = 0; i < tables_count; i++) printf(" %s", tables[i]->name);
    printf("\n");
    if (strcmp(option, "--list") == 0) return 0;
    for (size_t i = 0; i < tables_count; i++) {
        size_t failed = failures, checked = checks;
        check_rows(tables[i]);
        check_tiles(tables[i]);
        check_products(tables[i]);
        check_kv(tables[i]);
        check_attention(tables[i]);
        printf("%-12s %zu of %zu checks failed\n", tables[i]->name, failures - failed, checks - checked);
        fflush(stdout);
    }
    printf("%zu passed, %zu failed\n", checks - failures, failures);
    return failures > 0;
}
