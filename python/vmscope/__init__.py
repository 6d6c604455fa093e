"""Results of vmscope: what each virtual CPU of a KVM host truly did.

    import vmscope

    file = vmscope.open("run.vms")               # what `vmscope analyze -o run.vms` wrote
    file = vmscope.analyze(["host.dat", "web1.dat"])   # or from recordings

    for vcpu in file.vcpus:
        print(vcpu.machine.name, vcpu.index, file.time_in_states("vcpu_state", vcpu.id))
    file.section("findings")                     # as `vmscope report` has it
    file.table("vcpu_state", lane=[0], state="preempted")
    file.query("SELECT name, count(*) FROM vm_exit GROUP BY name")

The last three give Rows: go through them for named tuples, or take all as .numpy() (a dict of arrays) or .pandas() (a
data frame). numpy and pandas are needed only there. Times are ns since file.time_origin, what is not known is None
(in numpy masked or NaN, in pandas missing).

It is a thin layer over libvmscope (vmscope.h); the library is found where the system has it, or by $VMSCOPE_LIBRARY.
"""
import collections
import ctypes
import keyword
import os
import struct

NULL = -(1 << 63)
_MAX = (1 << 63) - 1
_NULL, _INT, _REAL, _TEXT = range(4)
_AT_ONCE, _SOME = 1 << 16, 1 << 10

SYNC = ("auto", "vmsync", "containment", "tsc", "agent", "none")


class Error(Exception):
    """What libvmscope could not do, in one line."""


# ---- the library -----------------------------------------------------------------------------------------------------


class _Machine(ctypes.Structure):
    _fields_ = [("id", ctypes.c_int64), ("name", ctypes.c_char_p), ("role", ctypes.c_char_p),
                ("trace_path", ctypes.c_char_p), ("hostname", ctypes.c_char_p), ("clock", ctypes.c_char_p),
                ("tracer", ctypes.c_char_p), ("parent_id", ctypes.c_int64), ("pid", ctypes.c_int64),
                ("first_ns", ctypes.c_int64), ("last_ns", ctypes.c_int64), ("events", ctypes.c_int64),
                ("lost_events", ctypes.c_int64), ("is_host", ctypes.c_int), ("is_guest", ctypes.c_int),
                ("n_vcpus", ctypes.c_size_t)]


class _Vcpu(ctypes.Structure):
    _fields_ = [("id", ctypes.c_int64), ("machine_id", ctypes.c_int64), ("index", ctypes.c_int64),
                ("host_id", ctypes.c_int64), ("host_tid", ctypes.c_int64), ("entries", ctypes.c_int64),
                ("exits", ctypes.c_int64), ("comm", ctypes.c_char_p)]


class _Thread(ctypes.Structure):
    _fields_ = [("id", ctypes.c_int64), ("machine_id", ctypes.c_int64), ("tid", ctypes.c_int64),
                ("pid", ctypes.c_int64), ("ppid", ctypes.c_int64), ("container_id", ctypes.c_int64),
                ("vcpu_id", ctypes.c_int64), ("comm", ctypes.c_char_p)]


class _VmIs(ctypes.Structure):
    _fields_ = [("machine", ctypes.c_char_p), ("pid", ctypes.c_int64)]


class _ClockIs(ctypes.Structure):
    _fields_ = [("machine", ctypes.c_char_p), ("offset_ns", ctypes.c_int64), ("slope", ctypes.c_double)]


class _TscIs(ctypes.Structure):
    _fields_ = [("machine", ctypes.c_char_p), ("offset", ctypes.c_int64), ("ratio", ctypes.c_uint64),
                ("frac", ctypes.c_uint32)]


class _Analysis(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("output", ctypes.c_char_p), ("threads", ctypes.c_uint),
                ("sync", ctypes.c_int), ("tsc_frequency", ctypes.c_uint64), ("vms", ctypes.POINTER(_VmIs)),
                ("n_vms", ctypes.c_size_t), ("clocks", ctypes.POINTER(_ClockIs)), ("n_clocks", ctypes.c_size_t),
                ("tscs", ctypes.POINTER(_TscIs)), ("n_tscs", ctypes.c_size_t)]


class _Select(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("from_ns", ctypes.c_int64), ("to_ns", ctypes.c_int64),
                ("lane", ctypes.POINTER(ctypes.c_int64)), ("n_lane", ctypes.c_size_t), ("state", ctypes.c_char_p),
                ("vm", ctypes.c_char_p), ("vcpu", ctypes.c_int64)]


class _Lane(ctypes.Structure):
    _fields_ = [("keys", ctypes.c_int64 * 2), ("n_keys", ctypes.c_size_t), ("begin_ns", ctypes.c_int64),
                ("end_ns", ctypes.c_int64), ("rows", ctypes.c_uint64)]


def _prototypes():
    """{function: (what it returns, its arguments)}"""
    p, i, i64, size, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_size_t, ctypes.c_char_p
    error = ctypes.POINTER(p)
    return {
        "vms_version": (text, []), "vms_error_text": (text, [p]), "vms_error_free": (None, [p]),
        "vms_open": (p, [text, error]), "vms_close": (None, [p]),
        "vms_analyze": (p, [ctypes.POINTER(text), size, ctypes.POINTER(_Analysis), error]),
        "vms_note": (text, [p, size]), "vms_begin": (i64, [p]), "vms_end": (i64, [p]), "vms_time_origin": (text, [p]),
        "vms_n_machines": (size, [p]), "vms_machine": (ctypes.POINTER(_Machine), [p, size]),
        "vms_n_vms": (size, [p]), "vms_vm": (ctypes.POINTER(_Machine), [p, size]),
        "vms_n_vcpus": (size, [p]), "vms_vcpu": (ctypes.POINTER(_Vcpu), [p, size]),
        "vms_n_threads": (size, [p]), "vms_thread": (ctypes.POINTER(_Thread), [p, size]),
        "vms_table": (p, [p, text, ctypes.POINTER(_Select), error]),
        "vms_section": (p, [p, text, ctypes.POINTER(_Select), error]),
        "vms_query": (p, [p, text, error]),
        "vms_bind_int": (i, [p, i, i64, error]), "vms_bind_real": (i, [p, i, ctypes.c_double, error]),
        "vms_bind_text": (i, [p, i, text, error]),
        "vms_next": (i, [p, error]), "vms_rows_free": (None, [p]),
        "vms_n_columns": (i, [p]), "vms_column_name": (text, [p, i]),
        "vms_type": (i, [p, i]), "vms_int": (i64, [p, i]), "vms_real": (ctypes.c_double, [p, i]),
        "vms_text": (text, [p, i]), "vms_column_type": (i, [p, i]),
        "vms_fetch": (i64, [p, ctypes.POINTER(i), size, size, p, error]), "vms_code_text": (text, [p, i, i64]),
        "vms_n_lanes": (size, [p, text]), "vms_lane": (i, [p, text, size, ctypes.POINTER(_Lane)]),
        "vms_state_name": (text, [text, size]), "vms_table_name": (text, [size]), "vms_section_name": (text, [size]),
        "vms_time_in_states": (i, [p, text, ctypes.POINTER(i64), i64, i64, ctypes.POINTER(i64), size, error]),
    }


def _load():
    library = ctypes.CDLL(os.environ.get("VMSCOPE_LIBRARY", "libvmscope.so.0"))
    for name, (result, arguments) in _prototypes().items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


_lib = _load()

version = _lib.vms_version().decode()


def _call(function, *args):
    """Return: what it does; NULL or a negative number with an error raises that."""
    error = ctypes.c_void_p()
    result = function(*args, ctypes.byref(error))
    if error.value:
        text = _lib.vms_error_text(error).decode(errors="replace")
        _lib.vms_error_free(error)
        raise Error(text)
    return result


def _text(value):
    return None if value is None else value.decode(errors="replace")


def _bytes(value):
    return None if value is None else os.fsencode(value)


def _number(value):
    return None if value == NULL else value


def _names(function, *args):
    """The names that it counts up."""
    found = []
    while (name := function(*args, len(found))) is not None:
        found.append(name.decode())
    return found


tables = _names(_lib.vms_table_name)
sections = _names(_lib.vms_section_name)


def states(table):
    """The names of a table's states, in the order of their numbers."""
    return _names(_lib.vms_state_name, table.encode())


# ---- rows ------------------------------------------------------------------------------------------------------------


def _field_name(name, index):
    """A column's name as an attribute: count(*) is none."""
    return name if name.isidentifier() and not keyword.iskeyword(name) and name[0] != "_" else f"column_{index}"


class Rows:
    """Rows of a table, a section or a query. They can be gone through as often as is wanted; each time asks anew."""

    def __init__(self, file, begin):
        self._file, self._begin = file, begin
        rows = begin()
        try:
            n = _lib.vms_n_columns(rows)
            self.columns = [_text(_lib.vms_column_name(rows, i)) for i in range(n)]
            self._types = [_lib.vms_column_type(rows, i) for i in range(n)]
        finally:
            _lib.vms_rows_free(rows)

    @staticmethod
    def _value(rows, column):
        kind = _lib.vms_type(rows, column)
        if kind == _INT:
            return _lib.vms_int(rows, column)
        if kind == _REAL:
            return _lib.vms_real(rows, column)
        return _text(_lib.vms_text(rows, column)) if kind == _TEXT else None

    def _fields(self):
        names = [_field_name(name, i) for i, name in enumerate(self.columns)]
        return collections.namedtuple("Row", [n if names.index(n) == i else f"column_{i}" for i, n in enumerate(names)])

    @property
    def _is_table(self):
        """Only a table's columns have a type of their own."""
        return any(kind != _NULL for kind in self._types)

    def __iter__(self):
        row = self._fields()
        rows = self._begin()
        try:
            yield from map(row._make, self._table_rows(rows) if self._is_table else self._single_rows(rows))
        finally:
            _lib.vms_rows_free(rows)

    def _single_rows(self, rows):
        n = range(len(self.columns))
        while _call(_lib.vms_next, rows):
            yield [self._value(rows, i) for i in n]

    def _table_rows(self, rows):
        """Many at once, which takes a fifth of the time."""
        n = len(self.columns)
        columns, block = (ctypes.c_int * n)(*range(n)), (ctypes.c_int64 * (n * _SOME))()
        texts = [{NULL: None} for _ in range(n)]
        while count := _call(_lib.vms_fetch, rows, columns, n, _SOME, ctypes.addressof(block)):
            yield from zip(*(self._converted(rows, i, block[i * _SOME:i * _SOME + count], texts[i]) for i in range(n)))

    def _converted(self, rows, column, values, known):
        """Values as vms_fetch() gives them, as Python's; known: texts by their codes, so far."""
        if self._types[column] == _TEXT:
            for code in set(values) - set(known):
                known[code] = _text(_lib.vms_code_text(rows, column, code))
            return [known[code] for code in values]
        if self._types[column] == _REAL:
            return [None if v == NULL else struct.unpack("d", struct.pack("q", v))[0] for v in values]
        return [None if v == NULL else v for v in values]

    def _fetch(self, numpy):
        """All rows of a table, by column: an array of int64 each."""
        n = len(self.columns)
        columns = (ctypes.c_int * n)(*range(n))
        parts = []
        rows = self._begin()
        try:
            while True:
                block = numpy.empty((n, _AT_ONCE), dtype=numpy.int64)
                count = _call(_lib.vms_fetch, rows, columns, n, _AT_ONCE, block.ctypes.data)
                parts.append(block[:, :count])
                if count < _AT_ONCE:
                    break
            whole = numpy.concatenate(parts, axis=1)
            codes = {i: {code: _text(_lib.vms_code_text(rows, i, int(code))) for code in numpy.unique(whole[i])}
                     for i in range(n) if self._types[i] == _TEXT}
            return whole, codes
        finally:
            _lib.vms_rows_free(rows)

    @staticmethod
    def _array(numpy, values):
        """Values of one column as the plainest array that holds them."""
        kinds = {type(v) for v in values}
        if kinds <= {int}:
            return numpy.array(values, dtype=numpy.int64)
        if kinds == {int, type(None)}:
            missing = [v is None for v in values]
            return numpy.ma.array([v or 0 for v in values], dtype=numpy.int64, mask=missing)
        if kinds <= {int, float, type(None)} and kinds != {type(None)}:
            return numpy.array([float("nan") if v is None else v for v in values], dtype=numpy.float64)
        return numpy.array(values, dtype=object)

    def numpy(self):
        """Return: {column: array}. Where an integer is missing it is a masked array; texts are objects."""
        import numpy
        if not self._is_table:
            rows = list(self)
            return {name: self._array(numpy, [r[i] for r in rows]) for i, name in enumerate(self.columns)}
        whole, codes = self._fetch(numpy)
        found = {}
        for i, name in enumerate(self.columns):
            missing = whole[i] == NULL
            if self._types[i] == _TEXT:
                found[name] = numpy.array([codes[i][code] for code in whole[i]], dtype=object)
            elif self._types[i] == _REAL:
                found[name] = numpy.where(missing, numpy.nan, whole[i].view(numpy.float64))
            else:
                found[name] = numpy.ma.array(whole[i], mask=missing) if missing.any() else whole[i].copy()
        return found

    def pandas(self):
        """Return: a data frame. Integers stay integers: where one is missing, of pandas' Int64."""
        import numpy
        import pandas
        if not self._is_table:
            frame = pandas.DataFrame(list(self), columns=self.columns)
            for name in self.columns:
                kinds = {type(v) for v in frame[name].astype(object) if v is not None and v == v}
                if kinds == {int} or kinds == {float} and any(isinstance(r, int) for r in frame[name]):
                    frame[name] = frame[name].astype("Int64" if frame[name].isna().any() else "int64")
            return frame
        whole, codes = self._fetch(numpy)
        columns = {}
        for i, name in enumerate(self.columns):
            missing = whole[i] == NULL
            if self._types[i] == _TEXT:
                known = sorted(code for code, text in codes[i].items() if text is not None)
                place = numpy.searchsorted(known, whole[i]) if known else numpy.zeros(len(whole[i]), dtype=numpy.int64)
                place = numpy.where(numpy.isin(whole[i], known), place, -1)
                columns[name] = pandas.Categorical.from_codes(place, [codes[i][code] for code in known])
            elif self._types[i] == _REAL:
                columns[name] = numpy.where(missing, numpy.nan, whole[i].view(numpy.float64))
            elif missing.any():
                columns[name] = pandas.arrays.IntegerArray(numpy.where(missing, 0, whole[i]), missing)
            else:
                columns[name] = whole[i]
        return pandas.DataFrame(columns)

    def _repr_html_(self):
        """What a notebook shows."""
        return self.pandas()._repr_html_()


# ---- files -----------------------------------------------------------------------------------------------------------


class _Thing:
    """A machine, a vCPU or a thread: its fields as vmscope.h has them."""

    def __init__(self, file, fields):
        self._file = file
        self.__dict__.update(fields)

    def __repr__(self):
        return f"<{type(self).__name__} " + " ".join(
            f"{k}={v!r}" for k, v in self.__dict__.items() if k[0] != "_" and v is not None) + ">"


class Machine(_Thing):
    @property
    def vcpus(self):
        return [v for v in self._file.vcpus if v.machine_id == self.id]


class Vcpu(_Thing):
    @property
    def machine(self):
        return self._file.machine(self.machine_id)


class Thread(_Thing):
    @property
    def machine(self):
        return self._file.machine(self.machine_id)


def _take(structure):
    """The fields of a structure of the library's, copied."""
    found = {}
    for name, kind in structure._fields_:
        value = getattr(structure, name)
        found[name] = _text(value) if kind is ctypes.c_char_p else bool(value) if kind is ctypes.c_int else _number(value)
    return found


Lane = collections.namedtuple("Lane", "keys begin_ns end_ns rows")


class File:
    """Results, open. Close it, or use it in a with statement; any number of threads may use it at once."""

    def __init__(self, handle):
        self._handle = handle
        self.notes = _names(_lib.vms_note, handle)
        self.begin_ns, self.end_ns = _lib.vms_begin(handle), _lib.vms_end(handle)
        self.time_origin = _text(_lib.vms_time_origin(handle))
        self._lists = {}

    def _open(self):
        if self._handle is None:
            raise Error("the file is closed")
        return self._handle

    def close(self):
        handle, self._handle = self._handle, None
        _lib.vms_close(handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_handle", None) is not None:
            self.close()

    def _list(self, kind, count, get, key):
        if key not in self._lists:
            handle = self._open()
            self._lists[key] = [kind(self, _take(get(handle, i).contents)) for i in range(count(handle))]
        return self._lists[key]

    @property
    def machines(self):
        return self._list(Machine, _lib.vms_n_machines, _lib.vms_machine, "machines")

    @property
    def vms(self):
        return self._list(Machine, _lib.vms_n_vms, _lib.vms_vm, "vms")

    @property
    def vcpus(self):
        return self._list(Vcpu, _lib.vms_n_vcpus, _lib.vms_vcpu, "vcpus")

    @property
    def threads(self):
        return self._list(Thread, _lib.vms_n_threads, _lib.vms_thread, "threads")

    def machine(self, which):
        """Return: the machine of this id or name, or None."""
        return next((m for m in self.machines if which in (m.id, m.name)), None)

    def _rows(self, function, *args):
        return Rows(self, lambda: _call(function, self._open(), *args))

    @staticmethod
    def _select(begin_ns, end_ns, **more):
        lane = more.pop("lane", None)
        lane = [lane] if isinstance(lane, int) else list(lane or [])
        keys = (ctypes.c_int64 * max(len(lane), 1))(*lane)
        return _Select(size=ctypes.sizeof(_Select), from_ns=-_MAX - 1 if begin_ns is None else begin_ns,
                       to_ns=_MAX if end_ns is None else end_ns, lane=keys if lane else None, n_lane=len(lane),
                       **{"vcpu": NULL, **more})

    def table(self, name, lane=None, begin_ns=None, end_ns=None, state=None):
        """Rows of a table, of one lane ([vCPU], [thread], [machine, CPU]), what overlaps [begin_ns, end_ns), in a state."""
        select = self._select(begin_ns, end_ns, lane=lane, state=_bytes(state))
        return self._rows(_lib.vms_table, name.encode(), select)

    def section(self, name, begin_ns=None, end_ns=None, vm=None, vcpu=None):
        """A section of `vmscope report`, perhaps of one VM (its name) or vCPU (its number) alone."""
        select = self._select(begin_ns, end_ns, vm=_bytes(vm), vcpu=NULL if vcpu is None else vcpu)
        return self._rows(_lib.vms_section, name.encode(), select)

    def query(self, sql, *parameters):
        """Rows of an SQL statement; parameters are its ?1, ?2 ..."""
        def begin():
            rows = _call(_lib.vms_query, self._open(), sql.encode())
            try:
                for number, value in enumerate(parameters, 1):
                    self._bind(rows, number, value)
            except BaseException:
                _lib.vms_rows_free(rows)
                raise
            return rows
        return Rows(self, begin)

    @staticmethod
    def _bind(rows, number, value):
        if value is None or isinstance(value, int):
            _call(_lib.vms_bind_int, rows, number, NULL if value is None else value)
        elif isinstance(value, float):
            _call(_lib.vms_bind_real, rows, number, value)
        else:
            _call(_lib.vms_bind_text, rows, number, str(value).encode())

    def lanes(self, table):
        """The lanes of a table: which there are, from when to when, with how many rows."""
        found, lane = [], _Lane()
        for i in range(_lib.vms_n_lanes(self._open(), table.encode())):
            _lib.vms_lane(self._handle, table.encode(), i, ctypes.byref(lane))
            found.append(Lane(tuple(lane.keys[:lane.n_keys]), lane.begin_ns, lane.end_ns, lane.rows))
        return found

    def time_in_states(self, table, *lane, begin_ns=None, end_ns=None):
        """Return: {state: ns} of a lane, exactly, without going through its intervals."""
        names = states(table)
        keys, times = (ctypes.c_int64 * 2)(*lane), (ctypes.c_int64 * max(len(names), 1))()
        _call(_lib.vms_time_in_states, self._open(), table.encode(), keys, -_MAX - 1 if begin_ns is None else begin_ns,
              _MAX if end_ns is None else end_ns, times, len(names))
        return dict(zip(names, times))


def open(path):  # pylint: disable=redefined-builtin
    """Opens a results file."""
    return File(_call(_lib.vms_open, os.fsencode(path)))


def analyze(recordings, output=None, threads=0, sync="auto", tsc_frequency=0, vms=None, clock_offsets=None, tsc=None):
    """Analyzes recordings of one host and its guests; output: a results file to keep.

    What is known better, by the machine's name: vms = {name: pid}, clock_offsets = {name: ns or (ns, slope)},
    tsc = {name: offset or (offset, ratio, frac)}.
    """
    names = (ctypes.c_char_p * len(recordings))(*map(os.fsencode, recordings))
    if sync not in SYNC:
        raise Error(f"there is no way '{sync}' to synchronize")

    def known(kind, given, usual):
        values = [(n.encode(), *(v if isinstance(v, tuple) else (v, *usual))) for n, v in (given or {}).items()]
        return (kind * len(values))(*(kind(*v) for v in values)), len(values)
    (vm_list, n_vms), (clocks, n_clocks), (tscs, n_tscs) = (
        known(_VmIs, vms, ()), known(_ClockIs, clock_offsets, (1.0,)), known(_TscIs, tsc, (0, 0)))
    options = _Analysis(ctypes.sizeof(_Analysis), _bytes(output), threads, SYNC.index(sync), tsc_frequency,
                        vm_list, n_vms, clocks, n_clocks, tscs, n_tscs)
    return File(_call(_lib.vms_analyze, names, len(recordings), options))
