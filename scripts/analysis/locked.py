"""The lock under which programs add to a results file."""
import contextlib
import fcntl
import os


@contextlib.contextmanager
def locked(path):
    """The open file under the lock that studies append under (harness/file_lock.hpp): of what stands at the path by
    then. It must be opened nowhere else meanwhile, as closing that would end the lock."""
    while True:
        with open(path, "ab+", buffering=0) as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            if os.path.exists(path) and os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                yield file
                return
