//! Modules that a script needs: one of the same name in `--extra-py-files` would hide it from everything that imports it.
//!
//! Source: The Python Standard Library 3.11 (`sys.stdlib_module_names`), and what PySpark and the Glue library import.

const NEEDED: &str = "
abc aifc argparse array ast asynchat asyncio asyncore atexit audioop awsglue awsgluedi awsgluedq awsglueml base64
bdb binascii bisect boto3 botocore builtins bz2 cProfile calendar cgi cgitb chunk cloudpickle cmath cmd codecs
codeop collections colorsys compileall concurrent configparser contextlib contextvars copy copyreg crypt csv ctypes
curses dataclasses datetime dateutil dbm decimal difflib dis distutils doctest email encodings ensurepip enum errno
faulthandler fcntl filecmp fileinput fnmatch fractions ftplib functools gc genericpath getopt getpass gettext glob
google graphlib grp grpc grpc_status gzip hashlib heapq hmac html http imaplib imghdr imp importlib inspect io
ipaddress itertools jmespath json keyword lib2to3 linecache locale logging lzma mailbox mailcap marshal math
mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc nis nntplib nt ntpath nturl2path numbers numpy
opcode operator optparse os ossaudiodev pandas pathlib pdb pickle pickletools pipes pkgutil platform plistlib poplib
posix posixpath pprint profile pstats pty pwd py4j py_compile pyarrow pyclbr pydoc pydoc_data pyexpat pysail pyspark
queue quopri random re readline reprlib resource rlcompleter runpy s3transfer sched secrets select selectors
setuptools shelve shlex shutil signal site six smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile
sre_constants sre_parse ssl stat statistics string stringprep struct subprocess sunau symtable sys sysconfig syslog
tabnanny tarfile telnetlib tempfile tenon_pool tenon_pyspark tenon_session termios textwrap threading time timeit
tkinter token tokenize tomllib trace traceback tracemalloc tty types typing unicodedata unittest urllib urllib3 uu
uuid venv warnings wave weakref webbrowser winreg winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib
zoneinfo
";

/// Whether a module of this name would hide one that a script needs.
pub(super) fn is_needed(name: &str) -> bool {
    NEEDED.split_ascii_whitespace().any(|needed| needed == name)
}
