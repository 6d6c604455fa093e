"""tracepoint: records of the kernel's tracepoints, by the formats that stand in the recording.

Slow and obvious, for the two readers beside it (tracedat_reader.py, oracle_perf.py). The source is the kernel's
Documentation/trace/events.rst and what /sys/kernel/tracing/events/*/*/format shows.

Values are those that `vmscope events --format json` prints: numbers, text up to its first NUL for arrays of char, lists of
numbers for other arrays, and lists of bytes for what has no size that a number can have.
"""
import codecs
import re

FIELD = re.compile(r"field:(?P<declaration>.*?);\s*offset:(?P<offset>\d+);\s*size:(?P<size>\d+);(?:\s*signed:(?P<signed>[01]);)?")
DECLARATION = re.compile(
    r"(?P<place>__data_loc|__rel_loc)?\s*(?P<type>.*?)\s*\b(?P<name>\w+)\s*(?P<dimensions>(\[[^\]]*\])*)$", re.S)
SIZES = {
    "char": 1, "u8": 1, "s8": 1, "__u8": 1, "__s8": 1, "bool": 1, "_Bool": 1, "uint8_t": 1, "int8_t": 1,
    "signed char": 1, "unsigned char": 1,
    "short": 2, "unsigned short": 2, "u16": 2, "s16": 2, "__u16": 2, "__s16": 2, "__le16": 2, "__be16": 2,
    "uint16_t": 2, "int16_t": 2,
    "int": 4, "unsigned": 4, "unsigned int": 4, "u32": 4, "s32": 4, "__u32": 4, "__s32": 4, "__le32": 4,
    "__be32": 4, "uint32_t": 4, "int32_t": 4,
    "long long": 8, "unsigned long long": 8, "u64": 8, "s64": 8, "__u64": 8, "__s64": 8, "uint64_t": 8,
    "int64_t": 8,
}
LONGS = {"long", "unsigned long", "size_t", "cpumask_t"}


def one_mark_per_byte(error):
    return "\ufffd" * (error.end - error.start), error.end


codecs.register_error("marks", one_mark_per_byte)


def text(raw):
    """As JSON has to write bytes that need not be UTF-8."""
    return raw.decode("utf-8", "marks")


def until_nul(raw):
    return text(raw.split(b"\0", 1)[0])


class Field:
    def __init__(self, match, long_size):
        said = DECLARATION.match(match["declaration"].strip())
        self.name = said["name"]
        self.place = said["place"]
        self.offset = int(match["offset"])
        self.size = int(match["size"])
        self.element, _, brackets = said["type"].partition("[")
        self.element = re.sub(r"\bconst\b", "", self.element).strip()
        # Of size 0 is what takes the rest of the record, with brackets or, as older kernels write it, without.
        self.is_array = bool(self.place or brackets or said["dimensions"] or not self.size)
        self.is_signed = match["signed"] == "1"
        self.is_text = self.is_array and self.element == "char"
        self.element_size = self.size_of_element(said["dimensions"], long_size)

    def size_of_element(self, dimensions, long_size):
        """0: unknown."""
        if not self.is_array:
            return self.size
        if "*" in self.element or self.element in LONGS:
            return long_size
        if self.element in SIZES:
            return SIZES[self.element]
        count = 1
        for number in re.findall(r"\[([^\]]*)\]", dimensions):
            count *= int(number) if number.isdigit() else 0
        return self.size // count if count else 0

    def bytes_in(self, record, order):
        """Return: the bytes of the field's value."""
        if not self.place:
            return record[self.offset:self.offset + self.size] if self.size else record[self.offset:]
        where = int.from_bytes(record[self.offset:self.offset + 4], order)
        at = where & 0xffff
        if self.place == "__rel_loc":
            at += self.offset + self.size
        return record[at:at + (where >> 16)]

    def value_in(self, record, order):
        raw = self.bytes_in(record, order)
        if self.is_text:
            return until_nul(raw)
        size = self.element_size
        if not self.is_array:
            return int.from_bytes(raw, order, signed=self.is_signed) if size in (1, 2, 4, 8) else list(raw)
        if size not in (1, 2, 4, 8):
            return list(raw)
        return [int.from_bytes(raw[i:i + size], order, signed=self.is_signed)
                for i in range(0, len(raw) - size + 1, size)]


class Format:
    def __init__(self, system, text_of_it, long_size):
        head = text_of_it.split("print fmt:")[0]
        self.system = system
        self.name = re.search(r"^\s*name:\s*(.*?)\s*$", head, re.M)[1]
        self.id = int(re.search(r"^\s*ID:\s*(\d+)", head, re.M)[1])
        self.fields = [Field(m, long_size) for m in FIELD.finditer(head)]
        own = [f.name.startswith("common_") for f in self.fields] + [False]
        self.n_common = own.index(False)

    def decode(self, record, order):
        """Return: the common fields but common_type, and the event's own."""
        values = [(f.name, f.value_in(record, order)) for f in self.fields]
        common = dict(values[:self.n_common])
        common.pop("common_type", None)
        return common, dict(values[self.n_common:])


class Formats:
    """All event formats of a recording."""

    def __init__(self, order, long_size):
        self.order = order
        self.long_size = long_size
        self.by_id = {}

    def add(self, system, raw):
        form = Format(system, raw.decode("utf-8", "replace"), self.long_size)
        self.by_id.setdefault(form.id, form)

    def decode(self, record):
        """Return: a line's keys for the record, as far as the record tells them."""
        form = self.by_id.get(int.from_bytes(record[:2], self.order))
        if not form:
            return {"system": None, "name": None, "context": {}, "fields": {}}
        context, fields = form.decode(record, self.order)
        return {"system": form.system, "name": form.name, "context": context, "fields": fields}
