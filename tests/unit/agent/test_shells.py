from pathlib import Path

from reconciler.agent.shells import shells_in


def test_only_programs_in_the_root_are_shells(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "sh").touch(0o755)
    (root / "bin" / "ash").symlink_to("/bin/sh")  # as seen in the root
    (root / "bin" / "bash").touch(0o644)
    (root / "bin" / "zsh").mkdir()
    (tmp_path / "outside").touch(0o755)
    (root / "bin" / "ksh").symlink_to("../../outside")
    (root / "bin" / "fish").symlink_to("/bin/fish")
    paths = [f"/bin/{name}" for name in ("sh", "ash", "bash", "zsh", "ksh", "fish", "none")]
    assert shells_in(str(root), paths) == ("/bin/sh", "/bin/ash")
    assert shells_in(str(tmp_path / "gone"), paths) == ()
