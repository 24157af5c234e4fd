/// Which names of a pickle are read over, and which end the reading.
///
/// Nothing that a pickle names is ever imported or called here, so that no name can do harm. Files in which one could do so
/// in Python are refused all the same: nobody should load them elsewhere. What scripts keep beside their tensors is read over:
/// settings, paths, times, numpy's numbers, schedulers, classes of their own. Of Python's library only the names below are,
/// of others every class, and no function but those that rebuild an object.
enum PickleTrust {
    /// Whether a pickle may name it.
    static func mayName(_ name: PickleName) -> Bool {
        if listed.contains(name) { return true }
        switch package(of: name) {
        case "torch": return isClass(name) || ["torch.nn.", "torch.optim."].contains { (name.module + ".").hasPrefix($0) }
        case "numpy": return isClass(name) || isOfNumpy(name)
        case let package: return package == "__main__" || !(package.hasPrefix("_") || standardLibrary.contains(package))
        }
    }

    /// Whether a pickle may call it, or make an object of it: what comes of that is an object that is read over.
    static func mayCall(_ name: PickleName) -> Bool {
        guard mayName(name) else { return false }
        return listed.contains(name) || isClass(name) || isOfNumpy(name)
            || (!["torch", "numpy"].contains(package(of: name)) && rebuilds(name))
    }

    private static func package(of name: PickleName) -> String {
        String(name.module.prefix { $0 != "." })
    }

    /// As classes are written: a capital first, after underscores and what the class lies in.
    private static func isClass(_ name: PickleName) -> Bool {
        name.name.split(separator: ".").last?.drop { $0 == "_" }.first?.isUppercase ?? false
    }

    private static func rebuilds(_ name: PickleName) -> Bool {
        name.name.contains("unpickle") || ["_reconstruct", "_rebuild"].contains { name.name.hasPrefix($0) }
    }

    /// Types of numbers, `numpy.float64` and the like, and what rebuilds numbers and arrays.
    private static func isOfNumpy(_ name: PickleName) -> Bool {
        guard package(of: name) == "numpy" else { return false }
        return switch name.module {
        case "numpy":
            name.name == "ndarray" || name.name == "dtype" || name.name == "bool" || name.name.hasSuffix("_")
                || ["float", "int", "uint", "complex", "datetime", "timedelta", "longdouble"].contains { name.name.hasPrefix($0) }
        case "numpy.core.multiarray", "numpy._core.multiarray": ["scalar", "_reconstruct"].contains(name.name)
        case "numpy.core.numeric", "numpy._core.numeric": name.name == "_frombuffer"
        case let module where module.hasPrefix("numpy.random."): name.name.hasSuffix("_ctor") || rebuilds(name)
        case "numpy.ma.core": name.name == "_mareconstruct"
        default: false
        }
    }

    /// Of Python's library, by module.
    private static let listed: Set<PickleName> = {
        let names: [(modules: [String], names: String)] = [
            (
                ["builtins", "__builtin__"],
                "bool bytearray bytes complex dict float frozenset getattr int list long object range set slice str tuple type "
                    + "unicode xrange"
            ),
            (["argparse"], "Namespace"), (["optparse"], "Values"), (["types"], "NoneType SimpleNamespace"),
            (
                ["pathlib", "pathlib._local", "pathlib._abc"],
                "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath"
            ),
            (["datetime"], "date datetime time timedelta timezone"), (["zoneinfo"], "ZoneInfo ZoneInfo._unpickle"),
            (["time"], "struct_time"), (["decimal"], "Decimal"), (["fractions"], "Fraction"),
            (["uuid"], "SafeUUID UUID"), (["enum"], "Enum IntEnum IntFlag Flag StrEnum"),
            (["collections"], "Counter OrderedDict UserDict UserList UserString deque defaultdict ChainMap"),
            (["copyreg", "copy_reg"], "_reconstructor __newobj__ __newobj_ex__"), (["_codecs"], "encode"),
            (["functools"], "partial"), (["operator"], "getitem"), (["logging"], "getLogger Logger"), (["re"], "_compile"),
            (["random"], "Random"), (["string"], "Template"), (["http", "signal"], "HTTPStatus Signals"),
            (
                ["typing"],
                "Any Callable Dict FrozenSet Generic Iterable List Literal Mapping Optional Sequence Set Tuple Type Union"
            ),
        ]
        return Set(
            names.flatMap { group in
                group.modules.flatMap { module in
                    group.names.split(separator: " ").map { PickleName(module: module, name: String($0)) }
                }
            })
    }()

    /// Modules of Python 2 and 3 at the top; those that begin with an underscore belong to them as well.
    private static let standardLibrary = Set(
        """
        BaseHTTPServer ConfigParser Queue SocketServer StringIO UserDict abc aifc antigravity argparse array ast asynchat asyncio
        asyncore atexit audioop base64 bdb binascii bisect builtins bz2 cPickle cProfile cStringIO calendar cgi cgitb chunk cmath
        cmd code codecs codeop collections colorsys commands compileall concurrent configparser contextlib contextvars copy
        copy_reg copyreg crypt csv ctypes curses dataclasses datetime dbm decimal difflib dis distutils doctest email encodings
        ensurepip enum errno faulthandler fcntl filecmp fileinput fnmatch fractions ftplib functools gc genericpath getopt
        getpass gettext glob graphlib grp gzip hashlib heapq hmac html http httplib idlelib imaplib imghdr imp importlib inspect
        io ipaddress itertools json keyword lib2to3 linecache locale logging lzma mailbox mailcap marshal math mimetypes mmap
        modulefinder msilib msvcrt multiprocessing netrc nis nntplib nt ntpath nturl2path numbers opcode operator optparse os
        ossaudiodev pathlib pdb pickle pickletools pipes pkgutil platform plistlib popen2 poplib posix posixpath pprint profile
        pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat queue quopri random re readline reprlib resource rlcompleter
        runpy sched secrets select selectors shelve shlex shutil signal site smtpd smtplib sndhdr socket socketserver spwd
        sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string stringprep struct subprocess sunau symtable sys
        sysconfig syslog tabnanny tarfile telnetlib tempfile termios textwrap this threading time timeit tkinter token tokenize
        tomllib trace traceback tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib urllib2 uu uuid venv
        warnings wave weakref webbrowser winreg winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo
        """.split { $0 == " " || $0 == "\n" }.map(String.init))
}
