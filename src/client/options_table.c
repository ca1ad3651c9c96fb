/* SPDX-License-Identifier: Apache-2.0 */
#include "client/options_int.h"

#include "base/mem.h"

#define BIT(c)   COMMAND_BIT(COMMAND_##c)
#define NET      (BIT(SEND) | BIT(GET) | BIT(PREVIEW) | BIT(STATUS) | BIT(BURN))
#define TALKS    (NET | BIT(DECRYPT))
#define ALL      (TALKS | BIT(COMPLETION) | BIT(HELP))
#define FIELD(f) offsetof(struct options, f)

const struct command_def option_commands[N_COMMANDS] = {
    [COMMAND_SEND] = {"send", "FILE...", OPERAND_FILES, 1, SIZE_MAX,
                      "upload files and print their code",
                      "A folder or several files are sent as one tar; - is standard input. The "
                      "file is encrypted here with a code of six words, which the server never "
                      "learns. The code alone goes to standard output, all else to standard "
                      "error. Any receiver with curl and age can open it too."},
    [COMMAND_GET] = {"get", "[CODE|URL]", OPERAND_TARGET, 0, 0, "download a file",
                     "The code can be typed in any spelling, or pasted as a link. Without one it "
                     "is asked for, or read from standard input, which keeps it out of the "
                     "shell's history. The file gets its name only when all of it was found to "
                     "be what was sent. A broken connection is continued without a second use."},
    [COMMAND_PREVIEW] = {"preview", "[CODE|URL]", OPERAND_TARGET, 0, 0,
                         "show what a code stands for, once",
                         "Shows name, size, type, hash, downloads and time left. It takes no "
                         "download, but it takes the preview: an upload has only one."},
    [COMMAND_STATUS] = {"status", "[CODE|URL]", OPERAND_TARGET, 0, 0,
                        "show whether an upload can still be had",
                        "Prints active, burned, expired or unknown with details. It takes nothing "
                        "and may be repeated. The exit code is 0 for active, 3 for burned and "
                        "expired, 2 for unknown."},
    [COMMAND_BURN] = {"burn", "[CODE|URL]", OPERAND_TARGET, 0, 0, "destroy an upload now",
                      "Only its sender can: the burn token was kept when it was sent from here. "
                      "Elsewhere, give it with --token-file or in MAYFLY_BURN_TOKEN."},
    [COMMAND_DECRYPT] = {"decrypt", "[FILE]", OPERAND_FILES, 0, 1,
                         "open an age file that was fetched without mayfly",
                         "Reads FILE, or standard input, and writes to standard output or to "
                         "-o FILE. The passphrase is asked for; the six words of a code can be "
                         "typed in any spelling."},
    [COMMAND_COMPLETION] = {"completion", "bash|zsh|fish", OPERAND_SHELL, 1, 1,
                            "print a completion script for a shell",
                            "make install puts them in place; to try one in bash: "
                            "source <(mayfly completion bash)"},
    [COMMAND_HELP] = {"help", "[COMMAND]", OPERAND_COMMAND, 0, 1, "show help", ""},
};

const struct option_def option_table[] = {
    {"plain", 0, VALUE_NONE, NULL, BIT(SEND), 0, FIELD(is_plain),
     "do not encrypt here: a short code, for receivers who only have curl"},
    {"expiry", 'e', VALUE_NUMBER, "MINUTES", BIT(SEND), OPTIONS_EXPIRY_MAX, FIELD(expiry_min),
     "how long it can be had (default: the server's)"},
    {"uses", 'u', VALUE_NUMBER, "N", BIT(SEND), OPTIONS_USES_MAX, FIELD(uses),
     "how often it can be downloaded (default: the server's)"},
    {"name", 'n', VALUE_TEXT, "NAME", BIT(SEND), 0, FIELD(name),
     "what receivers see as the file's name"},
    {"qr", 0, VALUE_NONE, NULL, BIT(SEND), 0, FIELD(has_qr), "draw the link as a QR code"},
    {"upload-token-file", 0, VALUE_FILE, "FILE", BIT(SEND), 0, FIELD(token_file),
     "read the token that the server asks of senders from FILE"},

    {"output", 'o', VALUE_FILE, "FILE", BIT(GET) | BIT(DECRYPT), 0, FIELD(output),
     "write to FILE; - is standard output"},
    {"directory", 'C', VALUE_DIR, "DIR", BIT(GET), 0, FIELD(dir),
     "save in DIR instead of the current folder"},
    {"extract", 'x', VALUE_NONE, NULL, BIT(GET), 0, FIELD(has_extract),
     "unpack the tar that send made of a folder or several files"},
    {"force", 'f', VALUE_NONE, NULL, BIT(GET) | BIT(DECRYPT), 0, FIELD(is_forced),
     "overwrite what is there"},

    {"watch", 'w', VALUE_NONE, NULL, BIT(STATUS), 0, FIELD(is_watching),
     "go on until the upload has ended, and print each change"},
    {"token-file", 0, VALUE_FILE, "FILE", BIT(BURN), 0, FIELD(token_file),
     "read the burn token from FILE"},
    {"max-work", 0, VALUE_NUMBER, "N", BIT(DECRYPT), 22, FIELD(max_work),
     "spend up to 2^N rounds of scrypt on the passphrase"},

    {"json", 0, VALUE_NONE, NULL, NET, 0, FIELD(is_json),
     "print one JSON object to standard output"},
    {"server", 's', VALUE_URL, "URL", NET, 0, FIELD(server),
     "the server (default: http://127.0.0.1:8000)"},
    {"cacert", 0, VALUE_FILE, "FILE", NET, 0, FIELD(ca_file),
     "check the server's certificate against those in FILE (PEM)"},
    {"proxy", 0, VALUE_URL, "URL", NET, 0, FIELD(proxy), "go through this proxy"},
    {"quiet", 'q', VALUE_NONE, NULL, TALKS, 0, FIELD(is_quiet),
     "no progress and no notes, only results and errors"},
    {"help", 'h', VALUE_NONE, NULL, ALL, 0, OPTION_HELP_OFFSET, "show this help"},
};

const size_t n_options = ARRAY_LEN(option_table);

const char *const option_shells[N_SHELLS] = {"bash", "zsh", "fish"};
