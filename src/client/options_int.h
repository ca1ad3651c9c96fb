/* SPDX-License-Identifier: Apache-2.0 */
/* Private to options, help and completion: the one table of commands and options. */
#ifndef MAYFLY_CLIENT_OPTIONS_INT_H
#define MAYFLY_CLIENT_OPTIONS_INT_H

#include "client/options.h"

enum { NAME_MAX_BYTES = 255 }; /* what a file name may have */

/* What stands behind an option or command; completion offers it. */
enum value_kind { VALUE_NONE, VALUE_FILE, VALUE_DIR, VALUE_URL, VALUE_NUMBER, VALUE_TEXT };

struct option_def {
    const char *name;
    char letter; /* 0: none */
    enum value_kind value;
    const char *value_name; /* as help shows it; NULL for VALUE_NONE */
    unsigned commands;      /* bits, COMMAND_BIT */
    unsigned max;           /* of a number; the least is 1 */
    size_t offset;          /* of its field in struct options: bool, const char * or unsigned */
    const char *help;       /* a phrase, also for completion; no full stop */
};

#define COMMAND_BIT(c) (1U << (c))

enum operand_kind { OPERAND_NONE, OPERAND_FILES, OPERAND_TARGET, OPERAND_SHELL, OPERAND_COMMAND };

struct command_def {
    const char *name;
    const char *operands; /* as help shows them; "" for none */
    enum operand_kind operand;
    size_t n_min, n_max; /* operands; not counted for OPERAND_TARGET, whose words may be apart */
    const char *help;    /* a phrase, also for completion */
    const char *more;    /* sentences */
};

/* Indexed by enum command, up to COMMAND_HELP. */
enum { N_COMMANDS = COMMAND_HELP + 1 };
extern const struct command_def option_commands[N_COMMANDS];

extern const struct option_def option_table[];
extern const size_t n_options;

enum { N_SHELLS = 3 };
extern const char *const option_shells[N_SHELLS];

/* The field that means --help has no place in struct options. */
#define OPTION_HELP_OFFSET SIZE_MAX

#endif
