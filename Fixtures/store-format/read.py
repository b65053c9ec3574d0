#!/usr/bin/env python3
"""Reads a store of stackup's from what ARCHITECTURE.md says about its format, and from nothing else.

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

INDEX, SECRET_VALUE, STACK_RECORD, DATA_KEY = 1, 2, 3, 4
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


def keyed_hash(message, key):
    digest = ctypes.create_string_buffer(16)
    sodium.crypto_generichash(digest, Length(16), message, Length(len(message)), key, Length(len(key)))
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


def read_secret(reader):
    secret = {"name": reader.text(), "id": reader.identifier(), "created": reader.number("q"), "updated": reader.number("q"),
              "source": reader.text(), "labels": {}, "versions": []}
    for _ in range(reader.number("H")):
        key = reader.text()
        require(key not in secret["labels"], f"label {key} stands there twice")
        secret["labels"][key] = reader.text()
    for _ in range(reader.number("I")):
        secret["versions"].append({
            "number": reader.number("I"), "created": reader.number("q"), "size": reader.number("I"),
            "fingerprint": f"{reader.number('Q'):016x}", "object": reader.identifier()})
    require(secret["versions"], f"secret {secret['name']} has no version")
    return secret


def secret_bytes(secret):
    labels = b"".join(text_bytes(key) + text_bytes(value) for key, value in secret["labels"].items())
    versions = b"".join(
        struct.pack("<IqIQ", one["number"], one["created"], one["size"], int(one["fingerprint"], 16)) + id_bytes(one["object"])
        for one in secret["versions"])
    return (text_bytes(secret["name"]) + id_bytes(secret["id"]) + struct.pack("<qq", secret["created"], secret["updated"])
            + text_bytes(secret["source"]) + struct.pack("<H", len(secret["labels"])) + labels
            + struct.pack("<I", len(secret["versions"])) + versions)


def read_stack(reader):
    return {"name": reader.text(), "object": reader.identifier()}


def stack_bytes(stack):
    return text_bytes(stack["name"]) + id_bytes(stack["object"])


def read_index(data):
    reader = Reader(data)
    generation, secret_count, stack_count = reader.number("Q"), reader.number("I"), reader.number("I")
    ends = [reader.number("I") for _ in range(secret_count + stack_count)]
    start = reader.place
    entries = []
    for number, end in enumerate(ends):
        entries.append(read_secret(reader) if number < secret_count else read_stack(reader))
        require(reader.place == start + end, f"entry {number} does not end where the index says")
    require(reader.place == len(data), "the index goes on after its last entry")
    index = {"generation": generation, "secrets": entries[:secret_count], "stacks": entries[secret_count:]}
    for table in (index["secrets"], index["stacks"]):
        names = [entry["name"].encode() for entry in table]
        require(names == sorted(set(names)), "the entries are not in the order of their names")
    require(index_bytes(index) == data, "the index comes out otherwise when it is written again")
    return index


def index_bytes(index):
    entries = [secret_bytes(one) for one in index["secrets"]] + [stack_bytes(one) for one in index["stacks"]]
    ends, end = [], 0
    for entry in entries:
        end += len(entry)
        ends.append(struct.pack("<I", end))
    return (struct.pack("<QII", index["generation"], len(index["secrets"]), len(index["stacks"]))
            + b"".join(ends) + b"".join(entries))


def read_header(data):
    lines = data.decode("utf-8").split("\n")
    require(lines.pop() == "", "the header does not end with a newline")
    require(lines[0] == "stackup-store 1", f"not a header of format 1: {lines[0]}")
    word, store = lines[1].split(" ")
    require(word == "store" and is_id(store), "the header's second line names the store")
    slots = []
    for line in lines[2:]:
        fields = line.split(" ")
        require(fields[0] == "slot", f"no line of a header: {line}")
        if fields[1] == "key-file":
            require(len(fields) == 4 and is_id(fields[2]), "a key-file slot has an id and a sealed key")
            slots.append({"kind": fields[1], "key": fields[2], "sealed": fields[3]})
    require(slots, "no slot for a key file")
    return store, slots


def read_store(folder, key_file):
    key = read(key_file)
    require(len(key) == 32, "a key has 32 bytes")
    store, slots = read_header(read(os.path.join(folder, "header")))
    key_id = keyed_hash(b"stackup key id 1", key).hex()
    [slot] = [slot for slot in slots if slot["key"] == key_id]
    data_key = unseal(bytes.fromhex(slot["sealed"]), key, DATA_KEY, store, key_id, "the header's slot")
    require(len(data_key) == 32, "a data key has 32 bytes")
    fingerprint_key = derive(data_key, b"stackfpr")
    index = read_index(unseal(read(os.path.join(folder, "index")), data_key, INDEX, store, "0" * 32, "the index"))

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
    require(set(os.listdir(folder)) == {"header", "index", "objects", "lock"}, "a file that is not of the format")
    require(len(read(os.path.join(folder, "lock"))) in (0, 36), "the lock holds nothing, or the id of a boot")
    return {"format": 1, "store": store, "keyId": key_id, "dataKey": data_key.hex(), "fingerprintKey": fingerprint_key.hex(), **index}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    try:
        json.dump(read_store(sys.argv[1], sys.argv[2]), sys.stdout, indent=2, ensure_ascii=False)
        print()
    except (Bad, OSError, ValueError) as problem:
        sys.exit(f"read.py: {problem}")
