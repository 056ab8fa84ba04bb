"""Where local servers keep their files: one data folder, short socket paths, and nothing in private folders."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.local.process import LocalError

SYSTEM_USER = "viramah"
# Where files of the database go when the asked-for place lies below a folder that only root may enter.
PUBLIC_HOME = Path("/var/lib/viramah")
# A socket's path must fit in sun_path: 108 bytes with its final NUL, see unix(7).
# Not tempfile.gettempdir(): TMPDIR may be long, and may differ in the next shell.
SOCKET_HOME = Path("/tmp")  # noqa: S108 - made 0700 or 0711 and checked for its owner in private_folder()


@dataclass(frozen=True)
class DataFolder:
    """The folder of one installation (`--data`), and what lies where in it."""

    root: Path

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.json"

    @property
    def gateways(self) -> Path:
        """What the demo's stand-ins for payment gateways know."""
        return self.root / "gateways.json"

    @property
    def telegram(self) -> Path:
        """What the demo's stand-in for Telegram knows."""
        return self.root / "telegram.json"

    @property
    def lock(self) -> Path:
        return self.root / "run.lock"

    @property
    def sockets(self) -> Path:
        """A short path that is the same for everyone who names this folder."""
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        return SOCKET_HOME / f"viramah-{os.geteuid()}-{digest}"


def open_data_folder(path: Path) -> DataFolder:
    """Make or check the folder at `path`; LocalError tells what is wrong with it."""
    root = path.expanduser().resolve()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
        folder = DataFolder(root)
        private_folder(folder.logs)
    except (FileExistsError, NotADirectoryError) as error:
        raise LocalError(f"The data folder {root} cannot be used: {error.filename} is a file.") from error
    except OSError as error:
        raise LocalError(f"The data folder {root} cannot be written: {error.strerror}.") from error
    return folder


def private_folder(path: Path, mode: int = 0o700, owner: pwd.struct_passwd | None = None) -> Path:
    """Make a folder that nobody else owns; a squatter's folder or link of that name is refused."""
    try:
        path.mkdir(mode=mode, exist_ok=True)
        found = path.lstat()
        mine = {os.geteuid()} | ({owner.pw_uid} if owner else set())
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in mine:
            raise LocalError(f"{path} belongs to somebody else; remove it, or choose another --data folder.")
        if owner:
            os.chown(path, owner.pw_uid, owner.pw_gid)
        path.chmod(mode)
    except OSError as error:
        raise LocalError(f"The folder {path} cannot be made: {error.strerror}.") from error
    return path


def system_user() -> pwd.struct_passwd | None:
    """The user to run PostgreSQL as, which refuses to run as root; None means: as ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    try:
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise LocalError(
            f"PostgreSQL does not run as root and the system user {SYSTEM_USER} could not be made: "
            "run this as a normal user."
        ) from error
    return pwd.getpwnam(SYSTEM_USER)


def others_reach(path: Path) -> bool:
    """Whether every folder above `path` may be passed through by anybody."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)


def public_twin(path: Path) -> Path:
    """A place for `path` outside private folders: always the same one for the same path."""
    PUBLIC_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
    return PUBLIC_HOME / f"{path.name}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"


def reachable_folder(path: Path, user: pwd.struct_passwd | None) -> Path:
    """`path`, or where the system user cannot pass, a link at `path` to a folder that it can reach.

    The wheel's own server opens every parent folder to the world instead, which would open /root.
    """
    if user is None or path.is_symlink() or others_reach(path):
        return path.resolve()
    twin = public_twin(path)
    if path.exists():
        shutil.move(path, twin)  # it came here from where it could be reached
    twin.mkdir(mode=0o700, exist_ok=True)
    path.symlink_to(twin)
    return twin


def reachable_copy(trees: Sequence[Path], version: str, user: pwd.struct_passwd | None) -> Path:
    """The folder that holds `trees` side by side: their own, or a copy that the system user can reach.

    `trees`: programs and their libraries in one folder; `version`: what makes an older copy useless.
    """
    home = trees[0].parent
    if user is None or others_reach(trees[0]):
        return home
    twin = public_twin(home / f"{trees[0].name}-{version}")
    if not twin.exists():
        half = Path(tempfile.mkdtemp(dir=PUBLIC_HOME))
        for tree in trees:
            shutil.copytree(tree, half / tree.name)
        half.chmod(0o755)
        half.rename(twin)
    return twin


def read_secrets(folder: DataFolder) -> dict[str, str]:
    """The generated secrets of this installation, empty before the first start."""
    if not folder.secrets.exists():
        return {}
    try:
        found = json.loads(folder.secrets.read_text())
    except (OSError, ValueError) as error:
        raise LocalError(f"The data folder is broken: {folder.secrets} cannot be read ({error}).") from error
    if not isinstance(found, dict):
        raise LocalError(f"The data folder is broken: {folder.secrets} does not hold an object.")
    return {str(name): str(value) for name, value in found.items()}


def write_secrets(folder: DataFolder, values: dict[str, str]) -> None:
    """Write the secrets so that no other user can read them, not even while they are written."""
    half = folder.secrets.with_name(f".secrets-{secrets.token_hex(4)}")
    handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(values, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    half.replace(folder.secrets)
