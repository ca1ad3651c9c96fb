#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Make the age files beside this script, from the specification (c2sp.org/age) and with Python's
cryptography, so that none of our C is judged by itself. Each file has lines `key: value`, an empty
line, then an age file; the keys are those of the C2SP test vectors. The same bytes every time.

The same files, cut to what each way of the target wants, are seeds of tests/fuzz/fuzz_age.c.

usage: tests/data/age/make.py   (rewrites every file of the folder but itself, and those seeds)"""

import base64
import hashlib
import hmac
import pathlib

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

CHUNK = 64 * 1024
WORK = 3
PASSPHRASE = "cargo velvet canyon oboe thrift nine"
FILE_KEY = bytes(range(16))
SALT = bytes(range(100, 116))
START = bytes(range(200, 216))
PLAIN = b"the quick brown fox"
BEGIN, END = b"-----BEGIN AGE ENCRYPTED FILE-----", b"-----END AGE ENCRYPTED FILE-----"
X25519 = b"-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\n" + b"A" * 43 + b"\n"


def b64(data):
    return base64.b64encode(data).rstrip(b"=")


def hkdf(key, salt, info):
    prk = hmac.digest(salt or bytes(32), key, "sha256")
    return hmac.digest(prk, info + b"\x01", "sha256")


def wrapped(passphrase=PASSPHRASE, file_key=FILE_KEY, salt=SALT, work=WORK):
    key = hashlib.scrypt(passphrase.encode(), salt=b"age-encryption.org/v1/scrypt" + salt,
                         n=1 << work, r=8, p=1, maxmem=(1 << work) * 1024 + (1 << 20), dklen=32)
    return ChaCha20Poly1305(key).encrypt(bytes(12), file_key, None)


def lines_of(data):
    """A body: lines of 64 columns and a shorter one, which may be empty."""
    text = b64(data)
    return b"".join(text[i:i + 64] + b"\n" for i in range(0, len(text) + 1, 64))


def stanza(*args, body):
    return b"-> " + b" ".join(args) + b"\n" + lines_of(body)


def scrypt(work=WORK, salt=SALT, **more):
    return stanza(b"scrypt", b64(salt), str(work).encode(),
                  body=wrapped(work=work, salt=salt, **more))


def header(*stanzas, version=b"age-encryption.org/v1\n", mac=lambda mac: b" " + b64(mac) + b"\n",
           file_key=FILE_KEY):
    """`mac` makes the end of the last line of the MAC."""
    text = version + b"".join(stanzas) + b"---"
    return text + mac(hmac.digest(hkdf(file_key, b"", b"header"), text, "sha256"))


def chunk(index, is_last, plain, start=START, file_key=FILE_KEY):
    nonce = index.to_bytes(11, "big") + bytes([is_last])
    return ChaCha20Poly1305(hkdf(file_key, start, b"payload")).encrypt(nonce, plain, None)


def chunks(plain):
    """The sealed chunks of a payload."""
    cuts = range(0, max(len(plain), 1), CHUNK)
    return [chunk(i, at + CHUNK >= len(plain), plain[at:at + CHUNK]) for i, at in enumerate(cuts)]


def payload(plain=PLAIN):
    return START + b"".join(chunks(plain))


def armor(data, eol=b"\n"):
    text = base64.b64encode(data)
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return eol.join([BEGIN, *lines, END, b""])


def successes():
    yield "plain", header(scrypt()) + payload(), PLAIN
    yield "empty", header(scrypt()) + payload(b""), b""
    yield "one_byte", header(scrypt()) + payload(b"x"), b"x"
    for work in (1, 2, 9, 10, 12):
        yield f"work_{work}", header(scrypt(work)) + payload(), PLAIN
    yield "other_file_key", header(scrypt(file_key=b"\xff" * 16), file_key=b"\xff" * 16) + START + \
        chunk(0, True, PLAIN, file_key=b"\xff" * 16), PLAIN
    file = header(scrypt()) + payload()
    full = header(scrypt()) + payload(b"a" * (48 - (len(file) - len(PLAIN)) % 48))
    yield "armor", armor(file), PLAIN
    yield "armor_crlf", armor(file, b"\r\n"), PLAIN
    yield "armor_one_crlf", armor(file).replace(b"\n", b"\r\n", 2), PLAIN
    yield "armor_full_last_line", armor(full), b"a" * (48 - (len(file) - len(PLAIN)) % 48)
    for n, pads in {1: 0, 2: 2}.items():  # without more it is one
        more = armor(header(scrypt()) + payload(PLAIN + b"a" * n))
        assert more.count(b"=") == pads
        yield f"armor_{pads}_pads", more, PLAIN + b"a" * n
    yield "armor_no_eol", armor(file)[:-1], PLAIN
    yield "armor_whitespace", b"\n\r\n \t" + armor(file) + b" \t\v\f\r\n\n", PLAIN
    yield "armor_much_whitespace", b" " * 1024 + armor(file)[:-1] + b"\n" * 1024, PLAIN


def no_matches():
    bad = wrapped()[:-1] + bytes([wrapped()[-1] ^ 1])
    args = scrypt().split(b"\n")[0][3:].split(b" ")
    yield "bad_tag", header(stanza(*args, body=bad))
    yield "other_salt", header(stanza(args[0], b64(bytes(16)), args[2], body=wrapped()))
    yield "other_work", header(stanza(args[0], args[1], b"9", body=wrapped()))
    yield "upper_case", header(scrypt().replace(b"scrypt", b"Scrypt"))
    yield "x25519", header(X25519)
    yield "x25519_twice", header(X25519, X25519)
    yield "unknown_empty_body", header(stanza(b"unknown", body=b""))
    yield "unknown_one_argument_full_line", header(stanza(b"a", body=b"a" * 48))
    yield "unknown_many_lines", header(stanza(b"a", b"b", b"c", b"d", b"e", body=b"a" * 200))
    yield "unknown_every_character", header(stanza(bytes(range(33, 127)), body=b"a"))
    yield "scrypt_as_second_argument", header(stanza(b"x", b"scrypt", body=wrapped()))


def mac_failures():
    yield "flipped", header(scrypt(), mac=lambda m: b" " + b64(bytes([m[0] ^ 1]) + m[1:]) + b"\n")
    yield "last_flipped", header(scrypt(), mac=lambda m: b" " + b64(m[:-1] + b"x") + b"\n")
    yield "under_other_key", header(scrypt(), file_key=bytes(16))
    yield "zeros", header(scrypt(), mac=lambda m: b" " + b64(bytes(32)) + b"\n")


def stanza_failures():
    """Stanzas of a header that is not well-formed."""
    good, salt, body = scrypt(), b64(SALT), b64(wrapped())
    yield "two_scrypt", good + scrypt(salt=bytes(16))
    yield "scrypt_then_x25519", good + X25519
    yield "x25519_then_scrypt", X25519 + good
    yield "none", b""
    for name, args in {
        "salt_missing": b"scrypt 10", "work_missing": b"scrypt " + salt, "no_arguments": b"scrypt",
        "argument_more": b"scrypt " + salt + b" 10 10",
        "salt_short": b"scrypt " + b64(SALT[:15]) + b" 10",
        "salt_long": b"scrypt " + b64(SALT + b"x") + b" 10",
        "salt_padded": b"scrypt " + salt + b"== 10",
        "salt_not_canonical": b"scrypt " + salt[:-1] + bytes([salt[-1] + 1]) + b" 10",
        "salt_url_safe": b"scrypt " + b64(b"\xff" * 16).replace(b"/", b"_") + b" 10",
        "work_zero": b"scrypt " + salt + b" 0", "work_leading_zero": b"scrypt " + salt + b" 010",
        "work_plus": b"scrypt " + salt + b" +10", "work_minus": b"scrypt " + salt + b" -10",
        "work_hex": b"scrypt " + salt + b" 0xa", "work_hex_digit": b"scrypt " + salt + b" a",
        "work_garbage_behind": b"scrypt " + salt + b" 10x",
        "work_point": b"scrypt " + salt + b" 10.0", "work_exponent": b"scrypt " + salt + b" 1e1",
        "work_wraps_32_bits": b"scrypt " + salt + b" 4294967306",
        "work_wraps_64_bits": b"scrypt " + salt + b" 18446744073709551626",
        "work_high": b"scrypt " + salt + b" 63", "work_above_limit": b"scrypt " + salt + b" 20",
        "two_blanks": b"scrypt  " + salt + b" 10", "blank_in_front": b" scrypt " + salt + b" 10",
        "blank_behind": b"scrypt " + salt + b" 10 ", "tab": b"scrypt " + salt + b"\t10",
        "carriage_return": b"scrypt " + salt + b" 10\r", "nul": b"scrypt " + salt + b" 10\0",
        "not_ascii": b"scrypt " + salt + b" 1\xc2\xb90", "delete": b"a \x7f",
    }.items():
        yield name, b"-> " + args + b"\n" + body + b"\n"
    yield "no_blank", good.replace(b"-> ", b"->", 1)
    yield "no_name", b"->\n" + body + b"\n"
    yield "other_mark", good.replace(b"-> ", b"=> ", 1)
    line = b"-> scrypt " + salt + b" 10\n"
    yield "body_missing", line
    yield "body_empty", line + b"\n"
    yield "body_short", line + b64(wrapped()[:31]) + b"\n"
    yield "body_long", line + b64(wrapped() + b"x") + b"\n"
    yield "body_two_lines", line + lines_of(wrapped() + wrapped())
    yield "body_full_line_alone", b"-> a\n" + b"A" * 64 + b"\n"
    yield "body_long_line", b"-> a\n" + b"A" * 68 + b"\n"
    yield "body_line_after_short_one", line + body + b"\n" + body + b"\n"
    yield "body_empty_line_behind", line + body + b"\n\n"
    yield "body_empty_line_in_front", line + b"\n" + body + b"\n"
    yield "body_padded", line + body + b"=\n"
    yield "body_not_canonical", line + body[:-1] + bytes([body[-1] + 1]) + b"\n"
    yield "body_one_digit_over", line + body + b"AA\n"
    yield "body_carriage_return", line + body + b"\r\n"
    yield "body_blank", line + body + b" \n"
    yield "body_url_safe", b"-> a\n____\n"


def header_failures():
    for name, text in stanza_failures():
        yield f"stanza_{name}", header(text) + payload()
    for name, version in {
        "v2": b"age-encryption.org/v2\n", "v10": b"age-encryption.org/v10\n",
        "upper_case": b"AGE-encryption.org/v1\n", "crlf": b"age-encryption.org/v1\r\n",
        "blank_behind": b"age-encryption.org/v1 \n", "missing": b"",
        "line_in_front": b"\nage-encryption.org/v1\n", "twice": b"age-encryption.org/v1\n" * 2,
    }.items():
        yield f"version_{name}", header(scrypt(), version=version) + payload()
    for name, mac in {
        "short": lambda m: b" " + b64(m[:31]) + b"\n", "long": lambda m: b" " + b64(m + m) + b"\n",
        "padded": lambda m: b" " + b64(m) + b"=\n", "missing": lambda m: b"\n",
        "only_blank": lambda m: b" \n", "no_blank": lambda m: b64(m) + b"\n",
        "two_blanks": lambda m: b"  " + b64(m) + b"\n",
        "blank_behind": lambda m: b" " + b64(m) + b" \n",
        "twice": lambda m: b" " + b64(m) + b" " + b64(m) + b"\n",
        "crlf": lambda m: b" " + b64(m) + b"\r\n", "more_dashes": lambda m: b"- " + b64(m) + b"\n",
        "not_canonical": lambda m: b" " + b64(m)[:-1] + bytes([b64(m)[-1] + 1]) + b"\n",
        "url_safe": lambda m: b" " + b"_" * 42 + b"8\n",
    }.items():
        yield f"mac_{name}", header(scrypt(), mac=mac) + payload()
    whole = header(scrypt())
    yield "nothing", b""
    yield "cut_in_version", whole[:10]
    yield "cut_after_version", whole[:22]
    yield "cut_in_body", whole[:80]
    yield "cut_before_mac", whole[:whole.index(b"---")]
    yield "cut_in_mac", whole[:-10]
    yield "cut_before_last_lf", whole[:-1]
    yield "crlf", whole.replace(b"\n", b"\r\n") + payload()
    yield "plain_text", b"just a text\n"
    yield "too_long", header(*[X25519] * 200) + payload()
    yield "in_armor", armor(header(scrypt() + X25519) + payload())
    yield "armor_of_nothing", BEGIN + b"\n" + END + b"\n"


def payload_failures():
    """Payloads that are not whole; no plaintext comes out of any."""
    good = chunk(0, True, PLAIN)
    yield "none", b""
    yield "short_nonce", START[:15]
    yield "only_nonce", START
    yield "short_tag", START + good[:15]
    yield "cut", START + good[:-1]
    yield "first_byte_cut", START + good[1:]
    yield "bad_tag", START + good[:-1] + bytes([good[-1] ^ 1])
    yield "flipped", START + bytes([good[0] ^ 1]) + good[1:]
    yield "byte_behind", START + good + b"\n"
    yield "lf_in_front", b"\n" + START + good
    yield "not_marked_last", START + chunk(0, False, PLAIN)
    yield "empty_not_marked_last", START + chunk(0, False, b"")
    yield "second_chunk", START + chunk(1, True, PLAIN)
    yield "little_endian", START + chunk(1 << 80, True, PLAIN)
    yield "short_then_last", START + chunk(0, False, PLAIN) + chunk(1, True, PLAIN)
    yield "last_then_last", START + good + chunk(1, True, PLAIN)
    yield "other_nonce", bytes(16) + good
    yield "other_key", START + chunk(0, True, PLAIN, file_key=bytes(16))


def armor_failures():
    good = armor(header(scrypt()) + payload(PLAIN + b"ab"))  # ends in two characters of padding
    lines = good.split(b"\n")[:-1]
    text = b"\n".join
    yield "lower_case", good.replace(BEGIN, BEGIN.lower())
    yield "lower_case_end", good.replace(END, END.lower())
    yield "other_type", good.replace(b"AGE ENCRYPTED FILE", b"PGP MESSAGE")
    yield "other_type_end", good.replace(END, END.replace(b"AGE", b"OLD"))
    yield "blank_in_mark", good.replace(BEGIN, b"----- BEGIN AGE ENCRYPTED FILE -----")
    yield "four_dashes_behind", good.replace(BEGIN, BEGIN[:-1])
    yield "blank_behind_mark", good.replace(BEGIN, BEGIN + b" ")
    yield "no_end", text([*lines[:-1], b""])
    yield "no_eol_and_no_end", text(lines[:-1])
    yield "cut_in_end", good[:-2]
    yield "only_mark", BEGIN
    yield "header_line", text([lines[0], b"Version: 1", *lines[1:], b""])
    yield "header_lines", text([lines[0], b"Version: 1", b"", *lines[1:], b""])
    yield "empty_line_first", text([lines[0], b"", *lines[1:], b""])
    yield "empty_line_between", text([*lines[:2], b"", *lines[2:], b""])
    yield "empty_line_last", text([*lines[:-1], b"", lines[-1], b""])
    yield "short_line_between", text([lines[0], lines[1][:60], *lines[2:], b""])
    yield "short_lines", text([BEGIN, *[lines[1][i:i + 4] for i in range(0, 64, 4)], END, b""])
    yield "long_line", text([lines[0], lines[1] + lines[2][:4], lines[2][4:], *lines[3:], b""])
    yield "one_line", text([BEGIN, b"".join(lines[1:-1]), END, b""])
    yield "no_padding", text([*lines[:-2], lines[-2].rstrip(b"="), lines[-1], b""])
    yield "padding_more", text([*lines[:-2], lines[-2] + b"=", lines[-1], b""])
    yield "padding_line", text([*lines[:-1], b"====", lines[-1], b""])
    file = base64.b64decode(b"".join(lines[1:-1]))
    first, rest = base64.b64encode(file[:46]), armor(file[46:]).split(b"\n")[1:]
    assert len(first) == 64 and first.endswith(b"==")
    yield "padding_between", text([BEGIN, first, *rest])
    yield "padding_between_not_canonical", text([BEGIN, lines[1][:62] + b"==", *lines[2:], b""])
    yield "checksum", text([*lines[:-1], b"=twTO", lines[-1], b""])
    last = lines[-2].rstrip(b"=")
    assert lines[-2] == last + b"==" and last[-1:] in b"AQgw"
    yield "not_canonical", text([*lines[:-2], last[:-1] + bytes([last[-1] + 1]) + b"==", lines[-1],
                                 b""])
    yield "bad_character", text([lines[0], b"*" + lines[1][1:], *lines[2:], b""])
    yield "bad_last_character", text([*lines[:-2], b"*" + lines[-2][1:], lines[-1], b""])
    yield "url_safe", text([lines[0], b"-" + lines[1][1:], *lines[2:], b""])
    yield "blank_behind_line", text([*lines[:2], lines[2] + b" ", *lines[3:], b""])
    yield "blank_before_line", text([*lines[:2], b" " + lines[2], *lines[3:], b""])
    yield "blank_behind_last_line", text([*lines[:-2], lines[-2] + b" ", lines[-1], b""])
    yield "carriage_return_twice", good.replace(b"\n", b"\r\r\n")
    yield "carriage_return_alone", good.replace(b"\n", b"\r")
    yield "garbage_in_front", b"x" + good
    yield "garbage_behind", good + b"x"
    yield "again_behind", good + good
    yield "too_much_whitespace_in_front", b"\n" * 1025 + good
    yield "too_much_whitespace_behind", good + b"\n" * 1024


def all_vectors():
    """Name, lines of keys, age file."""
    for name, file, plain in successes():
        yield f"ok_{name}", {"expect": "success",
                             "payload": hashlib.sha256(plain).hexdigest()}, file
    for passphrase in ("ä ö ü €", " ", "x" * 300, "tab\tand quote'\""):
        file = header(scrypt(passphrase=passphrase)) + payload()
        yield f"ok_passphrase_{len(passphrase)}", {
            "expect": "success", "payload": hashlib.sha256(PLAIN).hexdigest(),
            "passphrase": passphrase}, file
    for passphrase in ("", PASSPHRASE[:-1], PASSPHRASE + " ", PASSPHRASE.upper()):
        yield f"no_match_passphrase_{hashlib.sha256(passphrase.encode()).hexdigest()[:4]}", {
            "expect": "no match", "passphrase": passphrase}, header(scrypt()) + payload()
    for name, file in no_matches():
        yield f"no_match_{name}", {"expect": "no match"}, file + payload()
    for name, file in mac_failures():
        yield f"hmac_{name}", {"expect": "HMAC failure"}, file + payload()
    for name, file in header_failures():
        yield f"header_{name}", {"expect": "header failure"}, file
    for name, file in payload_failures():
        yield f"payload_{name}", {"expect": "payload failure",
                                  "payload": hashlib.sha256(b"").hexdigest()}, \
            header(scrypt()) + file
    for name, file in armor_failures():
        yield f"armor_{name}", {"expect": "armor failure"}, file


def vector_files():
    """Name and bytes of each file of this folder."""
    for name, keys, file in all_vectors():
        keys = {**keys, "passphrase": keys.get("passphrase", PASSPHRASE)}
        yield name, "".join(f"{k}: {v}\n" for k, v in keys.items()).encode() + b"\n" + file


def seeds():
    """Name and bytes: the first byte is the way of the fuzz target, of which there are five."""
    for name, _, file in all_vectors():
        if name.startswith(("ok_", "armor_", "no_match_", "hmac_")):
            yield f"file-{name}", b"\0" + file
        elif name.startswith("header_") and not name.startswith("header_too_long"):
            yield f"header-{name[7:]}", b"\1" + file[:200]
        elif name.startswith("payload_"):
            yield f"payload-{name[8:]}", b"\2" + file[len(header(scrypt())):]
    yield "armor-text", b"\3" + PLAIN * 10
    yield "armor-line", b"\3" + bytes(48)
    for name, damage in {"cut": b"\0\x20\0", "cut-in-payload": b"\0\xb0\0", "mac": b"\0\x80\1",
                         "start": b"\0\xa0\1", "tag": b"\0\xb7\x80"}.items():
        yield f"damage-{name}", b"\4" + damage + PLAIN
    yield "damage-chunks", b"\4\xff\xff\1" + bytes(2 * CHUNK + 1)


def fuzz_seeds(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds():
        (folder / name).write_bytes(data)


def main():
    folder = pathlib.Path(__file__).resolve().parent
    for old in folder.iterdir():
        if old.suffix != ".py" and old.is_file():
            old.unlink()
    for name, data in vector_files():
        with open(folder / name, "xb") as out:
            out.write(data)
    fuzz_seeds(folder.parents[1] / "fuzz/corpus/age")


if __name__ == "__main__":
    main()
