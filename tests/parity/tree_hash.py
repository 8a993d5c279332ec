"""One SHA-256 of a whole output tree, for determinism: `python tree_hash.py OUT`.

It covers each file's path (relative, sorted, with /) and contents; commits and timings in `.fovflow/` are left out.
"""

import hashlib
import sys
from pathlib import Path

from tree import BOOKKEEPING


def tree_hash(root):
    """The tree's SHA-256 in hex. An empty or missing tree is an error: it equals every other empty one."""
    root = Path(root)
    files = sorted((path.relative_to(root).as_posix(), path) for path in root.rglob("*") if path.is_file())
    files = [(name, path) for name, path in files if name.split("/")[0] != BOOKKEEPING]
    if not files:
        raise ValueError(f"{root}: no file to hash")
    digest = hashlib.sha256()
    for name, path in files:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    print(tree_hash(sys.argv[1]))
