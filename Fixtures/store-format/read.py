#!/usr/bin/env python3
"""Reads a store of stackup's, or a backup of one, from what docs/store-format.md says about their formats, and from nothing else.

usage: read.py FOLDER|BACKUP KEYFILE [--passphrase FILE | --command]

It opens with the key file; or with the passphrase in FILE, a line; or with what the command prints that is noted beside the key
file. With these two there need not be a key file at that place.

Prints everything that is in it as JSON: keys, ids, values and records too, bytes in hexadecimal. It takes nothing on trust: every
byte of every file must have a meaning, the index is written anew and must come out the same, each fingerprint is computed again, and
no file may be left over. It needs libsodium and Python's own library.
"""

import ctypes
import ctypes.util
import hashlib
import json
import os
import struct
import subprocess
import sys

sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
Length = ctypes.c_ulonglong

INDEX_1, SECRET_VALUE, STACK_RECORD, DATA_KEY, INDEX, LOG_ENTRY, SLOT_KEYS, BACKUP, KEY_RING = 1, 2, 3, 4, 5, 6, 7, 8, 9
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


def associated(kind, store, object_id):
    bound = b"stackup store 1\n" + bytes([kind]) + id_bytes(store) + id_bytes(object_id)
    require(len(bound) == 49, "the associated data have 49 bytes")
    return bound


def unseal(sealed, key, kind, store, object_id, what):
    bound = associated(kind, store, object_id)
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
        return 2, store, *read_slots_2(lines[2:])
    return 1, store, read_slots_1(lines[2:]), None


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


def read_slots_2(lines):
    """A header's slots and its number; the check is looked at by who has the data key."""
    word, number, _ = lines[-1].split(" ")
    require(word == "check", "the header's last line is its check")
    slots = []
    for line in lines[:-1]:
        word, kind, slot_id, public, sealed, boxed, *parameters = line.split(" ")
        require(word == "slot" and is_id(slot_id), "a line that is no slot")
        slots.append({"kind": kind, "id": slot_id, "public": bytes.fromhex(public), "sealed": bytes.fromhex(sealed),
                      "boxed": bytes.fromhex(boxed), "parameters": dict(parameter.split("=") for parameter in parameters)})
    require(1 <= len(slots) <= 32, "a header has 1 to 32 slots")
    return slots, int(number)


def open_2(store, slot, unlocking_key, header):
    """The data key that a slot of a header of format 2 has, and the sender's public key."""
    keys = unseal(slot["sealed"], unlocking_key, SLOT_KEYS, store, slot["id"], "the header's slot")
    require(len(keys) == 64, "a slot's keys have 64 bytes")
    private, sender = keys[:32], keys[32:]
    require(public_key(private) == slot["public"], "the slot's public key is another's")
    nonce, box = slot["boxed"][:24], slot["boxed"][24:]
    inner = ctypes.create_string_buffer(len(box) - 16)
    require(sodium.crypto_box_open_easy(inner, box, Length(len(box)), nonce, sender, private) == 0,
            "the data key does not come from the store")
    data_key = ctypes.create_string_buffer(len(inner) - 48)
    require(sodium.crypto_box_seal_open(data_key, inner, Length(len(inner)), slot["public"], private) == 0,
            "the data key is sealed for another slot")
    # Two of them there are only while a rekey is under way.
    require(len(data_key.raw) == 32, "a data key has 32 bytes")
    before, check = header[:header.rindex(b" ") + 1], header[header.rindex(b" ") + 1:]
    require(keyed_hash(before, derive(data_key.raw, b"stackhdr"), 32).hex().encode() + b"\n" == check, "the header's check is wrong")
    return data_key.raw, sender


def unlock(slots, way, key_file):
    """The slot that a way in belongs to, and what unlocks it."""
    if way["kind"] == "passphrase":
        [slot] = [slot for slot in slots if slot["kind"] == "passphrase"]
        return slot, passphrase_key(way["passphrase"], slot["parameters"])
    if way["kind"] == "command":
        [slot] = [slot for slot in slots if slot["kind"] == "command"]
        require(slot["parameters"] == {}, "a command's slot has no parameters")
        return slot, command_key(json.loads(read(f"{key_file}.d/slot-{slot['id']}")), slot["id"])
    [slot] = [slot for slot in slots if slot["kind"] == "keyfile" and slot["parameters"] == {"key": key_id_of(way["key"])}]
    return slot, way["key"]


def passphrase_key(passphrase, parameters):
    require(set(parameters) == {"salt", "operations", "memory"}, "a passphrase's slot has another parameter")
    operations, memory = int(parameters["operations"]), int(parameters["memory"])
    require(1 <= operations <= 4 and 8 << 20 <= memory <= 1 << 30, "more work, or less, than a reader does")
    salt, argon2id13 = bytes.fromhex(parameters["salt"]), 2
    require(len(salt) == 16, "a salt has 16 bytes")
    key = ctypes.create_string_buffer(32)
    require(sodium.crypto_pwhash(key, Length(32), passphrase, Length(len(passphrase)), salt, Length(operations),
                                 ctypes.c_size_t(memory), ctypes.c_int(argon2id13)) == 0, "no memory for the passphrase")
    return key.raw


def command_key(words, slot_id):
    require(words[0].startswith("/"), "a command begins with an absolute path")
    output = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout
    output = output[:-1] if output.endswith(b"\n") else output
    return hashlib.blake2b(output, digest_size=32, salt=id_bytes(slot_id), person=b"stackup command1").digest()


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


def key_id_of(key):
    return keyed_hash(b"stackup key id 1", key).hex()


def read_folder(folder):
    """The files of a store, by their paths in it."""
    require(set(os.listdir(folder)) >= {"header", "index", "objects", "lock"}, "a file of the format is missing")
    names = [name for name in os.listdir(folder) if name != "objects"] + [f"objects/{name}" for name in os.listdir(f"{folder}/objects")]
    return {name: read(f"{folder}/{name}") for name in names}


def split_backup(data):
    """A backup's header, the stream's header and the sealed chunks."""
    magic = b"stackup-backup 1\n"
    require(len(magic) == 17 and data.startswith(magic), "not a backup")
    reader = Reader(data)
    reader.take(len(magic))
    header = reader.take(reader.number("I"))
    stream, chunks = reader.take(24), []
    while reader.place < len(data):
        chunks.append(reader.take(reader.number("I")))
        require(len(chunks[-1]) <= 65536 + 17, "a chunk is too large")
    return header, stream, chunks


def read_backup(preamble, stream, chunks, data_key, store):
    """The files that a backup has, by their paths in a store."""
    key = keyed_hash(preamble, derive(data_key, b"stackbak"), 32)
    state = ctypes.create_string_buffer(sodium.crypto_secretstream_xchacha20poly1305_statebytes())
    require(sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, stream, key) == 0, "not a stream's header")
    bound, final, plain = associated(BACKUP, store, NO_ID), 3, b""
    for number, chunk in enumerate(chunks):
        opened, tag = ctypes.create_string_buffer(max(1, len(chunk) - 17)), ctypes.c_ubyte()
        require(sodium.crypto_secretstream_xchacha20poly1305_pull(
            state, opened, None, ctypes.byref(tag), chunk, Length(len(chunk)), bound, Length(len(bound))) == 0,
            f"chunk {number}: the seal does not hold")
        require((tag.value == final) == (number == len(chunks) - 1), "the last chunk, and no other, says that it is that")
        plain += opened.raw[:len(chunk) - 17]
    reader, files = Reader(plain), {}
    while True:
        kind, identifier, size = reader.number("B"), reader.identifier(), reader.number("Q")
        if kind == 0:
            require(size == len(files) and identifier == NO_ID, "the end counts other entries")
            break
        name = {1: "index", 2: f"log-{identifier}", 3: f"objects/{identifier}"}[kind]
        require(name not in files and (kind != 1 or identifier == NO_ID), f"{name} is there twice, or has an id")
        files[name] = reader.take(size)
    require(reader.place == len(plain), "something follows the end")
    return files


def read_store(place, key_file, way):
    is_backup = os.path.isfile(place)
    if is_backup:
        content = read(place)
        header, stream, chunks = split_backup(content)
        preamble = content[:17 + 4 + len(header)]
    else:
        files = read_folder(place)
        header = files.pop("header")
        require(len(files.pop("lock")) in (0, 36), "the lock holds nothing, or the id of a boot")
    format, store, slots, number = read_header(header)
    if format == 1:
        key_id = key_id_of(way["key"])
        data_key = open_1(store, slots, way["key"], key_id)
    else:
        [key_id] = [slot["parameters"]["key"] for slot in slots if slot["kind"] == "keyfile"]
        slot, unlocking_key = unlock(slots, way, key_file)
        data_key, sender = open_2(store, slot, unlocking_key, header)
    if is_backup:
        files = read_backup(preamble, stream, chunks, data_key, store)
    content = files.pop("index")
    if format == 1:
        index = read_index(unseal(content, data_key, INDEX_1, store, NO_ID, "the index"), 1)
    else:
        ring = unseal(content[:112], data_key, KEY_RING, store, NO_ID, "the key ring")
        require(len(ring) == 72 and public_key(ring[32:64]) == sender, "the key ring's sender is another's")
        require(struct.unpack("<Q", ring[64:]) == (number,), "the key ring knows another header")
        index = read_index(unseal(content[112:], data_key, INDEX, store, NO_ID, "the index"), 2)
        log = read_log(files.pop(f"log-{index['log']['file']}"), data_key, store)
        require(any(all(entry[part] == index["log"][part] for part in ("sequence", "hash", "start", "end")) for entry in log),
                "the log has not the entry that the index names")
        if not is_backup:
            check_head(read(f"{key_file}.d/head-{store}"), index["generation"], log[-1], index["log"]["file"], key_id_of(data_key))
        index["log"] = log
    require(len(data_key) == 32, "a data key has 32 bytes")
    fingerprint_key = derive(data_key, b"stackfpr")

    def read_object(identifier, kind):
        require(f"objects/{identifier}" in files, f"object {identifier} is missing, or referred to twice")
        return unseal(files.pop(f"objects/{identifier}"), data_key, kind, store, identifier, f"object {identifier}")

    for secret in index["secrets"]:
        for version in secret["versions"]:
            value = read_object(version["object"], SECRET_VALUE)
            require(len(value) == version["size"], f"{secret['name']}: a version has another size than the index says")
            require(keyed_hash(value, fingerprint_key)[:8].hex() == version["fingerprint"], f"{secret['name']}: another fingerprint")
            version["value"] = value.hex()
    for stack in index["stacks"]:
        stack["record"] = read_object(stack["object"], STACK_RECORD).decode("utf-8")
    require(not files, f"files that nothing refers to: {set(files)}")
    if format == 1:
        del index["log"]
    return {"format": format, "store": store, "keyId": key_id, "dataKey": data_key.hex(), "fingerprintKey": fingerprint_key.hex(),
            **{name: value for name, value in index.items() if name != "format"}}


def way_in(key_file, options):
    """What the store is to be opened with."""
    if options == ["--command"]:
        return {"kind": "command"}
    if options[:1] == ["--passphrase"] and len(options) == 2:
        return {"kind": "passphrase", "passphrase": read(options[1]).removesuffix(b"\n")}
    if options:
        sys.exit(__doc__.strip())
    key = read(key_file)
    require(len(key) == 32, "a key has 32 bytes")
    return {"kind": "keyfile", "key": key}


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__.strip())
    try:
        json.dump(read_store(*sys.argv[1:3], way_in(sys.argv[2], sys.argv[3:])), sys.stdout, indent=2, ensure_ascii=False)
        print()
    except (Bad, OSError, ValueError, subprocess.CalledProcessError) as problem:
        sys.exit(f"read.py: {problem}")
