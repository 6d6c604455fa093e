"""zstd: decompression by the system's libzstd, which Python's library does not offer."""
import ctypes
import ctypes.util

PIECE = 1 << 17


class Buffer(ctypes.Structure):
    _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t)]


def load():
    library = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    library.ZSTD_createDStream.restype = ctypes.c_void_p
    library.ZSTD_freeDStream.argtypes = [ctypes.c_void_p]
    library.ZSTD_decompressStream.restype = ctypes.c_size_t
    library.ZSTD_decompressStream.argtypes = [ctypes.c_void_p, ctypes.POINTER(Buffer), ctypes.POINTER(Buffer)]
    library.ZSTD_isError.argtypes = [ctypes.c_size_t]
    library.ZSTD_getErrorName.argtypes = [ctypes.c_size_t]
    library.ZSTD_getErrorName.restype = ctypes.c_char_p
    return library


class Stream:
    """One compressed stream that comes in pieces; each gives what was flushed into it."""

    def __init__(self):
        self.library = load()
        self.stream = self.library.ZSTD_createDStream()

    def __del__(self):
        self.library.ZSTD_freeDStream(self.stream)

    def decompress(self, data):
        given = ctypes.create_string_buffer(bytes(data), len(data))
        room = ctypes.create_string_buffer(PIECE)
        source = Buffer(ctypes.addressof(given), len(data), 0)
        out = []
        while True:
            target = Buffer(ctypes.addressof(room), PIECE, 0)
            result = self.library.ZSTD_decompressStream(self.stream, ctypes.byref(target), ctypes.byref(source))
            if self.library.ZSTD_isError(result):
                raise ValueError("zstd: " + self.library.ZSTD_getErrorName(result).decode())
            out.append(room.raw[:target.pos])
            if source.pos == source.size and target.pos < PIECE:
                return b"".join(out)


def decompress(data):
    return Stream().decompress(data)
