#!/usr/bin/env python3
"""Reads a store of stackup's from what docs/store-format.md says about its format, and from nothing else.

usage: read.py FOLDER KEYFILE

Prints everything that is in it as JSON: keys, ids, values and records too, bytes in hexadecimal. It takes nothing on trust: every
byte of every file must have a meaning, the index is written anew and must come out the same, each fingerprint is computed again, and
no file may be left over. It needs libsodium and Python's own library.
"""

import ctypes
import ctypes.util
import json
import os
import struct
import sys

sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
Length = ctypes.c_ulonglong

INDEX_1, SECRET_VALUE, STACK_RECORD, DATA_KEY, INDEX, LOG_ENTRY, SLOT_KEYS, KEY_RING = 1, 2, 3, 4, 5, 6, 7, 9
NOBODY = 0xFFFFFFFF
NO_ID = "0" * 32
NONCE, TAG = 24, 16


class Bad(Exception):
    """What is not as the documentation says."""


def require(holds, what):
    if not holds:
        raise Bad(what)


def read(path):
    with open(path, "rb") as file:
        return file.read()


# Integers are little-endian; ids are numbers whose hexadecimal form has the most significant digit first.

def id_bytes(identifier):
    return bytes.fromhex(identifier)[::-1]


def is_id(text):
    return len(text) == 32 and all(character in "0123456789abcdef" for character in text)


def unseal(sealed, key, kind, store, object_id, what):
    bound = b"stackup store 1\n" + bytes([kind]) + id_bytes(store) + id_bytes(object_id)
    require(len(bound) == 49, "the associated data have 49 bytes")
    require(len(sealed) >= NONCE + TAG, f"{what}: shorter than a nonce and a tag")
    plain = ctypes.create_string_buffer(max(1, len(sealed) - NONCE - TAG))
    opened = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        plain, None, None, sealed[NONCE:], Length(len(sealed) - NONCE), bound, Length(len(bound)), sealed[:NONCE], key)
    require(opened == 0, f"{what}: the seal does not hold")
    return plain.raw[:len(sealed) - NONCE - TAG]


def keyed_hash(message, key, count=16):
    digest = ctypes.create_string_buffer(count)
    sodium.crypto_generichash(digest, Length(count), message, Length(len(message)), key, Length(len(key)))
    return digest.raw


def derive(key, context):
    derived = ctypes.create_string_buffer(32)
    sodium.crypto_kdf_derive_from_key(derived, Length(32), ctypes.c_uint64(1), context, key)
    return derived.raw


class Reader:
    """What the index is made of."""

    def __init__(self, data):
        self.data = data
        self.place = 0

    def take(self, count):
        require(self.place + count <= len(self.data), "the index ends within an entry")
        self.place += count
        return self.data[self.place - count:self.place]

    def number(self, form):
        [value] = struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))
        return value

    def text(self):
        return self.take(self.number("H")).decode("utf-8")

    def identifier(self):
        return self.take(16)[::-1].hex()


def text_bytes(text):
    encoded = text.encode("utf-8")
    return struct.pack("<H", len(encoded)) + encoded


def read_secret(reader, format):
    secret = {"name": reader.text(), "id": reader.identifier(), "created": reader.number("q"), "updated": reader.number("q")}
    if format == 1:
        secret["source"] = reader.text()
    else:
        secret.update({"flags": reader.number("B"), "checked": reader.number("q"), "failed": reader.number("q"),
                       "failures": reader.number("I"), "reason": reader.text()})
    secret.update({"labels": {}, "versions": []})
    for _ in range(reader.number("H")):
        key = reader.text()
        require(key not in secret["labels"], f"label {key} stands there twice")
        secret["labels"][key] = reader.text()
    for _ in range(reader.number("I")):
        version = {"number": reader.number("I"), "created": reader.number("q")}
        if format > 1:
            version["uid"] = reader.number("I")
        version.update({"size": reader.number("I"), "fingerprint": f"{reader.number('Q'):016x}", "object": reader.identifier()})
        if format > 1:
            version["source"] = reader.text()
        secret["versions"].append(version)
    require(secret["versions"], f"secret {secret['name']} has no version")
    if format > 1:
        secret["source"] = secret["versions"][-1]["source"]
    return secret


def version_bytes(one, format):
    start, end = struct.pack("<Iq", one["number"], one["created"]), struct.pack("<IQ", one["size"], int(one["fingerprint"], 16))
    if format == 1:
        return start + end + id_bytes(one["object"])
    return start + struct.pack("<I", one["uid"]) + end + id_bytes(one["object"]) + text_bytes(one["source"])


def secret_bytes(secret, format):
    labels = b"".join(text_bytes(key) + text_bytes(value) for key, value in secret["labels"].items())
    versions = b"".join(version_bytes(one, format) for one in secret["versions"])
    if format == 1:
        more = text_bytes(secret["source"])
    else:
        more = struct.pack("<BqqI", secret["flags"], secret["checked"], secret["failed"], secret["failures"]) + text_bytes(secret["reason"])
    return (text_bytes(secret["name"]) + id_bytes(secret["id"]) + struct.pack("<qq", secret["created"], secret["updated"])
            + more + struct.pack("<H", len(secret["labels"])) + labels
            + struct.pack("<I", len(secret["versions"])) + versions)


def read_stack(reader):
    return {"name": reader.text(), "object": reader.identifier()}


def stack_bytes(stack):
    return text_bytes(stack["name"]) + id_bytes(stack["object"])


def read_log_head(reader):
    return {"file": reader.identifier(), "sequence": reader.number("Q"), "hash": reader.take(32).hex(),
            "start": reader.number("Q"), "end": reader.number("Q")}


def log_head_bytes(head):
    return (id_bytes(head["file"]) + struct.pack("<Q", head["sequence"]) + bytes.fromhex(head["hash"])
            + struct.pack("<QQ", head["start"], head["end"]))


def read_index(data, format):
    reader = Reader(data)
    generation, secret_count, stack_count = reader.number("Q"), reader.number("I"), reader.number("I")
    log = read_log_head(reader) if format > 1 else None
    ends = [reader.number("I") for _ in range(secret_count + stack_count)]
    start = reader.place
    entries = []
    for number, end in enumerate(ends):
        entries.append(read_secret(reader, format) if number < secret_count else read_stack(reader))
        require(reader.place == start + end, f"entry {number} does not end where the index says")
    require(reader.place == len(data), "the index goes on after its last entry")
    index = {"format": format, "generation": generation, "log": log, "secrets": entries[:secret_count], "stacks": entries[secret_count:]}
    for table in (index["secrets"], index["stacks"]):
        names = [entry["name"].encode() for entry in table]
        require(names == sorted(set(names)), "the entries are not in the order of their names")
    require(index_bytes(index) == data, "the index comes out otherwise when it is written again")
    return index


def index_bytes(index):
    entries = [secret_bytes(one, index["format"]) for one in index["secrets"]] + [stack_bytes(one) for one in index["stacks"]]
    ends, end = [], 0
    for entry in entries:
        end += len(entry)
        ends.append(struct.pack("<I", end))
    return (struct.pack("<QII", index["generation"], len(index["secrets"]), len(index["stacks"]))
            + (log_head_bytes(index["log"]) if index["log"] else b"") + b"".join(ends) + b"".join(entries))


def read_header(data):
    lines = data.decode("utf-8").split("\n")
    require(lines.pop() == "", "the header does not end with a newline")
    require(lines[0] in ("stackup-store 1", "stackup-store 2"), f"not a header of a format known here: {lines[0]}")
    word, store = lines[1].split(" ")
    require(word == "store" and is_id(store), "the header's second line names the store")
    if lines[0].endswith("2"):
        return 2, store, lines[2:]
    return 1, store, read_slots_1(lines[2:])


def read_slots_1(lines):
    slots = []
    for line in lines:
        fields = line.split(" ")
        require(fields[0] == "slot", f"no line of a header: {line}")
        if fields[1] == "key-file":
            require(len(fields) == 4 and is_id(fields[2]), "a key-file slot has an id and a sealed key")
            slots.append({"kind": fields[1], "key": fields[2], "sealed": fields[3]})
    require(slots, "no slot for a key file")
    return slots


def open_1(store, slots, key, key_id):
    """The data key that a header of format 1 has for a key file."""
    [slot] = [slot for slot in slots if slot["key"] == key_id]
    return unseal(bytes.fromhex(slot["sealed"]), key, DATA_KEY, store, key_id, "the header's slot")


def open_2(store, lines, key, key_id, header):
    """The data key that a header of format 2 has for a key file, the header's number, and the sender's public key."""
    word, number, check = lines[-1].split(" ")
    require(word == "check", "the header's last line is its check")
    slots = [line.split(" ") for line in lines[:-1]]
    require(all(fields[0] == "slot" and is_id(fields[2]) for fields in slots), "a line that is no slot")
    [(_, _, slot_id, public, sealed, boxed, _)] = [fields for fields in slots if fields[1] == "keyfile" and fields[6] == f"key={key_id}"]
    keys = unseal(bytes.fromhex(sealed), key, SLOT_KEYS, store, slot_id, "the header's slot")
    require(len(keys) == 64, "a slot's keys have 64 bytes")
    private, sender = keys[:32], keys[32:]
    require(public_key(private).hex() == public, "the slot's public key is another's")
    boxed = bytes.fromhex(boxed)
    inner = ctypes.create_string_buffer(len(boxed) - 24 - 16)
    require(sodium.crypto_box_open_easy(inner, boxed[24:], Length(len(boxed) - 24), boxed[:24], sender, private) == 0,
            "the data key does not come from the store")
    data_key = ctypes.create_string_buffer(len(inner) - 48)
    require(sodium.crypto_box_seal_open(data_key, inner, Length(len(inner)), bytes.fromhex(public), private) == 0,
            "the data key is sealed for another slot")
    before = header[:header.rindex(b" ") + 1]
    require(keyed_hash(before, derive(data_key.raw, b"stackhdr"), 32).hex() == check, "the header's check is wrong")
    return data_key.raw, int(number), sender


def public_key(private):
    public = ctypes.create_string_buffer(32)
    sodium.crypto_scalarmult_base(public, private)
    return public.raw


def read_log(data, data_key, store):
    entries, place, previous = [], 0, bytes(32)
    while place < len(data):
        [count] = struct.unpack_from("<I", data, place)
        sequence = len(entries) + 1
        plain = unseal(data[place + 4:place + 4 + count], data_key, LOG_ENTRY, store, f"{sequence:032x}", f"entry {sequence} of the log")
        reader = Reader(plain)
        require(reader.take(32) == previous, f"entry {sequence} of the log does not follow the one before")
        entry = {"generation": reader.number("Q"), "time": reader.number("q"), "uid": reader.number("I"), "login": reader.number("I"),
                 "version": reader.number("I"), "event": reader.text(), "secret": reader.text(), "stack": reader.text(),
                 "detail": reader.text()}
        require(reader.place == len(plain), f"entry {sequence} of the log goes on after its last text")
        previous = keyed_hash(plain, b"", 32)
        entries.append({**entry, "sequence": sequence, "hash": previous.hex(), "start": place, "end": place + 4 + count})
        place += 4 + count
    return entries


def check_head(data, generation, last, log, key_id):
    require(len(data) == 512, "a head has 512 bytes")
    lines = data.decode("utf-8").rstrip("\n").split("\n")
    require(lines[0] == "stackup-head 1" and lines[1] == f"generation {generation}", "another head than the store's")
    require(lines[2] == f"log {log} {last['sequence']} {last['hash']} {last['start']} {last['end']}", "the head knows another log")
    require(lines[3] == f"key {key_id}", "the head knows another data key")
    before = "\n".join(lines[:-1]) + "\n"
    require(lines[-1] == "check " + keyed_hash(before.encode(), b"", 16).hex(), "the head's check is wrong")


def read_store(folder, key_file):
    key = read(key_file)
    require(len(key) == 32, "a key has 32 bytes")
    header = read(os.path.join(folder, "header"))
    format, store, slots = read_header(header)
    key_id = keyed_hash(b"stackup key id 1", key).hex()
    content = read(os.path.join(folder, "index"))
    files = {"header", "index", "objects", "lock"}
    if format == 1:
        data_key = open_1(store, slots, key, key_id)
        index = read_index(unseal(content, data_key, INDEX_1, store, NO_ID, "the index"), 1)
    else:
        data_key, number, sender = open_2(store, slots, key, key_id, header)
        ring = unseal(content[:112], data_key, KEY_RING, store, NO_ID, "the key ring")
        require(len(ring) == 72 and public_key(ring[32:64]) == sender, "the key ring's sender is another's")
        require(struct.unpack("<Q", ring[64:]) == (number,), "the key ring knows another header")
        index = read_index(unseal(content[112:], data_key, INDEX, store, NO_ID, "the index"), 2)
        name = f"log-{index['log']['file']}"
        log = read_log(read(os.path.join(folder, name)), data_key, store)
        require(any(all(entry[part] == index["log"][part] for part in ("sequence", "hash", "start", "end")) for entry in log),
                "the log has not the entry that the index names")
        check_head(read(f"{key_file}.d/head-{store}"), index["generation"], log[-1], index["log"]["file"],
                   keyed_hash(b"stackup key id 1", data_key).hex())
        index["log"] = log
        files.add(name)
    require(len(data_key) == 32, "a data key has 32 bytes")
    fingerprint_key = derive(data_key, b"stackfpr")

    objects = os.path.join(folder, "objects")
    left = set(os.listdir(objects))

    def read_object(identifier, kind):
        require(identifier in left, f"object {identifier} is missing, or referred to twice")
        left.remove(identifier)
        return unseal(read(os.path.join(objects, identifier)), data_key, kind, store, identifier, f"object {identifier}")

    for secret in index["secrets"]:
        for version in secret["versions"]:
            value = read_object(version["object"], SECRET_VALUE)
            require(len(value) == version["size"], f"{secret['name']}: a version has another size than the index says")
            require(keyed_hash(value, fingerprint_key)[:8].hex() == version["fingerprint"], f"{secret['name']}: another fingerprint")
            version["value"] = value.hex()
    for stack in index["stacks"]:
        stack["record"] = read_object(stack["object"], STACK_RECORD).decode("utf-8")
    require(not left, f"objects that nothing refers to: {left}")
    require(set(os.listdir(folder)) == files, "a file that is not of the format")
    require(len(read(os.path.join(folder, "lock"))) in (0, 36), "the lock holds nothing, or the id of a boot")
    if format == 1:
        del index["log"]
    return {"format": format, "store": store, "keyId": key_id, "dataKey": data_key.hex(), "fingerprintKey": fingerprint_key.hex(),
            **{name: value for name, value in index.items() if name != "format"}}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    try:
        json.dump(read_store(sys.argv[1], sys.argv[2]), sys.stdout, indent=2, ensure_ascii=False)
        print()
    except (Bad, OSError, ValueError) as problem:
        sys.exit(f"read.py: {problem}")
