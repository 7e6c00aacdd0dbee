"""Builds the package's wheel with nothing but Python, so that ``pip install`` of this folder needs no network.

A PEP 517 backend: pyproject.toml names it. There is one package, no C code and no dependency; a wheel of that is a zip
of its files and three of metadata (PEP 427).
"""

import base64
import csv
import hashlib
import io
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAME = "karta"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    files = {
        str(file.relative_to(HERE).as_posix()): file.read_bytes()
        for file in sorted((HERE / NAME).iterdir())
        if file.suffix == ".py" or file.name == "py.typed"
    }
    return _write(wheel_directory, files)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return _write(wheel_directory, {"%s.pth" % NAME: str(HERE).encode("utf-8")})


def build_sdist(sdist_directory, config_settings=None):
    raise NotImplementedError("install the folder itself")


def _write(directory, files):
    version = _version()
    info = "%s-%s.dist-info" % (NAME, version)
    metadata = "Metadata-Version: 2.1\nName: %s\nVersion: %s\nSummary: %s\nRequires-Python: >=3.9\nLicense: MIT\n"
    files[info + "/METADATA"] = (metadata % (NAME, version, "Karta for Python apps and clients")).encode("utf-8")
    files[info + "/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: karta\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode("ascii")
        rows.writerow([name, "sha256=" + digest, len(content)])
    rows.writerow([info + "/RECORD", "", ""])
    files[info + "/RECORD"] = record.getvalue().encode("utf-8")

    wheel = "%s-%s-py3-none-any.whl" % (NAME, version)
    with zipfile.ZipFile(Path(directory) / wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return wheel


def _version():
    """As karta/__init__.py says it, read without importing it."""
    source = (HERE / NAME / "__init__.py").read_text("utf-8")
    line = next(line for line in source.splitlines() if line.startswith("__version__"))
    return line.split('"')[1]
