"""The program that serves the disk of tests/odd_disk.py, which says what its arguments mean."""

import errno
import os
import sys

# mypy reads no further for systems that lack the calls.
assert sys.platform == "linux"


def main(arguments: list[str]) -> None:
    """Serve the disk until it is unmounted."""
    import mfusepy

    below, mount, longest, refused, most_bytes, *flags = arguments
    limit, most = int(longest), int(most_bytes)

    def error(number: int) -> Exception:
        failure: Exception = mfusepy.FuseOSError(number)
        return failure

    class OddDisk(mfusepy.Operations):  # type: ignore[misc]
        """Passes everything on to the folder below, within the limits."""

        use_ns = True

        def _path(self, path: str) -> str:
            where = below
            for name in path.split("/")[1:]:
                where = os.path.join(where, self._stored(where, name))
            return where

        def _stored(self, where: str, name: str) -> str:
            """Return the name under which a file is stored in a folder."""
            if len(name.encode()) > limit:
                raise error(errno.ENAMETOOLONG)
            if not set(refused).isdisjoint(name):
                raise error(errno.EINVAL)
            if "ascii_only" in flags and not name.isascii():
                raise error(errno.EILSEQ)
            stored = name.rstrip(". ") if "drops_ends" in flags else name
            if "folds_case" in flags and os.path.isdir(where):
                same = [one for one in os.listdir(where) if one.lower() == stored.lower()]
                stored = same[0] if same else stored
            return stored

        def init(self, path: str) -> None:
            sys.stdout.write("mounted\n")
            sys.stdout.flush()

        def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
            found = os.lstat(self._path(path))
            keys = ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size", "st_ino")
            attributes = {key: getattr(found, key) for key in keys}
            blocks = found.st_blocks
            if "no_holes" in flags:
                blocks = -(-found.st_size // 512)
            times = {
                f"st_{name}time": getattr(found, f"st_{name}time_ns") for name in ("a", "c", "m")
            }
            return {**attributes, **times, "st_blocks": blocks}

        def readdir(self, path: str, fh: int) -> list[str]:
            return [".", "..", *os.listdir(self._path(path))]

        def statfs(self, path: str) -> dict[str, int]:
            found = os.statvfs(below)
            keys = ("f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_frsize", "f_files", "f_ffree")
            return {**{key: getattr(found, key) for key in keys}, "f_namemax": limit}

        def mkdir(self, path: str, mode: int) -> None:
            os.mkdir(self._path(path), mode)

        def rmdir(self, path: str) -> None:
            os.rmdir(self._path(path))

        def unlink(self, path: str) -> None:
            os.unlink(self._path(path))

        def rename(self, old: str, new: str) -> None:
            os.rename(self._path(old), self._path(new))

        def link(self, target: str, source: str) -> None:
            if "no_links" in flags:
                raise error(errno.EPERM)
            os.link(self._path(source), self._path(target))

        def chmod(self, path: str, mode: int) -> None:
            if "refuses_chmod" in flags:
                raise error(errno.EPERM)
            os.chmod(self._path(path), mode)

        def chown(self, path: str, uid: int, gid: int) -> None:
            raise error(errno.EPERM)

        def utimens(self, path: str, times: tuple[int, int] | None = None) -> None:
            if "refuses_chmod" in flags:
                raise error(errno.EPERM)
            os.utime(self._path(path), ns=times or (0, 0))

        def create(self, path: str, mode: int, fi: object = None) -> int:
            if "read_only" in flags:
                raise error(errno.EROFS)
            return os.open(self._path(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)

        def open(self, path: str, flags: int) -> int:
            return os.open(self._path(path), flags)

        def release(self, path: str, fh: int) -> None:
            os.close(fh)

        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            return os.pread(fh, size, offset)

        def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
            if most and offset + len(data) > most:
                raise error(errno.EFBIG)
            return os.pwrite(fh, data, offset)

        def truncate(self, path: str, length: int, fh: int | None = None) -> None:
            if most and length > most:
                raise error(errno.EFBIG)
            os.truncate(self._path(path), length)

    mfusepy.FUSE(OddDisk(), mount, foreground=True, nothreads=True, default_permissions=True)


if __name__ == "__main__":
    main(sys.argv[1:])
