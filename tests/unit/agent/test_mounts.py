from reconciler.agent.mounts import mount_at, overlay_of, read_mounts

CONTAINERD = (
    b"197 128 0:70 / / rw,relatime master:37 - overlay overlay rw,lowerdir=/c/snapshots/2/fs:"
    b"/c/snapshots/1/fs,upperdir=/c/snapshots/6/fs,workdir=/c/snapshots/6/work,uuid=on\n"
    b"198 197 0:72 / /proc rw,nosuid - proc proc rw\n"
    b"213 197 254:0 /pods/1/volumes/x\\040y /srv/a\\040b ro,relatime - ext4 /dev/vda rw\n"
    b"half a line\n"
)


def overlay(options: bytes) -> tuple[str, tuple[str, ...], tuple[str, ...], str]:
    (mount,) = read_mounts(b"1 0 0:70 / / rw - overlay overlay rw," + options)
    found = overlay_of(mount)
    assert found is not None
    return found.upper, found.lowers, found.data, found.prefix


def test_a_table_as_the_kernel_writes_it() -> None:
    root, proc, volume = read_mounts(CONTAINERD)
    assert (root.number, root.device, root.point, root.kind) == (197, "0:70", "/", "overlay")
    assert (volume.point, volume.root) == ("/srv/a b", "/pods/1/volumes/x y")
    assert (root.writable, volume.writable) == (True, False)
    assert overlay_of(proc) is None
    found = overlay_of(root)
    assert found is not None
    assert found.lowers == ("/c/snapshots/2/fs", "/c/snapshots/1/fs")
    assert found.upper == "/c/snapshots/6/fs"


def test_layers_named_from_where_the_upper_one_is() -> None:
    # containerd and Docker do so where the whole names are too long.
    _, lowers, _, _ = overlay(b"lowerdir=2/fs:1/fs,upperdir=/c/snapshots/6/fs")
    assert lowers == ("/c/snapshots/2/fs", "/c/snapshots/1/fs")
    _, lowers, _, _ = overlay(b"lowerdir=l/ABC:l/DEF,upperdir=/var/lib/docker/overlay2/x/diff")
    assert lowers == ("/var/lib/docker/overlay2/l/ABC", "/var/lib/docker/overlay2/l/DEF")


def test_every_way_to_name_layers() -> None:
    assert overlay(b"lowerdir+=/a,lowerdir+=/b,upperdir=/u,userxattr") == (
        "/u", ("/a", "/b"), (), "user.overlay."
    )  # fmt: skip
    assert overlay(b"lowerdir=/a:/b::/c") == ("", ("/a", "/b"), ("/c",), "trusted.overlay.")
    # A colon in a name stands behind a backslash, which the kernel writes as \134.
    assert overlay(b"lowerdir=/a\\134:b:/c,upperdir=/u")[1] == ("/a:b", "/c")


def test_what_is_mounted_at_a_place() -> None:
    mounts = read_mounts(CONTAINERD + b"300 197 0:80 / /proc rw - tmpfs tmpfs rw\n")
    at = mount_at(mounts, "/proc")
    assert at is not None
    assert at.number == 300
    assert mount_at(mounts, "/nothing") is None
